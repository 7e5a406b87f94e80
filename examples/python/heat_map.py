"""Explains a picture with libgradcam, using only ctypes: why does this network see what it sees?

    python3 heat_map.py MODEL.onnx PICTURE HEAT.npy [MAP.npy]

LIBGRADCAM names the library; without it, build/libgradcam.so of 'make library' is taken.
"""

import ctypes
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_size_t, c_uint8, c_void_p
from pathlib import Path

import numpy as np

BUILT = Path(__file__).resolve().parents[2] / "build" / "libgradcam.so"
LIBRARY = ctypes.CDLL(os.environ.get("LIBGRADCAM", str(BUILT)))
LIBRARY.gradcam_last_error.restype = c_char_p


class Sized(ctypes.Structure):
    """A struct of gradcam.h, which begins with its own size."""

    def __init__(self, **fields):
        super().__init__(ctypes.sizeof(type(self)), **fields)


class Image(Sized):
    _fields_ = [("size", c_size_t), ("path", c_char_p), ("pixels", POINTER(c_uint8)), ("width", c_int32),
                ("height", c_int32), ("stride", c_size_t), ("tensor", POINTER(c_float)), ("tensor_count", c_size_t)]


class Info(Sized):
    _fields_ = [("size", c_size_t), ("node", c_char_p), ("method", c_char_p), ("label", c_char_p),
                ("class_index", c_int32), ("logit", c_float), ("probability", c_float), ("score", c_float),
                ("width", c_int32), ("height", c_int32), ("map_width", c_int32), ("map_height", c_int32),
                ("warning_count", c_int32)]


def call(name, *arguments):
    if LIBRARY[name](*arguments) != 0:
        raise RuntimeError(LIBRARY.gradcam_last_error().decode())


def explain(model_path, picture):
    """The evidence for the top class: (heat at the picture's size in 0 ... 1, map at the node).

    The picture is a path, or an array of uint8 of height x width x 3 in RGB.
    """
    model, explanation, info = c_void_p(), c_void_p(), Info()
    if isinstance(picture, np.ndarray):
        pixels = np.ascontiguousarray(picture, np.uint8)
        image = Image(pixels=pixels.ctypes.data_as(POINTER(c_uint8)), width=pixels.shape[1], height=pixels.shape[0])
    else:
        image = Image(path=os.fsencode(picture))
    try:
        call("gradcam_open", os.fsencode(model_path), None, byref(model))
        call("gradcam_run", model, byref(image))
        call("gradcam_explain", model, None, byref(explanation))
        call("gradcam_get_explanation_info", explanation, byref(info))
        heat = np.empty((info.height, info.width), np.float32)
        raw = np.empty((info.map_height, info.map_width), np.float32)
        call("gradcam_copy_heat", explanation, heat.ctypes.data_as(POINTER(c_float)), c_size_t(heat.size))
        call("gradcam_copy_map", explanation, raw.ctypes.data_as(POINTER(c_float)), c_size_t(raw.size))
        name = info.label.decode() if info.label else f"class {info.class_index}"
        print(f"{info.probability:.1%} {name}, seen at {info.node.decode()}")
        return heat, raw
    finally:
        LIBRARY.gradcam_close_explanation(explanation)
        LIBRARY.gradcam_close(model)


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    for path, array in zip(sys.argv[3:], explain(*sys.argv[1:3])):
        np.save(path, array)
