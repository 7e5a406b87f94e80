"""Pictures and tensors as the library takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ctypes import POINTER, c_float, c_uint8, cast, pointer
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _native as native

#: A path; a picture of uint8, height x width x 3 in RGB, or anything that NumPy reads as one (PIL, NumPy); or the
#: network's input itself as floating-point numbers, in the model's order (NumPy, torch).
ImageLike: TypeAlias = "str | os.PathLike[str] | npt.ArrayLike"


def image(value: ImageLike, others: Mapping[str, ImageLike] | None = None, item: int = 0) -> native.Image:
    """The struct for an image; it keeps alive what it points to."""
    result = _image(value)
    result.item = item
    if others:
        result.others = (native.NamedImage * len(others))(*(
            native.NamedImage(name.encode(), pointer(_image(other))) for name, other in others.items()))
        result.other_count = len(others)
    return result


def _image(value: ImageLike) -> native.Image:
    if isinstance(value, (str, os.PathLike)):
        return native.Image(path=os.fsencode(value))
    array = _array(value)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
        pixels = np.ascontiguousarray(array)
        result = native.Image(pixels=cast(pixels.ctypes.data, POINTER(c_uint8)), width=pixels.shape[1],
                              height=pixels.shape[0])
        result.owner = pixels
        return result
    if np.issubdtype(array.dtype, np.floating):
        tensor = np.ascontiguousarray(array, dtype=np.float32)
        result = native.Image(tensor=cast(tensor.ctypes.data, POINTER(c_float)), tensor_count=tensor.size)
        result.owner = tensor
        return result
    raise TypeError(f"an array of {array.dtype} and shape {array.shape} is no image: give a path, a picture of uint8 "
                    "(height x width x 3, RGB), or the network's input as floating-point numbers")


def _array(value: Any) -> npt.NDArray[Any]:
    if hasattr(value, "detach"):  # torch
        return np.asarray(value.detach().cpu().numpy())
    if hasattr(value, "convert") and hasattr(value, "getbands"):  # PIL
        return np.asarray(value.convert("RGB"))
    return np.asarray(value)
