"""Pictures and tensors as the library takes them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from ctypes import POINTER, c_float, c_int64, c_uint8, cast, pointer
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _native as native
from ._errors import UsageError, error, extents

#: A path, of a picture or of numbers (.npy, .wav, .nii, .nii.gz, .tif); what such a file holds, as bytes; a picture of
#: uint8, height x width x 3 in RGB, or anything that NumPy reads as one (PIL, NumPy); or the network's input itself as
#: floating-point numbers, in the model's order (NumPy, torch): a picture's, or a signal's or volume's of any length.
ImageLike: TypeAlias = "str | bytes | os.PathLike[str] | npt.ArrayLike"


def image(value: ImageLike, shape: tuple[int, ...] | None = None, others: Mapping[str, ImageLike] | None = None,
          item: int = 0, tells_shape: bool = False, name: str | None = None) -> native.Image:
    """The struct for an image; it keeps alive what it points to.

    shape: of the network's input, which floating-point numbers must have, but for a first extent of 1. tells_shape:
    whether the library is given the shape of the array, and judges it. name: what rows of tables call it.
    """
    result = _image(value, shape, tells_shape)
    result.item, result.name = item, native.encoded(name)
    if others:
        result.others = (native.NamedImage * len(others))(*(
            native.NamedImage(native.as_bytes(name), pointer(_image(other, None))) for name, other in others.items()))
        result.other_count = len(others)
    return result


def _image(value: ImageLike, shape: tuple[int, ...] | None, tells_shape: bool = False) -> native.Image:
    if isinstance(value, (str, os.PathLike)):
        return native.Image(path=native.as_bytes(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        contents = bytes(value)
        return native.Image(bytes=contents, byte_count=len(contents))
    array = _array(value)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
        pixels = np.ascontiguousarray(array)
        result = native.Image(pixels=cast(pixels.ctypes.data, POINTER(c_uint8)), width=pixels.shape[1],
                              height=pixels.shape[0])
        result.owner = pixels
        return result
    if np.issubdtype(array.dtype, np.floating):
        if shape is not None and array.shape != shape and not (shape[0] == 1 and array.shape == shape[1:]):
            raise error(UsageError, "picture", f"an array of {extents(array.shape)} floating-point numbers is not the "
                        f"network's input, which is {extents(shape)}",
                        "give the input itself, or a picture of uint8, height x width x 3")
        tensor = np.ascontiguousarray(array, dtype=np.float32)
        result = native.Image(tensor=cast(tensor.ctypes.data, POINTER(c_float)), tensor_count=tensor.size)
        if tells_shape:
            result.tensor_shape = (c_int64 * tensor.ndim)(*tensor.shape)
            result.tensor_rank = tensor.ndim
        result.owner = tensor
        return result
    raise TypeError(f"{extents(array.shape) or 'a value'} of type {array.dtype} is no image: give a path, a picture of "
                    "uint8 (height x width x 3, RGB), or the network's input as floating-point numbers")


def _array(value: Any) -> npt.NDArray[Any]:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # torch
        return np.asarray(value.detach().cpu().float() if value.is_floating_point() else value.cpu())
    if hasattr(value, "convert") and hasattr(value, "getbands"):  # PIL
        if value.mode[0] in "IF":
            raise TypeError(f"a PIL picture of mode {value.mode} has more than 8 bits a channel: give its path")
        # As files are read: turned as their EXIF data say.
        upright = importlib.import_module("PIL.ImageOps").exif_transpose(value)
        return np.asarray(upright.convert("RGB"))
    return np.asarray(value)
