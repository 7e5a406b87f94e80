"""Batches of pictures to rows, as engines such as Ray and Spark hand them out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import rows as tables
from ._errors import Error, UsageError, error
from ._explanation import Explanation
from ._images import ImageLike
from ._model import Model
from ._png import png

#: How many pictures are explained before their rows are handed on, so that few maps are in memory at a time.
_TOGETHER = 16


class RowMaker:
    """Makes the rows of pictures by one network, opened once.

    model: a path, or a name in the models folder. folder: what the names of pictures are relative to; by default they
    are as given. maps: whether rows have the map at the node. pictures: whether they have the map drawn over the
    picture, as the bytes of a PNG file. model_options: as for `Model`. threads: how many cores an engine gives each
    worker. asked: as for `Model.explain_many`.
    """

    def __init__(self, model: str | os.PathLike[str], *, folder: str | os.PathLike[str] | None, maps: bool,
                 pictures: bool, model_options: Mapping[str, Any] | None, threads: int, asked: Mapping[str, Any]) -> None:
        self._model = Model(model, **{"threads": threads, **(model_options or {})})
        self._folder = None if folder is None else os.fspath(folder)
        self._maps, self._pictures, self._asked = maps, pictures, asked

    def rows(self, paths: Sequence[str], pictures: Sequence[ImageLike | None]) -> Iterator[tuple[int, dict[str, Any]]]:
        """For each picture a row for each map, or one for its error, with the picture's index.

        A picture that is None has no contents. Raises what is no picture's fault.
        """
        for first in range(0, len(paths), _TOGETHER):
            together = slice(first, first + _TOGETHER)
            names = [named(path, self._folder) for path in paths[together]]
            for index, made in enumerate(self._explained(pictures[together], names), first):
                if isinstance(made, Error):
                    if made.row is None:
                        raise made
                    yield index, tables.parse(made.row)
                    continue
                for one in made:
                    yield index, self._row(one)

    def _explained(self, pictures: Sequence[ImageLike | None], names: Sequence[str]) -> list[list[Explanation] | Error]:
        given = [b"" if picture is None else picture for picture in pictures]
        return self._model.explain_many(given, names=names, **self._asked)

    def _row(self, explanation: Explanation) -> dict[str, Any]:
        row = tables.parse(explanation.row())
        if self._maps:
            row["map"], row["map_shape"] = explanation.map.ravel(), list(explanation.map.shape)
        if self._pictures:
            row["picture"] = png(explanation.overlay())
        return row


def plain(path: str) -> str:
    """A path without its scheme: `/a/b.png` for `file:///a/b.png`, `bucket/b.png` for `s3://bucket/b.png`."""
    found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]+):(/.*)", path, re.DOTALL)
    if found is None:
        return path
    bare = found[2].lstrip("/")
    return f"/{bare}" if found[1].lower() == "file" else bare


def named(path: str, folder: str | None) -> str:
    """What rows call a picture: its path relative to a folder, or as it is. Raises UsageError if it lies elsewhere."""
    name = plain(path)
    if folder is None:
        return name
    for above in (plain(folder), os.path.abspath(plain(folder))):
        beginning = above.rstrip("/") + "/"
        if name.startswith(beginning):
            return name[len(beginning):]
    raise error(UsageError, name, f"is not in the folder {folder}", "give the folder that all pictures lie in")
