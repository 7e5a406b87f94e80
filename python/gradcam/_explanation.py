"""Maps."""

from __future__ import annotations

import html
import os
import threading
import weakref
from base64 import b64encode
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint8, c_void_p, cast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import _native as native
from ._notes import Note
from ._png import png


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class _Handle:
    """An explanation of the library, closed when neither a map nor an array of it is used any more.

    An array keeps it alive, not the map: a map that an array keeps alive would have itself.
    """

    def __init__(self, handle: c_void_p) -> None:
        self.pointer = handle
        #: Held by the thread that calls the library.
        self.lock = threading.RLock()
        weakref.finalize(self, native.closing("gradcam_close_explanation", handle))


class _Lent:
    """Memory of the library for NumPy, which keeps its owner alive."""

    def __init__(self, info: native.ArrayInfo, owner: _Handle) -> None:
        address = cast(info.values, c_void_p).value
        shape = tuple(info.shape[axis] for axis in range(info.rank))
        self.owner = owner
        self.__array_interface__ = {"version": 3, "typestr": "<f4", "shape": shape, "data": (address, True)}


class Explanation:
    """One map: why a network gave a picture its score, seen at one node by one method.

    node, method: as asked; `auto` becomes the node's own name.
    label, class_index: the class, None if none is explained or no name is known.
    score: what is explained; logit, probability: of the class, NaN if it has none of its own.
    target: what is explained, in words. concept: its number, from 1, of the method `dff`, else None.
    width, height: of the picture; of a signal, its length and 1; depth: of a volume, else 1. seen: the part of a picture
    that the network sees.
    notes: what to know about the map. is_empty: whether it shows nothing, as a note says.
    attribution_sum, score_difference: of a method such as integrated-gradients, the sum of the map and what it should be,
    the score less that of the baseline; else NaN.
    box: left, top, right and bottom of a detector's box, in pixels of the picture; None if none is explained.
    """

    def __init__(self, handle: c_void_p) -> None:
        self._handle = _Handle(handle)
        info = native.ExplanationInfo()
        native.call("gradcam_get_explanation_info", handle, byref(info))
        self.node = native.text(info.node) or ""
        self.tensor = native.text(info.tensor) or ""
        self.method = native.text(info.method) or ""
        self.target = native.text(info.target) or ""
        self.label = native.text(info.label)
        self.class_index: int | None = info.class_index if info.class_index >= 0 else None
        self.score, self.logit, self.probability = float(info.score), float(info.logit), float(info.probability)
        self.width, self.height, self.depth = int(info.width), int(info.height), int(info.depth)
        self._drawn = int(info.drawn_height), int(info.drawn_width)
        self.seen = Box(info.seen_x, info.seen_y, info.seen_width, info.seen_height)
        self.concept: int | None = info.concept_number or None
        self.is_empty = bool(info.is_empty)
        self.attribution_sum, self.score_difference = float(info.attribution_sum), float(info.score_difference)
        self.box: tuple[float, ...] | None = tuple(info.box) if info.has_box else None
        self.notes = [self._note(index) for index in range(info.warning_count)]

    @cached_property
    def heat(self) -> npt.NDArray[np.float32]:
        """The map as drawn over the picture: height x width, 0 ... 1; of a signal its length, of a volume depth x height x
        width; read-only, without a copy."""
        return self._array(native.HEAT)

    @cached_property
    def map(self) -> npt.NDArray[np.float32]:
        """The map at the node, rows x columns, or as many axes as the input has: values below 0 set to 0, not scaled;
        read-only, without a copy."""
        return self._array(native.MAP)

    @cached_property
    def raw_map(self) -> npt.NDArray[np.float32]:
        """The map before values below 0 are set to 0: rows x columns."""
        return self._array(native.RAW_MAP)

    @cached_property
    def activation(self) -> npt.NDArray[np.float32]:
        """The node's values: channels x rows x columns. UnsupportedError for a map of several nodes."""
        return self._array(native.ACTIVATION)

    @cached_property
    def gradient(self) -> npt.NDArray[np.float32]:
        """The gradient of the score at the node: channels x rows x columns."""
        return self._array(native.GRADIENT)

    def overlay(self, style: str = "overlay", colormap: str = "jet", blend: float = 0.5, show: Sequence[int] = (),
                rate: float = 0) -> npt.NDArray[np.uint8]:
        """The map drawn over the picture: height x width x 3, RGB; twice as wide for the style `side-by-side`.

        Over a signal, with its curves; over a volume, over some of its slices.
        style: "overlay", "heat", "mask" or "side-by-side". colormap: as for --colormap of the program; signed maps have
        colours of their own.
        blend: the weight of the picture, above 0 and at most 1. show: the channels drawn of an input that is no picture,
        from 1. rate: the samples per second of a signal, which labels seconds.
        """
        if not 0 < blend <= 1:
            raise ValueError(f"blend is {blend}, but must be above 0 and at most 1")
        height, width = self._drawn
        pixels = np.empty((height, width * (2 if style == "side-by-side" else 1), 3), dtype=np.uint8)
        drawing = native.Drawing(style=native.encoded(style), colormap=native.encoded(colormap), blend=blend,
                                 show=(c_int32 * len(show))(*show) if show else None, show_count=len(show), rate=rate)
        with self._handle.lock:
            native.call("gradcam_draw", self._handle.pointer, byref(drawing), cast(pixels.ctypes.data, POINTER(c_uint8)),
                        c_size_t(pixels.size))
        return pixels

    def save(self, path: str | os.PathLike[str], style: str = "overlay", colormap: str = "jet",
             blend: float = 0.5, show: Sequence[int] = (), rate: float = 0) -> None:
        """Writes the map over the picture as a PNG file (.png); the rest is as for `overlay`."""
        if Path(path).suffix.lower() != ".png":
            raise ValueError(f"{os.fspath(path)}: give a name that ends in .png")
        Path(path).write_bytes(png(self.overlay(style, colormap, blend, show, rate)))

    def row(self, output: str | None = None) -> str:
        """The map as a line of a table, a JSON document, as the program's `explain --rows` writes it.

        output: the name of the map's picture. UsageError if the picture was given no name.
        """
        line = c_char_p()
        with self._handle.lock:
            native.call("gradcam_get_row", self._handle.pointer, native.encoded(output), byref(line))
            return native.text(line.value) or ""

    @property
    def caption(self) -> str:
        """The class or target with its probability, node and method."""
        name = self.label or self.target
        chance = "" if np.isnan(self.probability) else f" {100 * self.probability:.1f}%"
        return f"{name}{chance}, at {self.node} by {self.method}"

    def __repr__(self) -> str:
        notes = f", {len(self.notes)} note{'s' if len(self.notes) > 1 else ''}" if self.notes else ""
        return f"<gradcam.Explanation of {self.caption}{', empty' if self.is_empty else ''}{notes}>"

    def _repr_png_(self) -> bytes:
        return png(self.overlay())

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note.text)}</li>" for note in self.notes)
        return (f"<figure style='margin:0'><img src='data:image/png;base64,{b64encode(self._repr_png_()).decode()}' "
                f"alt='{html.escape(self.caption, quote=True)}' style='max-width:100%'/>"
                f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
                + (f"<ul style='font-size:smaller'>{notes}</ul>" if notes else ""))

    def _array(self, kind: int) -> npt.NDArray[np.float32]:
        info = native.ArrayInfo()
        with self._handle.lock:
            native.call("gradcam_get_array", self._handle.pointer, c_int32(kind), byref(info))
        return np.asarray(_Lent(info, self._handle))

    def _note(self, index: int) -> Note:
        code, text = c_char_p(), c_char_p()
        native.call("gradcam_get_warning", self._handle.pointer, c_int32(index), byref(code), byref(text))
        return Note(native.text(code.value) or "", native.text(text.value) or "")
