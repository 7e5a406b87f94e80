"""Pictures: into networks, and under maps."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._errors import UnsupportedError, UsageError, error
from ..._torch import Tensor, torch

#: OpenCV's number of the colormap jet.
JET = 2


def preprocess_image(img: npt.NDArray[Any], mean: Sequence[float] = (0.5, 0.5, 0.5),
                     std: Sequence[float] = (0.5, 0.5, 0.5)) -> Tensor:
    """A tensor of 1 x channels x height x width: (img - mean) / std.

    img: height x width x channels; uint8 is divided by 255, anything else is taken as it is.
    """
    values = np.asarray(img)
    scaled = values / np.float32(255) if values.dtype == np.uint8 else values
    normalized = (scaled - np.asarray(mean, scaled.dtype)) / np.asarray(std, scaled.dtype)
    return torch().from_numpy(np.ascontiguousarray(normalized.transpose(2, 0, 1)[None]))


def deprocess_image(img: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """An array as a picture: its mean becomes grey, and ten deviations the whole range of uint8."""
    values = np.asarray(img, dtype=np.float64)
    scaled = (values - values.mean()) / (values.std() + 1e-5)
    return np.asarray(np.clip(0.1 * scaled + 0.5, 0, 1) * 255).astype(np.uint8)


def show_cam_on_image(img: npt.ArrayLike, mask: npt.ArrayLike, use_rgb: bool = False, colormap: int = JET,
                      image_weight: float = 0.5) -> npt.NDArray[np.uint8]:
    """A map over its picture: height x width x 3.

    img: the picture, height x width x 3, 0 ... 1. mask: the map, height x width, 0 ... 1. use_rgb: whether channels are
    red, green and blue; else blue comes first. colormap: a number of OpenCV's; all but jet need OpenCV.
    image_weight: that of the picture, 0 ... 1; the rest is the map's. The result is scaled so that its maximum is 255.
    """
    picture, heat = np.asarray(img, dtype=np.float32), np.asarray(mask)
    if picture.max() > 1:
        raise error(UsageError, "img", f"its maximum is {picture.max():g}", "give values of 0 ... 1")
    if not 0 <= image_weight <= 1:
        raise error(UsageError, "image_weight", f"is {image_weight:g}", "give one of 0 ... 1")
    colors = _jet() if colormap == JET else _of_opencv(colormap)
    drawn = colors[(255 * heat).astype(np.uint8)].astype(np.float32) / 255
    blended = (1 - image_weight) * (drawn if use_rgb else drawn[..., ::-1]) + image_weight * picture
    return np.asarray(255 * (blended / blended.max())).astype(np.uint8)


def _jet() -> npt.NDArray[np.uint8]:
    """Red, green and blue of 256 values: three ramps, each a quarter of the range after the other."""
    distance = np.abs(4 * np.arange(256)[:, None] - 255 * np.array([3, 2, 1]))
    return np.asarray(np.rint(np.clip(1.5 * 255 - distance, 0, 255))).astype(np.uint8)


def _of_opencv(colormap: int) -> npt.NDArray[np.uint8]:
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as cause:
        raise error(UnsupportedError, "colormap", f"is {colormap}", "only jet (2) is known without OpenCV") from cause
    values = np.arange(256, dtype=np.uint8)[:, None]
    return np.asarray(cv2.applyColorMap(values, colormap))[:, 0, ::-1]
