"""Networks side by side."""

from __future__ import annotations

import html
import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import _program as program
from ._model import Model


class Comparison:
    """Maps of several networks side by side, and how far they agree, how good they are and what they cost.

    data: the document of `gradcam compare --json`. report: the page of `--report`, as HTML. picture: the grid of maps, as
    the bytes of a PNG file. warnings: what to know, as lines.
    """

    def __init__(self, data: dict[str, Any], report: str, picture: bytes, warnings: Sequence[str]) -> None:
        self.data, self.report, self.picture, self.warnings = data, report, picture, list(warnings)

    @property
    def models(self) -> list[dict[str, Any]]:
        """A dictionary for each network: name, node, cost, and means of metrics with their intervals."""
        models: list[dict[str, Any]] = self.data["models"]
        return models

    @property
    def images(self) -> list[dict[str, Any]]:
        """A dictionary for each picture: the class, each network's result, and how far their maps agree."""
        images: list[dict[str, Any]] = self.data["images"]
        return images

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page (.html), the grid (.png) or the numbers (.json), by the path's extension."""
        kind = Path(path).suffix.lower()
        if kind in (".html", ".htm"):
            Path(path).write_text(self.report, encoding="utf-8")
        elif kind == ".png":
            Path(path).write_bytes(self.picture)
        elif kind == ".json":
            Path(path).write_text(json.dumps(self.data, indent=2), encoding="utf-8")
        else:
            raise ValueError(f"{os.fspath(path)}: give a name with .html, .png or .json")

    def __repr__(self) -> str:
        names = ", ".join(model["name"] for model in self.models)
        pictures = "1 picture" if len(self.images) == 1 else f"{len(self.images)} pictures"
        return f"<gradcam.Comparison of {names}, on {pictures}>"

    def _repr_png_(self) -> bytes:
        return self.picture

    def _repr_html_(self) -> str:
        metrics = [metric["name"] for metric in self.data["metrics"]]
        rows = "".join(
            f"<tr><th>{html.escape(model['name'])} at {html.escape(model['node'])}</th>"
            + "".join(f"<td>{_number(model['means'].get(metric))}</td>" for metric in metrics)
            + f"<td>{_number(model['cost']['explanation_ms'])} ms</td></tr>"
            for model in self.models)
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in [*metrics, "time"])
        return (f"<img src='data:image/png;base64,{b64encode(self.picture).decode()}' style='max-width:100%'/>"
                f"<table><tr><th></th>{heads}</tr>{rows}</table>")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def gathered(models: Iterable[Model | str | os.PathLike[str]]) -> tuple[list[str], dict[str, Any]]:
    """The paths of networks, and the program's options that say what was said of those that are open."""
    paths: list[str] = []
    own: dict[str, list[str]] = {}
    shared: dict[str, Any] = {}
    for model in models:
        if not isinstance(model, Model):
            paths.append(program.path(model))
            continue
        paths.append(model.path)
        for name, value in model._options().items():
            if name in program.LISTS:
                shared[name] = [*shared.get(name, []), *(one for one in value if one not in shared.get(name, []))]
            elif name in program.SHARED:
                shared[name] = value or shared.get(name)
            elif value is not None:
                own.setdefault(name, []).append(f"{model.path}={value}")
    return paths, {**shared, **own}


def compare(
    models: Iterable[Model | str | os.PathLike[str]], images: Iterable[str | os.PathLike[str]], *,
    cls: int | str | None = None, node: str | None = None, method: str = "gradcam", metric: Iterable[str] = (),
    boxes: str | os.PathLike[str] | None = None, truth: str | os.PathLike[str] | None = None, **options: Any,
) -> Comparison:
    """Asks several networks about the same class in each picture, by the program's command `compare`.

    models: networks, or paths of .onnx files. images: paths of pictures, or of folders of them. cls: a class's number or
    label; by default what boxes or truth say, else the top class of most networks. metric: by default all that apply.
    boxes, truth, options: as the program's options of these names, `_` for `-`. What was said of a `Model` holds for it.
    """
    program.check(options)
    models = [models] if isinstance(models, (Model, str, os.PathLike)) else models
    images = [images] if isinstance(images, (str, os.PathLike)) else images
    paths, given = gathered(models)
    with tempfile.TemporaryDirectory() as folder:
        grid, report = Path(folder, "grid.png"), Path(folder, "report.html")
        data, warnings = program.run(
            "compare", *paths, *map(program.path, images), options={
                **given, "class": cls, "method": method, "metric": metric, "boxes": boxes, "truth": truth,
                "output": grid, "report": report, **({} if node is None else {"node": node}), **options})
        return Comparison(data, report.read_text(encoding="utf-8"), grid.read_bytes(), warnings)
