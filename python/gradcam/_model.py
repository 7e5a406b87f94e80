"""Networks."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p, cast, pointer
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _native as native
from . import _program as program
from ._errors import Error, UsageError, error
from ._evaluation import Evaluation
from ._explanation import Explanation
from ._images import ImageLike, image
from ._notes import Notes
from ._observation import Classes, Observation, Progress, answers, request, send
from ._torch import export

if TYPE_CHECKING:
    from typing_extensions import Self


#: A number of pixels for the shorter side, or width and height.
Extents: TypeAlias = "int | str | tuple[int, int] | None"


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
class Input:
    """An input of a network: its extents (None for one that the file leaves open), and whether it takes a picture."""

    name: str
    type: str | None
    shape: tuple[int | None, ...] | None
    takes_image: bool


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture: `range` is the value of full brightness, from which `mean` is subtracted.

    resize: "256" for the shorter side, "224x224", or "letterbox"; crop: the size cut out of the middle; None: the network's input.
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
    or "nhwc". size: (width, height) of the network's input, if its file leaves it open; (width, height, depth) of a
    volume, (length,) of a signal. axes: those of NIfTI volumes as depth, height and width, "xyz" by default or "zyx".
    output: the one that holds scores of classes. inputs: arrays for inputs that take no picture, by name. compat: whose
    formulas and drawing to follow. threads: one a core by default. plugins: libraries of operators, methods and targets;
    prefer: which of them to use where several provide the same name.

    Threads that use it take turns; what `model(picture)` gives is used beside it. Pickled, it opens the same file.
    `from_torch` makes one of a network in PyTorch.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, node: str = "auto", labels: str | os.PathLike[str] | None = None,
        preset: str | None = None, resize: Extents = None, crop: Extents = None, channels: str | None = None,
        interpolation: str | None = None, mean: Iterable[float] | None = None, std: Iterable[float] | None = None,
        range: float = 0, layout: str | None = None, size: tuple[int, ...] | None = None, output: str | None = None,
        compat: str | None = None, threads: int = 0, models: str | os.PathLike[str] | None = None,
        plugins: Sequence[str | os.PathLike[str]] = (), prefer: Sequence[str] = (),
        inputs: Mapping[str, npt.ArrayLike] | None = None, axes: str | None = None,
    ) -> None:
        self._arguments: dict[str, Any] = {
            name: value for name, value in locals().items() if name not in ("self", "path", "__class__")}
        #: Absolute if it is the path of a file, so that the file can be opened again from anywhere.
        self.path = os.path.abspath(path) if os.path.exists(path) else os.fspath(path)
        self._lock = threading.RLock()
        self._notes = Notes()
        if size is not None and not 1 <= len(size) <= 3:
            raise ValueError(f"size is {size}: give width and height, and the depth of a volume, or a signal's length")
        width, height, depth = (*size * (2 if len(size) == 1 else 1), 0)[:3] if size is not None else (0, 0, 0)
        options = native.Options(
            node=native.encoded(node), labels=native.encoded(labels), preset=native.encoded(preset),
            resize=native.encoded(_pixels(resize)), crop=native.encoded(_pixels(crop)), channels=native.encoded(channels),
            interpolation=native.encoded(interpolation), mean=native.numbers(mean), std=native.numbers(std), range=range,
            layout=native.encoded(layout), width=width, height=height, output=native.encoded(output),
            compat=native.encoded(compat), threads=threads, models=native.encoded(models), axes=native.encoded(axes),
            depth=depth)
        options.plugins, options.plugin_count = native.strings(plugins)
        options.preferred, options.preferred_count = native.strings(prefer)
        arrays = {name: np.asarray(array, dtype=np.float32, order="C") for name, array in (inputs or {}).items()}
        options.inputs, options.input_count = _tensors(arrays), len(arrays)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._handle = c_void_p()
        native.call("gradcam_open", native.as_bytes(path), byref(options), byref(self._handle))
        self._closing = weakref.finalize(self, native.closing("gradcam_close", self._handle))
        info = native.ModelInfo()
        self._call("gradcam_get_model_info", byref(info))
        self._node_count, self._metadata_count = int(info.node_count), int(info.metadata_count)
        self._input_count = int(info.input_count)
        self.node = native.text(info.node) or ""
        self.class_count = int(info.class_count)
        places = (info.depth, info.height, info.width)[3 - info.axes:]
        extents = (*places, info.channels) if info.channels_last else (info.channels, *places)
        self.input_shape: tuple[int, ...] = (info.batch, *extents)
        self._takes_pictures = info.axes == 2 and info.channels in (1, 3)
        self.preprocessing_text = native.text(info.preprocessing) or ""

    @classmethod
    def from_torch(cls, net: Any, example: Any, *, path: str | os.PathLike[str] | None = None, **options: Any) -> Self:
        """A network of PyTorch, exported as it is now: in evaluation, for inputs of the example's shape.

        net: a `torch.nn.Module`, on any device, which is left as it was. Nodes have the names of its modules:
        `node="layer4.2"` is what `net.layer4[2]` returns. example: a tensor of 1 x channels x height x width, such as one
        of the inputs that the network is used with. path: where the file is kept; by default it lies in a temporary
        folder until the model is closed or gone, and the model cannot be pickled. options: as for `Model`; a path or a
        picture given to the model is preprocessed as they say, by default as ImageNet's networks want it. A tensor given
        to the model is used without any preprocessing.

        Raises UsageError if the example is not one image, UnsupportedError if PyTorch cannot export the network, OSError if
        the file cannot be written.
        """
        if path is None:
            return cls._temporary(lambda file: export(net, example, file), f"{type(net).__name__}.onnx", **options)
        export(net, example, path)
        return cls(path, **options)

    @classmethod
    def _temporary(cls, write: Callable[[str], None], name: str, **options: Any) -> Self:
        """A model whose file is written to a temporary folder, which is deleted when the model is closed or gone."""
        folder = tempfile.TemporaryDirectory(prefix="gradcam-")
        try:
            file = os.path.join(folder.name, name)
            write(file)
            model = cls(file, **options)
        except BaseException:
            folder.cleanup()
            raise
        model._folder = folder
        weakref.finalize(model, folder.cleanup)
        return model

    def __call__(self, picture: ImageLike, *, others: Mapping[str, ImageLike] | None = None, item: int = 0,
                 name: str | None = None) -> Observation:
        """Runs the network on a picture, or on its input as floating-point numbers.

        others: what its further image inputs get, by name. item: which image of an input of several is asked about. name:
        what `Explanation.row` calls the picture.
        """
        given = image(picture, self._array_shape, others, item, not self._takes_pictures, name)
        handle = c_void_p()
        self._call("gradcam_observe", byref(given), byref(handle))
        shown = os.fspath(picture) if isinstance(picture, (str, os.PathLike)) else name or "an array"
        return Observation(handle, shown, self.class_count, self._notes)

    def explain(self, picture: ImageLike, cls: int | str | None = None, **options: Any) -> Explanation:
        """Runs the network on a picture and explains a class, as `Observation.explain` does."""
        return self(picture).explain(cls, **options)

    def sweep(self, picture: ImageLike, cls: int | str | None = None, **options: Any) -> list[Explanation]:
        """Runs the network on a picture and explains a class at every node, as `Observation.sweep` does."""
        return self(picture).sweep(cls, **options)

    def explain_many(self, pictures: Iterable[ImageLike], classes: Classes = None, *,
                     names: Iterable[str] | None = None, progress: Progress | None = None, **options: Any
                     ) -> list[list[Explanation] | Error]:
        """Explains many pictures on all cores: for each its maps, as `Observation.explain_all` makes them.

        A picture that cannot be read or used has its error in place of maps. names: what rows of tables call the pictures:
        `Explanation.row`, and `row` of an error. options: as for `explain_all`.
        """
        if isinstance(pictures, (str, os.PathLike, bytes)):
            raise TypeError("give a list of pictures")
        pictures = list(pictures)
        called = [None] * len(pictures) if names is None else list(names)
        if len(called) != len(pictures):
            raise ValueError(f"{len(called)} names were given for {len(pictures)} pictures")
        images = [image(picture, self._array_shape, tells_shape=not self._takes_pictures, name=name)
                  for picture, name in zip(pictures, called, strict=True)]
        pointers = (POINTER(native.Image) * len(images))(*map(pointer, images))
        found = (c_void_p * len(images))()

        asked = request(classes, **options)
        try:
            with self._lock:
                send(asked, lambda: native.call(
                    "gradcam_ask_many", self._handle, pointers, c_size_t(len(images)), byref(asked), found), progress)
        except BaseException:
            for address in found:
                native.closing("gradcam_close_explanations", c_void_p(address))()
            raise
        made: list[list[Explanation] | Error] = []
        for address in found:
            try:
                made.append(answers(c_void_p(address), names is not None))
            except Error as error:
                made.append(error)
        self._notes.show(note for maps in made if isinstance(maps, list) for one in maps for note in one.notes)
        return made

    def configuration(self, classes: Classes = None, **options: Any) -> str:
        """The line that stands before rows in a table: what decides the maps of `explain_many`, which is asked the same."""
        asked, line = request(classes, **options), c_char_p()
        with self._lock:
            native.call("gradcam_get_configuration", self._handle, byref(asked), byref(line))
            return native.text(line.value) or ""

    def evaluate(self, folder: str | os.PathLike[str], *, cls: int | str | None = None, method: Iterable[str] = (),
                 metric: Iterable[str] = (), boxes: str | os.PathLike[str] | None = None, clusters: int | None = None,
                 report: str | os.PathLike[str] | None = None, **options: Any) -> Evaluation:
        """Measures how good maps are over a folder of pictures, by the program's command `evaluate`.

        cls: a class's number or label; by default each class that has a box, else the top class. method: gradcam by
        default. metric: by default all that apply. clusters: how many groups each class's maps are put into. report: a
        page of the groups. boxes, options: as the program's options of these names, `_` for `-`.
        """
        program.check(options)
        with tempfile.TemporaryDirectory() as temporary:
            log = Path(temporary, "evaluation.jsonl")
            own = {name: value for name, value in self._options().items() if value is not None}
            data, warnings = program.run(
                "evaluate", program.path(self.path), program.path(folder), options={
                    **own, "class": cls, "method": method, "metric": metric, "boxes": boxes,
                    "clusters": clusters, "report": report, "output": log, **options})
            return Evaluation(data, Evaluation.read_lines(log), warnings)

    @cached_property
    def _array_shape(self) -> tuple[int, ...] | None:
        """The shape of the image input, if arrays for it have those four extents; the library judges those of others."""
        if not self._takes_pictures:
            return None
        taken = next((one for one in self.inputs if one.takes_image), None)
        return self.input_shape if taken is not None and taken.shape is not None and len(taken.shape) == 4 else None

    @cached_property
    def inputs(self) -> list[Input]:
        """All inputs, in the file's order."""
        return [self._input(index) for index in range(self._input_count)]

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
        self._call("gradcam_get_preprocessing", byref(info))
        return Preprocessing(
            native.text(info.resize), native.text(info.crop), native.text(info.channels) or "",
            native.text(info.interpolation) or "", tuple(info.mean), tuple(info.std), info.range, bool(info.is_assumed))

    def close(self) -> None:
        """Gives back the network's memory; observations and explanations can still be used."""
        self._closing()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"<gradcam.Model {self.path}: {shape} -> {self.class_count} classes, at {self.node}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._folder is not None:
            raise error(UsageError, self.path, "the file of this model is temporary, so it cannot be pickled",
                        "give from_torch a path at which to keep it")
        return _open, (type(self), self.path, self._arguments)

    def _call(self, name: str, *arguments: object) -> None:
        """Calls a function of the model, when no other thread does."""
        with self._lock:
            native.call(name, self._handle, *arguments)

    def _node(self, index: int) -> Node:
        info = native.NodeInfo()
        self._call("gradcam_get_node", c_int32(index), byref(info))
        shape = tuple(info.shape[axis] for axis in range(info.rank)) if info.shape else None
        return Node(index, native.text(info.name) or "", native.text(info.tensor) or "", native.text(info.module),
                    native.text(info.operator_name) or "", shape, bool(info.is_mappable), bool(info.is_auto))

    def _input(self, index: int) -> Input:
        info = native.InputInfo()
        self._call("gradcam_get_input", c_int32(index), byref(info))
        shape = None
        if info.shape:
            shape = tuple(None if info.shape[axis] < 0 else int(info.shape[axis]) for axis in range(info.rank))
        return Input(native.text(info.name) or "", native.text(info.type), shape, bool(info.takes_image))

    def _options(self) -> dict[str, Any]:
        """The arguments as the program's options, None for a default."""
        given = dict(self._arguments)
        for name, usual in (("compat", None), ("inputs", None)):
            if given.pop(name) != usual:
                raise UsageError(f"the network was opened with {name}, which the program's command does not take")
        size, mean, std = given.pop("size"), given.pop("mean"), given.pop("std")
        node = given.pop("node")
        return {
            "node": None if node == "auto" else node, "resize": _pixels(given.pop("resize")),
            "crop": _pixels(given.pop("crop")), "size": size and "x".join(map(str, size)),
            "mean": mean and ",".join(map(str, mean)), "std": std and ",".join(map(str, std)),
            "range": given.pop("range") or None, "threads": given.pop("threads") or None,
            "output-name": given.pop("output"), "plugin": list(given.pop("plugins")),
            "prefer": list(given.pop("prefer")), **given}

    def _label(self, index: int) -> str | None:
        label = c_char_p()
        self._call("gradcam_get_label", c_int32(index), byref(label))
        return native.text(label.value)

    def _entry(self, index: int) -> tuple[str, str]:
        key, value = c_char_p(), c_char_p()
        self._call("gradcam_get_metadata", c_int32(index), byref(key), byref(value))
        return native.text(key.value) or "", native.text(value.value) or ""


def _tensors(arrays: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    """The structs for arrays, which must outlive them."""
    structs = (native.TensorInfo * len(arrays))()
    for struct, (name, array) in zip(structs, arrays.items(), strict=True):
        struct.name, struct.rank = native.as_bytes(name), array.ndim
        struct.values = cast(array.ctypes.data, POINTER(c_float))
        struct.shape = (c_int64 * array.ndim)(*array.shape)
    return structs


def _pixels(value: Extents) -> str | None:
    """A number, or width and height, as the program's options have them."""
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else "x".join(map(str, value))


def _open(kind: type[Model], path: str, arguments: dict[str, Any]) -> Model:
    return kind(path, **arguments)
