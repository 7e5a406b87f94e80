"""One network before and after quantisation, pruning or conversion."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import _program as program
from ._comparison import gathered
from ._model import Model


class Drift:
    """What became of a network in another file, node by node.

    data: the document of `gradcam drift --json`. report: the page of `--report`, as HTML. warnings: what to know, as lines.
    """

    def __init__(self, data: dict[str, Any], report: str, warnings: Sequence[str]) -> None:
        self.data, self.report, self.warnings = data, report, list(warnings)

    @property
    def breaks(self) -> str | None:
        """The first node that makes an error of its own that is out of line; None if no single node stands out."""
        breaks: str | None = self.data["breaks"]
        return breaks

    @property
    def summary(self) -> dict[str, float | None]:
        """How well the network was kept: agreement, snr, own_snr, map_pearson and so on."""
        summary: dict[str, float | None] = self.data["summary"]
        return summary

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """A dictionary for each pair of nodes: those that break, then the others, the largest errors of their own first."""
        nodes: list[dict[str, Any]] = self.data["nodes"]
        return nodes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page (.html) or the numbers (.json), by the path's extension."""
        kind = Path(path).suffix.lower()
        if kind in (".html", ".htm"):
            Path(path).write_text(self.report, encoding="utf-8")
        elif kind == ".json":
            Path(path).write_text(json.dumps(self.data, indent=2), encoding="utf-8")
        else:
            raise ValueError(f"{os.fspath(path)}: give a name with .html or .json")

    def __repr__(self) -> str:
        found = "no single node stands out" if self.breaks is None else f"breaks at {self.breaks}"
        return f"<gradcam.Drift of {len(self.nodes)} nodes: {found}>"


def drift(
    before: Model | str | os.PathLike[str], after: Model | str | os.PathLike[str],
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, method: str = "gradcam", **options: Any,
) -> Drift:
    """Compares two files of one network node by node, by the program's command `drift`.

    before, after: networks, or paths of .onnx files. images: paths of pictures, or of folders of them. options: as the
    program's options of these names, `_` for `-`. What was said of a `Model` holds for it.
    """
    program.check(options)
    images = [images] if isinstance(images, (str, os.PathLike)) else images
    paths, given = gathered([before, after])
    given.pop("node", None)  # all nodes are compared
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.html")
        data, warnings = program.run(
            "drift", *paths, *map(program.path, images),
            options={**given, "method": method, "report": report, **options})
        return Drift(data, report.read_text(encoding="utf-8"), warnings)
