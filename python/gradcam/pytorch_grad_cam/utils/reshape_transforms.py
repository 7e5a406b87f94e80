"""Transforms of tokens to channels x rows x columns."""

from __future__ import annotations

from ..._torch import Tensor


def vit_reshape_transform(tensor: Tensor, height: int = 14, width: int = 14) -> Tensor:
    """Of images x (1 + height * width) x channels, the first token being that of the class."""
    return tensor[:, 1:].unflatten(1, (height, width)).permute(0, 3, 1, 2)


def swinT_reshape_transform(tensor: Tensor, height: int = 7, width: int = 7) -> Tensor:
    """Of images x (height * width) x channels."""
    return tensor.unflatten(1, (height, width)).permute(0, 3, 1, 2)
