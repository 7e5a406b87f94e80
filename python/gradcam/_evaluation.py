"""How good maps are, over many pictures."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class MetricMean:
    """A metric's mean over `count` maps of a method, with a 95% interval from `low` to `high`; NaN for none.

    rank: the first and last of the 95% interval of the method's rank, 1 for the best. beats_random: whether it is told from
    maps by chance. Both are None for too few pictures.
    """

    metric: str
    method: str
    mean: float
    low: float
    high: float
    count: int
    higher_is_better: bool
    rank: tuple[int, int] | None = None
    beats_random: bool | None = None


class Evaluation:
    """What metrics say of a network's maps over a folder of pictures.

    model, node: what was explained, and where. images: how many pictures were measured; skipped: how many could not be
    read. means: one for each metric and method. lines: a dictionary for each map, as `gradcam evaluate` writes them.
    clusters: with `clusters=K`, a dictionary for each class and method, with the groups of its maps. warnings: what to
    know, as lines.
    """

    def __init__(self, data: dict[str, Any], lines: Sequence[dict[str, Any]], warnings: Sequence[str]) -> None:
        self.data, self.lines, self.warnings = data, list(lines), list(warnings)
        self.model: str = data["model"]
        self.node: str = data["node"]
        self.images: int = data["images"]
        self.skipped: int = data["skipped"]
        self.clusters: list[dict[str, Any]] = data["clusters"] or []
        self.means = [
            MetricMean(metric["metric"], one["method"], _number(one["mean"]), _number(one["low"]), _number(one["high"]),
                       one["count"], metric["higher_is_better"],
                       None if one["rank_low"] is None else (one["rank_low"], one["rank_high"]), one["beats_random"])
            for metric in data["metrics"] for one in metric["methods"]]

    def __repr__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        pictures = "1 picture" if self.images == 1 else f"{self.images} pictures"
        return f"<gradcam.Evaluation of {self.model} at {self.node}: {pictures}{skipped}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(one.metric)}</td><td>{html.escape(one.method)}</td><td>{one.mean:.4g}</td>"
            f"<td>{one.low:.4g} … {one.high:.4g}</td><td>{'higher' if one.higher_is_better else 'lower'}</td></tr>"
            for one in self.means)
        return (f"<table><caption>{html.escape(repr(self)[1:-1])}</caption><tr><th>metric</th><th>method</th>"
                f"<th>mean</th><th>95% interval</th><th>better</th></tr>{rows}</table>")

    @staticmethod
    def read_lines(path: Path) -> list[dict[str, Any]]:
        """The lines of a log; its head, which says how it came about, is not of a map."""
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in found if "image" in line]


def _number(value: float | None) -> float:
    return math.nan if value is None else value
