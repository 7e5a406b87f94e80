"""What all methods share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._errors import UnsupportedError, UsageError, error, extents
from .._explanation import Explanation
from .._model import Model
from .._notes import Notes
from .._observation import Observation
from .._torch import Net, Tensor, torch
from ._network import SCORES, Exports, Layer, observe, path, run
from .utils.model_targets import ModelTarget, Question

if TYPE_CHECKING:
    from typing_extensions import Self

Map = npt.NDArray[np.float32]


@dataclass
class _Prepared:
    """A network, as it is now and for one shape of input, and the names of the layers in it."""

    key: tuple[int, ...]
    model: Model
    nodes: list[str]
    output_shape: tuple[int, ...]


class BaseCAM:
    """A method at layers of a network.

    model: a `torch.nn.Module` that returns one tensor; it is set to evaluation. It is exported when a map is first asked
    for, again for every new size of input, and again when its parameters have changed (other than by `.data`).
    target_layers: modules of the network that return a tensor; the maps of several are averaged.
    reshape_transform: what makes a layer's output channels x rows x columns, such as `vit_reshape_transform`. It is not
    used but checked: gradcam follows the axes of tokens and windows by itself, and an UnsupportedError is raised unless
    it finds the same numbers in the same places.

    Use it on one thread at a time.
    """

    _method: ClassVar[str] = ""
    #: Whether `eigen_smooth` changes the maps of this method.
    _can_be_smoothed: ClassVar[bool] = True
    _has_layers: ClassVar[bool] = True
    _fusion: ClassVar[str] = "mean"

    def __init__(self, model: Net, target_layers: Sequence[Net],
                 reshape_transform: Callable[[Tensor], Tensor] | None = None) -> None:
        if not self._method:
            raise TypeError(f"{type(self).__name__} is no method; use one of its subclasses, such as GradCAM")
        self.model = model.eval()
        self.target_layers = list(target_layers)
        self.reshape_transform = reshape_transform
        self._paths = [path(model, layer) for layer in self.target_layers] if self._has_layers else []
        if self._has_layers and not self._paths:
            raise error(UsageError, "target_layers", "there are none", "give a list such as [model.layer4[-1]]")
        self._notes = Notes()
        self._prepared: _Prepared | None = None
        self._input: Tensor | None = None
        self._outputs: Tensor | None = None

    def __call__(self, input_tensor: Tensor, targets: Iterable[ModelTarget] | None = None, aug_smooth: bool = False,
                 eigen_smooth: bool = False) -> Map:
        """The maps of images: N x H x W, each 0 ... 1.

        input_tensor: N x channels x H x W, as the network takes it. targets: what is explained of each image, one for
        each; by default the class of its highest score. aug_smooth: the mean over each image and its mirror image, times
        0.9, 1 and 1.1. eigen_smooth: the first principal component of the weighted activations in place of their sum.

        Raises UsageError if arguments do not fit each other or the network, UnsupportedError if the network cannot be
        exported, or if a target or `reshape_transform` is none that gradcam has.
        """
        return self._maps(input_tensor, targets, self._smoothing(aug_smooth, eigen_smooth))

    @property
    def outputs(self) -> Tensor:
        """What the network gives for the last images, by PyTorch, which runs it when this is first asked for."""
        if self._outputs is None:
            if self._input is None:
                raise error(UsageError, "outputs", "no images were explained yet", "call the object first")
            self._outputs = run(self.model, self._input)
        return self._outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _smoothing(self, aug_smooth: bool, eigen_smooth: bool) -> list[str]:
        eigen = eigen_smooth and self._can_be_smoothed
        return (["aug"] if aug_smooth else []) + (["eigen"] if eigen else [])

    def _maps(self, input_tensor: Tensor, targets: Iterable[ModelTarget] | None, smooth: list[str]) -> Map:
        if not hasattr(input_tensor, "detach"):
            raise error(UsageError, "input_tensor", f"a {type(input_tensor).__name__} is no tensor", "give a torch.Tensor")
        images = input_tensor.detach().float()
        if images.dim() != 4 or images.shape[0] == 0:
            raise error(UsageError, "input_tensor", f"its shape is {extents(images.shape)}",
                        "give images x channels x height x width")
        listed = [None] * len(images) if targets is None else list(targets)
        if len(listed) != len(images):
            raise error(UsageError, "targets", f"there are {len(listed)} for {len(images)} images", "give one for each")
        self._input, self._outputs = input_tensor, None
        return np.stack([self._map(images[index:index + 1], target, smooth) for index, target in enumerate(listed)])

    def _map(self, image: Tensor, target: ModelTarget | None, smooth: list[str]) -> Map:
        exports = Exports.of(self.model)
        key = (exports.generation, *image.shape)
        if self._prepared is None or self._prepared.key != key:
            self._prepared = self._prepare(image, exports, key)
        found = self._explain(self._prepared.model(image), self._prepared, target, image, smooth)
        # The labels are not used here.
        self._notes.show(note for note in found.notes if note.code != "labels-assumed")
        return np.array(found.heat)

    def _explain(self, seen: Observation, prepared: _Prepared, target: ModelTarget | None, image: Tensor,
                 smooth: list[str]) -> Explanation:
        return seen.explain_all(
            nodes=prepared.nodes, methods=[self._method_for(target)], smooth=smooth, compat="pytorch-grad-cam",
            fuse=self._fusion if len(prepared.nodes) > 1 else None,
            **self._question(seen, prepared, target, image))[0]

    def _method_for(self, _: ModelTarget | None) -> str:
        """The method that explains a target; a class may take another one."""
        return self._method

    def _question(self, seen: Observation, prepared: _Prepared, target: ModelTarget | None, image: Tensor) -> Question:
        if target is None:
            if len(prepared.output_shape) != 2:
                return {"target": SCORES}
            best = seen.top(1)
            number = best[0].index if best else int(run(self.model, image)[0].argmax())
            return {"target": f"{SCORES}[0,{number}]"}
        if not isinstance(target, ModelTarget):
            raise error(UnsupportedError, "targets", f"an object of type {type(target).__name__} cannot be explained here",
                        f"use one of gradcam.pytorch_grad_cam.utils.model_targets: {', '.join(ModelTarget.names())}")
        return target.question(prepared.output_shape)

    def _prepare(self, image: Tensor, exports: Exports, key: tuple[int, ...]) -> _Prepared:
        """Exports the network, and makes sure that its layers are those of PyTorch."""
        layers, output = observe(self.model, self._paths, image)
        rectified = [name for name, layer in zip(self._paths, layers, strict=True) if layer.is_rectified]
        model = exports.model(self.model, image, rectified, output.dim() == 2)
        nodes = [name if layer.calls == 1 else f"{name}:0" for name, layer in zip(self._paths, layers, strict=True)]
        seen = model(image)
        for node, layer in zip(nodes, layers, strict=True):
            self._check(node, layer, seen.explain_all(nodes=[node], target=_first(output))[0])
        return _Prepared(key, model, nodes, tuple(output.shape))

    def _check(self, node: str, layer: Layer, found: Explanation) -> None:
        """Compares what the exported network has at a node with what PyTorch gave there."""
        value = layer.seen if layer.is_rectified else layer.value
        if layer.is_overwritten and not layer.is_rectified:
            warnings.warn(f"{node}: the network overwrites what this layer returned, which pytorch-grad-cam then sees; "
                          "the map is that of what it returned", stacklevel=6)
        own = found.activation
        # The exported network computes in float32, PyTorch in the type of its parameters.
        tolerance = max(1e-3, 50 * torch().finfo(value.dtype).eps)
        # Minus one shows what is no choice and order of elements, such as an absolute value.
        for sign in (1, -1):
            given = sign * value
            shaped = given if self.reshape_transform is None else self.reshape_transform(given)
            wanted = np.asarray(torch().as_tensor(shaped).detach().float().cpu().numpy())[0]
            if wanted.shape == own.shape and _is_close(wanted, sign * own, tolerance):
                continue
            sizes = extents(wanted.shape), extents(own.shape)
            if self.reshape_transform is None:
                raise error(UnsupportedError, node, f"PyTorch has {sizes[0]} here, the exported network {sizes[1]}, or "
                            "other numbers", "give the reshape_transform that puts channels first, if they are last, or "
                            "take another layer")
            raise error(UnsupportedError, node, f"reshape_transform gives {sizes[0]}, and gradcam finds {sizes[1]}, or "
                        "other numbers", "only a transform that leaves out tokens and puts channels first means the same; "
                        "use gradcam.Model.from_torch, where none is needed")


def _first(output: Tensor) -> str:
    """The first element of an output."""
    return f"{SCORES}[{','.join('0' * output.dim())}]"


def _is_close(first: npt.NDArray[Any], second: npt.NDArray[Any], tolerance: float) -> bool:
    """Whether arrays differ by no more than this part of the largest value."""
    scale = float(np.abs(second).max(initial=0))
    return bool(np.allclose(first, second, rtol=0, atol=tolerance * scale))
