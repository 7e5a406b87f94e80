"""What gradcam.h declares, for ctypes; nothing of it is for users of the package."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterable
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_void_p,
)
from pathlib import Path
from typing import Any

from ._errors import Error, error_class

CANCELLED = 130
MAP, HEAT, ACTIVATION, GRADIENT, RAW_MAP = range(5)

#: `progress` of `gradcam_request`. Its context, an address, is passed in another register than the fraction, and is not
#: needed; with a single argument, the function may be a generator's `send`.
ProgressFunction = ctypes.CFUNCTYPE(c_int32, c_double)


class Sized(ctypes.Structure):
    """A struct that begins with its own size; fields that are not given are 0, which means the default."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class ErrorParts(Sized):
    _fields_ = [("size", c_size_t), ("status", c_int32), ("place", c_char_p), ("problem", c_char_p),
                ("advice", c_char_p)]


class TensorInfo(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("values", POINTER(c_float)), ("shape", POINTER(c_int64)), ("rank", c_int32)]


class Options(Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("labels", c_char_p), ("preset", c_char_p),
                ("layout", c_char_p), ("models", c_char_p), ("threads", c_int32), ("width", c_int32),
                ("height", c_int32), ("output", c_char_p), ("compat", c_char_p), ("resize", c_char_p),
                ("crop", c_char_p), ("channels", c_char_p), ("interpolation", c_char_p), ("mean", POINTER(c_float)),
                ("std", POINTER(c_float)), ("range", c_float), ("plugins", POINTER(c_char_p)),
                ("plugin_count", c_size_t), ("preferred", POINTER(c_char_p)), ("preferred_count", c_size_t),
                ("inputs", POINTER(TensorInfo)), ("input_count", c_size_t), ("axes", c_char_p), ("depth", c_int32)]


class ModelInfo(Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("batch", c_int32), ("channels", c_int32),
                ("height", c_int32), ("width", c_int32), ("channels_last", c_int32), ("class_count", c_int32),
                ("node_count", c_int32), ("metadata_count", c_int32), ("preprocessing", c_char_p),
                ("input_count", c_int32), ("axes", c_int32), ("depth", c_int32)]


class InputInfo(Sized):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("type", c_char_p), ("shape", POINTER(c_int64)),
                ("rank", c_int32), ("takes_image", c_int32)]


class PreprocessingInfo(Sized):
    _fields_ = [("size", c_size_t), ("resize", c_char_p), ("crop", c_char_p), ("channels", c_char_p),
                ("interpolation", c_char_p), ("mean", c_float * 3), ("std", c_float * 3), ("range", c_float),
                ("is_assumed", c_int32)]


class NodeInfo(Sized):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("tensor", c_char_p), ("module", c_char_p),
                ("operator_name", c_char_p), ("shape", POINTER(c_int64)), ("rank", c_int32), ("is_mappable", c_int32),
                ("is_auto", c_int32)]


class Image(Sized):
    pass


class NamedImage(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("image", POINTER(Image))]


Image._fields_ = [
    ("size", c_size_t), ("path", c_char_p), ("pixels", POINTER(c_uint8)), ("width", c_int32), ("height", c_int32),
    ("stride", c_size_t), ("tensor", POINTER(c_float)), ("tensor_count", c_size_t), ("item", c_int32),
    ("others", POINTER(NamedImage)), ("other_count", c_size_t), ("tensor_shape", POINTER(c_int64)),
    ("tensor_rank", c_int32), ("bytes", c_char_p), ("byte_count", c_size_t), ("name", c_char_p)]


class ClassInfo(ctypes.Structure):
    _fields_ = [("label", c_char_p), ("index", c_int32), ("logit", c_float), ("probability", c_float)]


class Request(Sized):
    _fields_ = [("size", c_size_t), ("method", c_char_p), ("class_name", c_char_p), ("of_probability", c_int32),
                ("counterfactual", c_int32), ("concept_number", c_int32), ("nodes", POINTER(c_char_p)),
                ("node_count", c_size_t), ("methods", POINTER(c_char_p)), ("method_count", c_size_t),
                ("classes", POINTER(c_char_p)), ("class_count", c_size_t), ("top", c_int32), ("contrast", c_char_p),
                ("target", c_char_p), ("mask", c_char_p), ("embedding", c_char_p), ("detection", c_int32),
                ("columns", POINTER(c_char_p)), ("column_count", c_size_t), ("fuse", c_char_p),
                ("smooth", POINTER(c_char_p)), ("smooth_count", c_size_t), ("compat", c_char_p), ("grid", c_char_p),
                ("channel_axis", c_char_p), ("concept_count", c_int32), ("skips_unsupported", c_int32),
                ("progress", ProgressFunction), ("context", c_void_p), ("boxes_of", c_char_p), ("iou", c_float),
                ("baselines", POINTER(c_char_p)), ("baseline_count", c_size_t), ("step_count", c_int32),
                ("window", c_char_p), ("stride", c_char_p), ("mask_count", c_int32), ("is_signed", c_int32)]


