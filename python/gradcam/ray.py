"""Maps of pictures by Ray Data.

    import ray
    from gradcam.ray import Explainer

    rows = ray.data.read_binary_files("photos", include_paths=True).map_batches(
        Explainer, fn_constructor_kwargs={"model": "vgg19.onnx", "folder": "photos"}, batch_size=64, num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=8))
    rows.write_parquet("rows")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from . import rows as tables
from ._batches import RowMaker, plain

__all__ = ["Explainer"]


class Explainer:
    """What `ray.data.Dataset.map_batches` calls: a batch of pictures in, a `pyarrow.Table` of rows out.

    The network is opened once an actor. A batch has a column `path`, and the pictures in the column `bytes`, the
    contents of their files, or `image`, arrays or paths; without either, the files at the paths are read. For every
    picture there is a row for each map; a picture that cannot be read has one row, with its `error`. Rows have the
    columns of `gradcam.rows`, and the `path` by which Ray's checkpoints know the picture.

    model: a path, or a name in the models folder. folder: what the names in rows are relative to. maps: adds the map at
    the node, `map` with its extents `map_shape`. pictures: adds `picture`, the bytes of a PNG file. threads: how many
    cores an actor has (Ray's `num_cpus`). model_options: as for `gradcam.Model`. asked: as for
    `gradcam.Model.explain_many`, such as `classes`, `nodes` and `methods`.
    """

    def __init__(self, model: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None = None,
                 maps: bool = False, pictures: bool = False, threads: int = 1,
                 model_options: Mapping[str, Any] | None = None, **asked: Any) -> None:
        self._maker = RowMaker(model, folder=folder, maps=maps, pictures=pictures, model_options=model_options,
                               threads=threads, asked=asked)
        arrow = import_module("pyarrow")
        self._schema = tables.schema(maps=maps, pictures=pictures).append(arrow.field("path", arrow.string()))

    def __call__(self, batch: Any) -> Any:
        columns = getattr(batch, "column_names", None) or list(batch)

        def column(name: str) -> list[Any]:
            values = batch[name]
            return values.to_pylist() if hasattr(values, "to_pylist") else list(values)

        paths = [str(path) for path in column("path")]
        given = next((column(name) for name in ("bytes", "image") if name in columns), None)
        pictures = [plain(path) for path in paths] if given is None else given
        made = [{**row, "path": paths[index]} for index, row in self._maker.rows(paths, pictures)]
        return import_module("pyarrow").Table.from_pylist(made, schema=self._schema)
