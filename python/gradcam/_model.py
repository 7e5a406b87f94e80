"""Networks."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from ctypes import byref, c_char_p, c_int32, c_void_p
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import _native as native
from ._explanation import Explanation
from ._images import ImageLike, image
from ._observation import Observation

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Node:
    """A node of a network: `name` may be empty, `module` is the PyTorch module that computed it, if the file says."""

    index: int
    name: str
    tensor: str
    module: str | None
    operator: str
    shape: tuple[int, ...] | None
    is_mappable: bool
    is_auto: bool


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture: `range` is the value of full brightness, from which `mean` is subtracted.

    resize: "256" for the shorter side, or "224x224"; crop: the size cut out of the middle; None: the network's input.
    is_assumed: whether neither the caller nor a file says all of it.
    """

    resize: str | None
    crop: str | None
    channels: str
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    range: float
    is_assumed: bool


class Model:
    """A network in an .onnx file: a path, or a name in the models folder.

    node: where maps are taken unless others are asked for. labels: a file of names of the classes. preset, resize, crop,
    channels, interpolation, mean, std, range: how pictures are preprocessed, where the file does not say. layout: "nchw"
    or "nhwc". size: (width, height) of the network's input, if its file leaves it open. output: the one that holds scores
    of classes. compat: whose formulas and drawing to follow. threads: one a core by default. plugins: libraries of
    operators, methods and targets; prefer: which of them to use where several provide the same name.

    It serves one call at a time; `model(picture)` gives what any thread may use besides. Pickled, it opens the same file.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, node: str = "auto", labels: str | os.PathLike[str] | None = None,
        preset: str | None = None, resize: str | None = None, crop: str | None = None, channels: str | None = None,
        interpolation: str | None = None, mean: Iterable[float] | None = None, std: Iterable[float] | None = None,
        range: float = 0, layout: str | None = None, size: tuple[int, int] | None = None, output: str | None = None,
        compat: str | None = None, threads: int = 0, models: str | os.PathLike[str] | None = None,
        plugins: Sequence[str | os.PathLike[str]] = (), prefer: Sequence[str] = (),
    ) -> None:
        self._arguments: dict[str, Any] = {
            name: value for name, value in locals().items() if name not in ("self", "path", "__class__")}
        self.path = os.fspath(path)
        width, height = size or (0, 0)
        options = native.Options(
            node=native.encoded(node), labels=native.encoded(labels), preset=native.encoded(preset),
            resize=native.encoded(resize), crop=native.encoded(crop), channels=native.encoded(channels),
            interpolation=native.encoded(interpolation), mean=native.numbers(mean), std=native.numbers(std), range=range,
            layout=native.encoded(layout), width=width, height=height, output=native.encoded(output),
            compat=native.encoded(compat), threads=threads, models=native.encoded(models))
        options.plugins, options.plugin_count = native.strings(plugins)
        options.preferred, options.preferred_count = native.strings(prefer)
        self._handle = c_void_p()
        native.call("gradcam_open", os.fsencode(path), byref(options), byref(self._handle))
        self._closing = weakref.finalize(self, native.closing("gradcam_close", self._handle))
        info = native.ModelInfo()
        native.call("gradcam_get_model_info", self._handle, byref(info))
        self._node_count, self._metadata_count = int(info.node_count), int(info.metadata_count)
        self.node = native.text(info.node) or ""
        self.class_count = int(info.class_count)
        extents = (info.height, info.width, info.channels) if info.channels_last else (
            info.channels, info.height, info.width)
        self.input_shape: tuple[int, int, int, int] = (info.batch, *extents)
        self.preprocessing_text = native.text(info.preprocessing) or ""

    def __call__(self, picture: ImageLike) -> Observation:
        """Runs the network on a picture, or on its input as floating-point numbers."""
        given, handle = image(picture), c_void_p()
        native.call("gradcam_observe", self._handle, byref(given), byref(handle))
        name = os.fspath(picture) if isinstance(picture, (str, os.PathLike)) else "an array"
        return Observation(handle, name, self.class_count)

    def explain(self, picture: ImageLike, cls: int | str | None = None, **options: Any) -> Explanation:
        """Runs the network on a picture and explains a class, as `Observation.explain` does."""
        return self(picture).explain(cls, **options)

    def sweep(self, picture: ImageLike, cls: int | str | None = None, **options: Any) -> list[Explanation]:
        """Runs the network on a picture and explains a class at every node, as `Observation.sweep` does."""
        return self(picture).sweep(cls, **options)

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes, in the file's order."""
        return [self._node(index) for index in range(self._node_count)]

    @cached_property
    def labels(self) -> list[str | None]:
        """The names of the classes, None for one that has none."""
        return [self._label(index) for index in range(self.class_count)]

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The file's metadata."""
        return dict(self._entry(index) for index in range(self._metadata_count))

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """What is done to every picture."""
        info = native.PreprocessingInfo()
        native.call("gradcam_get_preprocessing", self._handle, byref(info))
        return Preprocessing(
            native.text(info.resize), native.text(info.crop), native.text(info.channels) or "",
            native.text(info.interpolation) or "", tuple(info.mean), tuple(info.std), info.range, bool(info.is_assumed))

    def close(self) -> None:
        """Gives back the network's memory; observations and explanations can still be used."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"<gradcam.Model {self.path}: {shape} -> {self.class_count} classes, at {self.node}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, (self.path, self._arguments)

    def _node(self, index: int) -> Node:
        info = native.NodeInfo()
        native.call("gradcam_get_node", self._handle, c_int32(index), byref(info))
        shape = tuple(info.shape[axis] for axis in range(info.rank)) if info.shape else None
        return Node(index, native.text(info.name) or "", native.text(info.tensor) or "", native.text(info.module),
                    native.text(info.operator_name) or "", shape, bool(info.is_mappable), bool(info.is_auto))

    def _label(self, index: int) -> str | None:
        label = c_char_p()
        native.call("gradcam_get_label", self._handle, c_int32(index), byref(label))
        return native.text(label.value)

    def _entry(self, index: int) -> tuple[str, str]:
        key, value = c_char_p(), c_char_p()
        native.call("gradcam_get_metadata", self._handle, c_int32(index), byref(key), byref(value))
        return native.text(key.value) or "", native.text(value.value) or ""


def _open(path: str, arguments: dict[str, Any]) -> Model:
    return Model(path, **arguments)