class ExplanationInfo(Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("method", c_char_p), ("label", c_char_p),
                ("class_index", c_int32), ("logit", c_float), ("probability", c_float), ("score", c_float),
                ("width", c_int32), ("height", c_int32), ("map_width", c_int32), ("map_height", c_int32),
                ("warning_count", c_int32), ("tensor", c_char_p), ("target", c_char_p), ("channels", c_int32),
                ("input_width", c_int32), ("input_height", c_int32), ("seen_x", c_int32), ("seen_y", c_int32),
                ("seen_width", c_int32), ("seen_height", c_int32), ("concept_number", c_int32),
                ("is_empty", c_int32), ("has_box", c_int32), ("box", c_float * 4), ("axes", c_int32),
                ("depth", c_int32), ("map_depth", c_int32), ("drawn_width", c_int32), ("drawn_height", c_int32),
                ("attribution_sum", c_double), ("score_difference", c_double)]


class ArrayInfo(ctypes.Structure):
    _fields_ = [("values", POINTER(c_float)), ("rank", c_int32), ("shape", c_int64 * 4)]


class Drawing(Sized):
    _fields_ = [("size", c_size_t), ("style", c_char_p), ("colormap", c_char_p), ("blend", c_float),
                ("show", POINTER(c_int32)), ("show_count", c_size_t), ("rate", ctypes.c_double)]


def _keep_freed_memory() -> None:
    """Lets malloc keep up to 64 MiB of what is freed: arrays of maps have some megabytes, and fetching them anew from the
    system each time takes longer than computing some maps."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(trim_threshold, 64 << 20)
        mallopt(mmap_threshold, 32 << 20)


def _load() -> ctypes.CDLL:
    _keep_freed_memory()
    packaged = Path(__file__).parent / "lib" / "libgradcam.so"
    name = os.environ.get("LIBGRADCAM") or (str(packaged) if packaged.exists() else "libgradcam.so")
    library = ctypes.CDLL(name)
    library.gradcam_version.restype = c_char_p
    library.gradcam_last_error.restype = c_char_p
    for function in ("gradcam_close", "gradcam_close_observation", "gradcam_close_explanation",
                     "gradcam_close_explanations", "gradcam_set_memory_limit"):
        library[function].restype = None
    return library


LIBRARY = _load()


def call(name: str, *arguments: object) -> None:
    """Calls a function that returns a status, without the interpreter's lock; raises its error."""
    code = LIBRARY[name](*arguments)
    if code != 0:
        raise last_error(code)


#: What the header's names are called in Python.
_NAMES = {
    "class_name": "cls", "gradcam_get_node": "Model.nodes", "gradcam_ask": "explain_all", "memory-limit":
    "set_memory_limit", "concept_count": "concepts", "channel_axis": "channels",
    "baselines": "baseline", "step_count": "steps", "mask_count": "masks", "is_signed": "signed",
}


def last_error(code: int) -> Error:
    """The error of the last call that failed on this thread."""
    parts = ErrorParts()
    LIBRARY.gradcam_get_last_error(byref(parts))
    message, what, where, advice = (
        _in_python(words) for words in (LIBRARY.gradcam_last_error(), parts.problem, parts.place, parts.advice))
    return error_class(code)(message or "", what=what or "", where=where or "", advice=advice)


def _in_python(words: bytes | None) -> str | None:
    found = text(words)
    return found and re.sub("|".join(map(re.escape, _NAMES)), lambda name: _NAMES[name.group()], found)


def closing(name: str, handle: c_void_p) -> Callable[[], None]:
    """What closes a handle; it may run when the interpreter ends."""
    function: Callable[[c_void_p], None] = LIBRARY[name]
    return lambda: function(handle)


def text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def encoded(value: str | os.PathLike[str] | None) -> bytes | None:
    return None if value is None else as_bytes(value)


def strings(values: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> tuple[Any, int]:
    """An array of C strings, and its length; one string is a list of one."""
    encoded_values = [as_bytes(value) for value in ([values] if isinstance(values, (str, os.PathLike)) else values)]
    return (c_char_p * len(encoded_values))(*encoded_values), len(encoded_values)


def as_bytes(value: str | os.PathLike[str]) -> bytes:
    result = os.fsencode(value)
    if b"\0" in result:
        raise ValueError(f"{value!r}: embedded null byte")
    return result


def numbers(values: Iterable[float] | None) -> Any:
    """Three numbers, or NULL."""
    if values is None:
        return None
    listed = [float(value) for value in values]
    if len(listed) != 3:
        raise ValueError(f"{listed}: give three numbers, one for each channel")
    return (c_float * 3)(*listed)
