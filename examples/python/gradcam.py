"""Heat maps that explain what a network sees, by libgradcam: only ctypes, and NumPy if it is installed.

    from gradcam import Model

    with Model("models/shapes-resnet.onnx") as model:
        for result in model.explain("photo.png", classes=["star", "cross"], nodes=["layer2.0.relu", "auto"]):
            print(result.node, result.label, result.probability)
            result.save(f"{result.node}-{result.label}.png")

LIBGRADCAM names the library; without it, build/libgradcam.so of 'make library' is taken, else the one installed.
"""

import ctypes
import os
import struct
import weakref
import zlib
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_size_t, c_uint8, c_void_p
from pathlib import Path
from typing import NamedTuple, Optional

try:
    import numpy
except ImportError:
    numpy = None


class Error(Exception):
    """What the library says is wrong, where, and what to do; `code` is the program's exit code for it."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


class Class(NamedTuple):
    """A class with its score in an image; `label` is None if no name is known."""

    index: int
    label: Optional[str]
    logit: float
    probability: float


class MapWarning(NamedTuple):
    """Something that the user should know of a map; `code` is stable."""

    code: str
    text: str


class Model:
    """A network: the path of an .onnx file, or its name in the models folder.

    Options are those of gradcam_options in gradcam.h: labels, preset, layout, models, threads, width, height, output.
    It serves one call at a time, and is closed by `close`, at the end of a `with`, or when nothing refers to it.
    """

    def __init__(self, path, **options):
        self._path = os.fsencode(path)
        self._options = {name: _encoded(value) for name, value in options.items()}
        self._handles = {}
        self._open("auto")

    def explain(self, image, classes=None, nodes=None, methods=None, *, of_probability=False, counterfactual=False):
        """The evidence for classes at nodes by methods: a list of results, by node, then class, then method.

        image: the path of a PNG or JPEG file, or an array of uint8, height x width x 3 in RGB.
        classes: numbers or labels; the most probable one by default. nodes: as for --node; "auto" by default.
        methods: as for --method, one map each; "gradcam" by default. The network runs once for each node.
        """
        results = []
        for node in _listed(nodes, "auto"):
            handle = self._run(image, node)
            for name in _listed(classes, None):
                for method in _listed(methods, "gradcam"):
                    request = _Request(method=_encoded(method), class_name=None if name is None else _encoded(str(name)),
                                       of_probability=of_probability, counterfactual=counterfactual)
                    explanation = c_void_p()
                    _call("gradcam_explain", handle, byref(request), byref(explanation))
                    results.append(Result(explanation))
        return results

    def classify(self, image, count=5):
        """The most probable classes of an image, the most probable first."""
        handle, found, classes = self._run(image, "auto"), c_size_t(), (_Class * count)()
        _call("gradcam_classify", handle, classes, c_size_t(count), byref(found))
        return [Class(one.index, _text(one.label), one.logit, one.probability) for one in classes[:found.value]]

    def close(self):
        for _, finalizer in self._handles.values():
            finalizer()
        self._handles = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _open(self, node):
        """The network planned for a node: the weights of all of them are mapped from the file, and shared."""
        if node not in self._handles:
            handle = c_void_p()
            _call("gradcam_open", self._path, byref(_Options(node=_encoded(node), **self._options)), byref(handle))
            self._handles[node] = handle, weakref.finalize(self, _LIBRARY.gradcam_close, handle)
        return self._handles[node][0]

    def _run(self, image, node):
        handle = self._open(node)
        _call("gradcam_run", handle, byref(_image(image)))
        return handle


class Result:
    """One map.

    node, method; label (None if no name is known), class_index (-1 if no class is explained), logit, probability,
    score (what is explained); width, height of the picture; map: the map at the node, below 0 set to 0 but not scaled;
    heat: the map as drawn, at the picture's size in 0 ... 1; warnings. Both maps are NumPy arrays of float32, height x
    width, or without NumPy memoryviews: result.heat[y, x].
    """

    def __init__(self, explanation):
        self._explanation = explanation
        weakref.finalize(self, _LIBRARY.gradcam_close_explanation, explanation)
        info = _Info()
        _call("gradcam_get_explanation_info", explanation, byref(info))
        self.node, self.method, self.label = _text(info.node), _text(info.method), _text(info.label)
        self.class_index, self.logit, self.probability = info.class_index, info.logit, info.probability
        self.score, self.width, self.height = info.score, info.width, info.height
        self.map = self._copy("gradcam_copy_map", info.map_width, info.map_height)
        self.heat = self._copy("gradcam_copy_heat", info.width, info.height)
        self.warnings = [self._warning(index) for index in range(info.warning_count)]

    def save(self, path, style="overlay", colormap="jet", blend=0.5):
        """Writes the map over the picture as a PNG file; options as for the program, but `blend` is above 0."""
        if not 0 < blend <= 1:
            raise ValueError(f"blend is {blend}, but must be above 0 and at most 1")
        width = self.width * (2 if style == "side-by-side" else 1)
        pixels = (c_uint8 * (3 * width * self.height))()
        drawing = _Drawing(style=_encoded(style), colormap=_encoded(colormap), blend=blend)
        _call("gradcam_draw", self._explanation, byref(drawing), pixels, c_size_t(len(pixels)))
        Path(path).write_bytes(_png(bytes(pixels), width, self.height))

    def _copy(self, function, width, height):
        values = (c_float * (width * height))()
        _call(function, self._explanation, values, c_size_t(len(values)))
        view = memoryview(values).cast("B").cast("f", (height, width))
        return numpy.asarray(view) if numpy else view

    def _warning(self, index):
        code, text = c_char_p(), c_char_p()
        _call("gradcam_get_warning", self._explanation, c_int32(index), byref(code), byref(text))
        return MapWarning(_text(code.value), _text(text.value))


# ---- What gradcam.h declares ----


class _Sized(ctypes.Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields):
        names = [name for name, _ in self._fields_[1:]]
        unknown = [name for name in fields if name not in names]
        if unknown:
            raise TypeError(f"{', '.join(unknown)}: choose from {', '.join(names)}")
        super().__init__(ctypes.sizeof(type(self)), **fields)


class _Options(_Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("labels", c_char_p), ("preset", c_char_p),
                ("layout", c_char_p), ("models", c_char_p), ("threads", c_int32), ("width", c_int32),
                ("height", c_int32), ("output", c_char_p)]


class _Image(_Sized):
    _fields_ = [("size", c_size_t), ("path", c_char_p), ("pixels", POINTER(c_uint8)), ("width", c_int32),
                ("height", c_int32), ("stride", c_size_t), ("tensor", POINTER(c_float)), ("tensor_count", c_size_t)]


class _Class(ctypes.Structure):
    _fields_ = [("label", c_char_p), ("index", c_int32), ("logit", c_float), ("probability", c_float)]


class _Request(_Sized):
    _fields_ = [("size", c_size_t), ("method", c_char_p), ("class_name", c_char_p), ("of_probability", c_int32),
                ("counterfactual", c_int32), ("concept_number", c_int32)]


class _Info(_Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("method", c_char_p), ("label", c_char_p),
                ("class_index", c_int32), ("logit", c_float), ("probability", c_float), ("score", c_float),
                ("width", c_int32), ("height", c_int32), ("map_width", c_int32), ("map_height", c_int32),
                ("warning_count", c_int32)]


class _Drawing(_Sized):
    _fields_ = [("size", c_size_t), ("style", c_char_p), ("colormap", c_char_p), ("blend", c_float)]


def _library():
    built = Path(__file__).resolve().parents[2] / "build" / "libgradcam.so"
    library = ctypes.CDLL(os.environ.get("LIBGRADCAM") or (str(built) if built.exists() else "libgradcam.so"))
    library.gradcam_last_error.restype = c_char_p
    library.gradcam_close.restype = library.gradcam_close_explanation.restype = None
    return library


_LIBRARY = _library()


def _call(name, *arguments):
    code = _LIBRARY[name](*arguments)
    if code != 0:
        raise Error(_text(_LIBRARY.gradcam_last_error()), code)


def _image(image):
    if isinstance(image, (str, bytes, os.PathLike)):
        return _Image(path=os.fsencode(image))
    view = memoryview(image)
    if view.format != "B" or view.ndim != 3 or view.shape[2] != 3:
        raise TypeError("an image is a path, or an array of uint8 of height x width x 3 in RGB")
    pixels = (c_uint8 * view.nbytes).from_buffer_copy(view.tobytes())
    return _Image(pixels=ctypes.cast(pixels, POINTER(c_uint8)), width=view.shape[1], height=view.shape[0])


def _listed(values, default):
    """Several values as a list; one alone will do, and none means the default."""
    if values is None:
        return [default]
    return list(values) if hasattr(values, "__iter__") and not isinstance(values, str) else [values]


def _encoded(value):
    return os.fsencode(value) if isinstance(value, (str, os.PathLike)) else value


def _text(value):
    return None if value is None else value.decode()


def _png(pixels, width, height):
    """A PNG file of 8-bit RGB pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[start:start + 3 * width] for start in range(0, len(pixels), 3 * width))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))
