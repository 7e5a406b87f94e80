"""Maps of pictures by Spark.

    from gradcam.spark import explain_iterator, schema

    photos = spark.read.format("binaryFile").load("photos")
    rows = photos.select("path", "content").mapInPandas(explain_iterator("vgg19.onnx", folder="photos"), schema=schema)
    rows.write.parquet("rows")
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from . import rows as tables
from ._batches import RowMaker, plain

__all__ = ["explain_iterator", "schema"]

_TYPES = {"string": "string", "int32": "int", "float32": "float", "float64": "double", "binary": "binary"}


def _schema(columns: Mapping[str, str]) -> str:
    def kind(name: str) -> str:
        return f"array<{kind(name[5:-1])}>" if name.startswith("list<") else _TYPES[name]

    return ", ".join(f"`{name}` {kind(of)}" for name, of in columns.items())


#: The schema of rows, as Spark writes it.
schema = _schema(tables.COLUMNS)

#: The networks that this worker has opened, by what they were opened with: Spark reuses workers for many partitions.
_opened: dict[bytes, RowMaker] = {}


class explain_iterator:
    """What `DataFrame.mapInPandas` calls: frames of pictures in, frames of rows out.

    The network is opened once a worker. A frame has the columns of Spark's `binaryFile`, of which `path` and `content`
    are read; without `content`, the files at the paths are, which all machines must have. For every picture there is a
    row for each map; a picture that cannot be read has one row, with its `error`.

    model: a path, or a name in the models folder, on every machine. folder: what the names in rows are relative to.
    maps: adds the map at the node, `map` with its extents `map_shape`. pictures: adds `picture`, the bytes of a PNG
    file. With these, the rows' schema is `schema` of the result. threads: how many cores a task has
    (`spark.task.cpus`). model_options: as for `gradcam.Model`. asked: as for `gradcam.Model.explain_many`, such as
    `classes`, `nodes` and `methods`.
    """

    def __init__(self, model: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None = None,
                 maps: bool = False, pictures: bool = False, threads: int = 1,
                 model_options: Mapping[str, Any] | None = None, **asked: Any) -> None:
        self._options: dict[str, Any] = {"folder": folder, "maps": maps, "pictures": pictures, "threads": threads,
                         "model_options": model_options, "asked": asked}
        self._model = os.fspath(model)
        drawn = [*(("map", "map_shape") if maps else ()), *(("picture",) if pictures else ())]
        self._columns = {**tables.COLUMNS, **{name: tables.DRAWN[name] for name in drawn}}

    @property
    def schema(self) -> str:
        """The schema of its rows, as Spark writes it."""
        return _schema(self._columns)

    def __call__(self, frames: Iterable[Any]) -> Iterator[Any]:
        pandas = import_module("pandas")
        maker = self._maker()
        for frame in frames:
            paths = list(frame["path"])
            pictures = list(frame["content"]) if "content" in frame.columns else [plain(path) for path in paths]
            made = [[row.get(name) for name in self._columns] for _, row in maker.rows(paths, pictures)]
            yield pandas.DataFrame(made, columns=list(self._columns), dtype=object)

    def _maker(self) -> RowMaker:
        key = pickle.dumps((self._model, self._options))
        if key not in _opened:
            _opened.clear()
            _opened[key] = RowMaker(self._model, **self._options)
        return _opened[key]
