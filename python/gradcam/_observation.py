"""Pictures that a network ran on."""

from __future__ import annotations

import html
import math
import operator
import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from ctypes import byref, c_char_p, c_double, c_int32, c_size_t, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _native as native
from ._errors import Cancelled, Error
from ._explanation import Box, Explanation
from ._notes import Notes

if TYPE_CHECKING:
    from ._model import Node

#: Receives the fraction done, from 0 to 1.
Progress = Callable[[float], None]
#: Classes, each by its number or label, or one of them.
Classes: TypeAlias = "Class | int | str | Iterable[Class | int | str] | None"
#: Nodes, by names as for --node of the program, or one of them.
Nodes: TypeAlias = "Node | str | Iterable[Node | str] | None"


@dataclass(frozen=True)
class Class:
    """A class with its score in a picture; `label` is None if no name is known, `probability` NaN if it means nothing."""

    index: int
    label: str | None
    logit: float
    probability: float


class Observation:
    """A picture that a network ran on once, which any questions can be asked about.

    Threads that use it take turns; others of the same model may be used at the same time, and outlive the model.
    """

    def __init__(self, handle: c_void_p, name: str, class_count: int, notes: Notes) -> None:
        self._notes = notes
        self._handle, self._name, self._class_count = handle, name, class_count
        self._lock = threading.RLock()
        weakref.finalize(self, native.closing("gradcam_close_observation", handle))

    def top(self, count: int = 5) -> list[Class]:
        """The most probable classes, the most probable first; none if the network gives no scores of classes."""
        found, classes = c_size_t(), (native.ClassInfo * max(count, 0))()
        with self._lock:
            native.call("gradcam_get_classes", self._handle, classes, c_size_t(len(classes)), byref(found))
        return [Class(one.index, native.text(one.label), one.logit, one.probability) for one in classes[:found.value]]

    def explain(self, cls: Class | int | str | None = None, *, node: Node | str | None = None,
                method: str | None = None, **options: object) -> Explanation:
        """The map of one class at one node by one method.

        cls: a class's number or label; the most probable one by default. node: as for --node of the program; the
        model's by default. method: as for --method, "gradcam" by default and "odam" for boxes; of the maps of `dff`, the
        first. options: as for `explain_all`, but for those that ask for more than one map.
        """
        several = sorted({"classes", "nodes", "methods", "top"} & set(options))
        if several:
            raise TypeError(f"explain() makes one map and takes no {several[0]}; use explain_all()")
        made = self.explain_all(cls, nodes=node, methods=method, **options)  # type: ignore[arg-type]
        return made[0]

    def explain_all(
        self, classes: Classes = None, *, nodes: Nodes = None,
        methods: str | Iterable[str] | None = None, top: int = 0, contrast: tuple[int | str, int | str] | None = None,
        target: str | None = None, mask: str | os.PathLike[str] | None = None,
        embedding: str | os.PathLike[str] | None = None, detection: int | None = None, boxes_of: str | None = None,
        iou: float = 0, columns: Iterable[str] = (), counterfactual: bool = False, of_probability: bool = False,
        fuse: str | None = None, smooth: Iterable[str] = (), compat: str | None = None, grid: str | None = None,
        channels: str | None = None, concepts: int = 0, baseline: str | os.PathLike[str] | Iterable[str] = (),
        steps: int = 0, window: str | None = None, stride: str | None = None, masks: int = 0, signed: bool = False,
        skip_unsupported: bool = False, progress: Progress | None = None,
    ) -> list[Explanation]:
        """A map for each class, each node and each method, in this order; one may be given without a list.

        top: explains that many of the most probable classes. contrast: two classes, what speaks for the first rather
        than the second. target, mask, embedding, boxes_of, iou, columns, fuse, smooth, compat, grid: as the program's
        options of these names. detection: 0 for the score of a detector's best box. channels: "first" or "last", where
        those of the nodes are. concepts: how many the method `dff` looks for. baseline: what attributions compare the
        picture with: "zero", "black", "mean", "blur", or the files of pictures. steps, window, stride, masks: as the
        program's options of these names. signed: keeps what speaks against the class; 0.5 of the heat is nothing.
        skip_unsupported: leaves out methods that cannot do what is asked. progress: called now and then with the fraction done. Ctrl-C ends the work.
        """
        asked = request(
            classes, nodes=nodes, methods=methods, top=top, contrast=contrast, target=target, mask=mask,
            embedding=embedding, detection=detection, boxes_of=boxes_of, iou=iou, columns=columns,
            counterfactual=counterfactual, of_probability=of_probability, fuse=fuse, smooth=smooth, compat=compat, grid=grid, channels=channels,
            concepts=concepts, baseline=baseline, steps=steps, window=window, stride=stride, masks=masks, signed=signed,
            skip_unsupported=skip_unsupported)
        return self._answer("gradcam_ask", asked, progress)

    def sweep(self, cls: Class | int | str | None = None, *, nodes: Nodes = None, method: str | None = None,
              progress: Progress | None = None, **options: object) -> list[Explanation]:
        """A map at every node that has one, or at those named, by one pass back through the network.

        method: "gradcam" by default and "odam" for boxes. options: as for `explain_all`, but for those that ask for more
        than one map of a node.
        """
        asked = request(cls, nodes=nodes, methods=method, **options)  # type: ignore[arg-type]
        return self._answer("gradcam_sweep", asked, progress)

    def measure(self, explanations: Sequence[Explanation], metric: str, boxes: Iterable[Box | Sequence[int]] = ()) -> list[float]:
        """A number for each map of this picture, as for --metric of the program; NaN where it is not defined."""
        corners = [int(number) for box in boxes
                   for number in ((box.x, box.y, box.width, box.height) if isinstance(box, Box) else box)]
        values = (c_double * len(explanations))()
        handles = (c_void_p * len(explanations))(*[one._handle.pointer.value for one in explanations])
        with ExitStack() as locks:
            for one in sorted(explanations, key=id):  # always in the same order, so that threads cannot block each other
                locks.enter_context(one._handle.lock)
            locks.enter_context(self._lock)
            native.call("gradcam_measure", self._handle, handles, c_size_t(len(explanations)), native.as_bytes(metric),
                        (c_int32 * len(corners))(*corners), c_size_t(len(corners) // 4), values)
        return list(values)

    def __repr__(self) -> str:
        best = self.top(1)
        if not best:
            return f"<gradcam.Observation of {self._name}>"
        chance = "" if math.isnan(best[0].probability) else f" {100 * best[0].probability:.1f}%"
        return f"<gradcam.Observation of {self._name}: {best[0].label or best[0].index}{chance}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(one.label or f'class {one.index}')}</td>"
            f"<td>{'' if math.isnan(one.probability) else f'{one.probability:.1%}'}</td><td>{one.logit:.4g}</td></tr>"
            for one in self.top())
        return (f"<table><caption>{html.escape(self._name)}</caption>"
                f"<tr><th>class</th><th>probability</th><th>score</th></tr>{rows}</table>")

    def _answer(self, function: str, asked: native.Request, progress: Progress | None) -> list[Explanation]:
        found = c_void_p()
        try:
            with self._lock:
                send(asked, lambda: native.call(function, self._handle, byref(asked), byref(found)), progress)
        except BaseException:
            # It may have been done when it was to end.
            native.closing("gradcam_close_explanations", found)()
            raise
        made = answers(found)
        if function == "gradcam_sweep":  # what is about single nodes is in their maps' notes
            self._notes.show(note for note in (made[0].notes if made else []) if all(note in one.notes for one in made))
        else:
            self._notes.show(note for one in made for note in one.notes)
        return made


def request(
    classes: Classes = None, *, nodes: Nodes = None, methods: str | Iterable[str] | None = None, top: int = 0, contrast: tuple[int | str, int | str] | None = None,
    target: str | None = None, mask: str | os.PathLike[str] | None = None,
    embedding: str | os.PathLike[str] | None = None, detection: int | None = None, boxes_of: str | None = None,
    iou: float = 0, columns: Iterable[str] = (), counterfactual: bool = False, of_probability: bool = False, fuse: str | None = None, smooth: Iterable[str] = (),
    compat: str | None = None, grid: str | None = None, channels: str | None = None, concepts: int = 0,
    baseline: str | os.PathLike[str] | Iterable[str] = (), steps: int = 0, window: str | None = None,
    stride: str | None = None, masks: int = 0, signed: bool = False, skip_unsupported: bool = False,
) -> native.Request:
    """The struct for a request, as `Observation.explain_all` describes it."""
    if contrast is not None and len(contrast) != 2:
        raise ValueError(f"contrast is {contrast}: give two classes")
    asked = native.Request(
        top=top, target=native.encoded(target), mask=native.encoded(mask), embedding=native.encoded(embedding),
        contrast=native.encoded(None if contrast is None else ",".join(map(_class_name, contrast))),
        detection=0 if detection is None else detection + 1, boxes_of=native.encoded(boxes_of), iou=iou,
        counterfactual=counterfactual,
        of_probability=of_probability, fuse=native.encoded(fuse), compat=native.encoded(compat),
        grid=native.encoded(grid), channel_axis=native.encoded(channels), concept_count=concepts,
        step_count=steps, window=native.encoded(window), stride=native.encoded(stride), mask_count=masks,
        is_signed=signed, skips_unsupported=skip_unsupported)
    asked.classes, asked.class_count = native.strings(map(_class_name, _listed(classes)))
    asked.nodes, asked.node_count = native.strings(
        one if isinstance(one, str) else f"#{one.index}" for one in _listed(nodes))
    asked.methods, asked.method_count = native.strings(methods or ())
    asked.columns, asked.column_count = native.strings(columns)
    asked.smooth, asked.smooth_count = native.strings(smooth)
    asked.baselines, asked.baseline_count = native.strings(baseline)
    return asked


def send(asked: native.Request, call: Callable[[], None], progress: Progress | None) -> None:
    """Calls what answers a request; raises what `progress` raises, or Ctrl-C."""
    raised: list[BaseException] = []
    reporter = _reporting(progress, raised)
    next(reporter)
    asked.progress = native.ProgressFunction(reporter.send)
    try:
        call()
    except Cancelled:
        if not raised:
            raise
    if raised:
        raise raised[0]


def _reporting(progress: Progress | None, raised: list[BaseException]) -> Generator[int, float, None]:
    """Receives fractions done, and answers whether the work is to end: because `progress` raised something, or the handler
    of a signal, such as that of Ctrl-C.

    Python runs handlers when a function begins, where it could not catch what they raise; a generator goes on inside `try`.
    """
    answer = 0
    while True:
        try:
            while True:
                fraction = yield answer
                if progress is not None:
                    progress(fraction)
        except GeneratorExit:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised again by `send`
            raised.append(error)
            answer = 1


def _listed(values: Any) -> list[Any]:
    """What is given as a list, or as a single value."""
    if values is None:
        return []
    single = isinstance(values, (str, Class)) or hasattr(values, "__index__") or hasattr(values, "is_mappable")
    return [values] if single else list(values)


def _class_name(value: Any) -> str:
    if isinstance(value, Class):
        return str(value.index)
    return value if isinstance(value, str) else str(operator.index(value))


def answers(found: c_void_p, named: bool = False) -> list[Explanation]:
    """The maps of a list, which is closed; raises why it has none.

    named: whether the picture has a name, so that its error has a row.
    """
    close = native.closing("gradcam_close_explanations", found)
    try:
        count = c_size_t()
        native.call("gradcam_count_explanations", found, byref(count))
        return [Explanation(_map(found, index)) for index in range(count.value)]
    except Error as error:
        if named:
            row = c_char_p()
            native.call("gradcam_get_error_row", found, byref(row))
            error.row = native.text(row.value)
        raise
    finally:
        close()


def _map(found: c_void_p, index: int) -> c_void_p:
    handle = c_void_p()
    native.call("gradcam_get_explanation", found, c_size_t(index), byref(handle))
    return handle
