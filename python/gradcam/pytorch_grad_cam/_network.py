"""Networks of PyTorch, exported once for all the CAMs that are made of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from .._errors import UnsupportedError, UsageError, error
from .._model import Model
from .._torch import Net, Tensor, evaluating, export, like_parameters, torch

#: The outputs of an exported network: what the network gives; and, of a row of scores, the softmax, and each score plus
#: the logarithm of its softmax.
SCORES, SOFTMAX, SCORES_PLUS_LOG_SOFTMAX = OUTPUTS = ("scores", "softmax", "scores_plus_log_softmax")


def path(net: Net, layer: Any) -> str:
    """The path of a module in a network, as `named_modules()` spells it."""
    for name, module in net.named_modules():
        if module is layer:
            return str(name)
    raise error(UsageError, f"{type(net).__name__}, target_layers", f"{type(layer).__name__} is no module of the network",
                "give modules of this very network, such as [model.layer4[-1]]")


@dataclass(frozen=True)
class Layer:
    """What a module gave for one image.

    value: what it returned; seen: what that became if the network overwrote it, as pytorch-grad-cam sees it on a CPU.
    calls: how often the module ran; the values are of the first call.
    """

    value: Tensor
    seen: Tensor
    calls: int

    @property
    def is_overwritten(self) -> bool:
        return not bool(torch().equal(self.value, self.seen))

    @property
    def is_rectified(self) -> bool:
        """Whether a Relu in place is what overwrote the values."""
        return self.is_overwritten and bool(torch().equal(torch().relu(self.value), self.seen))


def observe(net: Net, paths: Iterable[str], image: Tensor) -> tuple[list[Layer], Tensor]:
    """Runs the network on one image in PyTorch; gives what is at its layers, and its output."""
    modules = dict(net.named_modules())
    kept: dict[str, list[tuple[Any, Any]]] = {name: [] for name in paths}

    def keeping(name: str) -> Callable[[Any, Any, Any], None]:
        def keep(_: Any, __: Any, output: Any) -> None:
            if not hasattr(output, "detach"):
                raise error(UnsupportedError, name, f"this layer returns a {type(output).__name__}, not one tensor",
                            "take a layer that returns a tensor")
            kept[name].append((output.detach().clone(), output))
        return keep

    hooks = [modules[name].register_forward_hook(keeping(name)) for name in kept]
    try:
        output = run(net, image)
    finally:
        for hook in hooks:
            hook.remove()
    layers = []
    for name, calls in kept.items():
        if not calls:
            raise error(UsageError, name, "the network does not call this layer", "take one that it calls, such as an item")
        value, live = calls[0]
        layers.append(Layer(value, live.detach() if live.device.type == "cpu" else value, len(calls)))
    return layers, output


def run(net: Net, images: Tensor) -> Tensor:
    """What the network gives in PyTorch, without gradients."""
    with evaluating(net):
        output = net(like_parameters(net, images))
    if not hasattr(output, "detach"):
        raise error(UnsupportedError, type(net).__name__, f"the network returns a {type(output).__name__}, not one tensor",
                    "wrap it in a module that returns the tensor to explain")
    return output


class Exports:
    """The files of one network, for each shape of its input; they are made anew when its parameters have changed.

    generation: the number of these changes.
    """

    _all: ClassVar[weakref.WeakKeyDictionary[Net, Exports]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self.generation = 0
        self._models: dict[tuple[tuple[int, ...], tuple[str, ...]], Model] = {}
        self._parameters: tuple[Any, ...] = ()

    @classmethod
    def of(cls, net: Net) -> Exports:
        found = cls._all.get(net)
        if found is None:
            found = cls._all[net] = cls()
        parameters = tuple(
            (tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version)
            for tensor in (*net.parameters(), *net.buffers()))
        if parameters != found._parameters:
            found._models.clear()
            found._parameters = parameters
            found.generation += 1
        return found

    def model(self, net: Net, image: Tensor, rectified: Iterable[str], has_row_of_scores: bool) -> Model:
        """The network for inputs of the image's shape, in which the rectified layers end in a Relu."""
        key = (tuple(image.shape), tuple(sorted(rectified)))
        if key not in self._models:
            def write(file: str) -> None:
                with _rectifying(net, key[1]):
                    if has_row_of_scores:
                        export(net, image, file, outputs=OUTPUTS, completing=_with_softmax)
                    else:
                        export(net, image, file, outputs=OUTPUTS[:1])

            self._models[key] = Model._temporary(write, f"{type(net).__name__}.onnx", output=SCORES)
            # Layers are compared by maps that nobody sees.
            self._models[key]._notes.ignored = True
        return self._models[key]


def _with_softmax(output: Tensor) -> tuple[Tensor, ...]:
    return output, torch().softmax(output, -1), output + torch().log_softmax(output, -1)


@contextmanager
def _rectifying(net: Net, paths: Iterable[str]) -> Iterator[None]:
    """Puts a Relu after layers whose values a Relu in place overwrites.

    The network computes the same, since a Relu changes nothing that it has changed before. But in the file, the layers
    now have the values that pytorch-grad-cam sees, with the gradient of the values before.
    """
    replaced = []
    try:
        for name in paths:
            parent_name, _, key = name.rpartition(".")
            parent = net.get_submodule(parent_name)
            layer = parent._modules[key]
            replaced.append((parent, key, layer))
            parent._modules[key] = _rectified(layer)
        yield
    finally:
        for parent, key, layer in reversed(replaced):
            parent._modules[key] = layer


def _rectified(layer: Net) -> Net:
    class Rectified(torch().nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, *inputs: Any, **named: Any) -> Any:
            return torch().relu(self.layer(*inputs, **named))

    return Rectified()
