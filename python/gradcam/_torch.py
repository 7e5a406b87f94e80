"""Networks of PyTorch, which is imported only when one is given."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from ._errors import UnsupportedError, UsageError, error, extents

#: A `torch.nn.Module`; the package is checked and tested without PyTorch, so its types are not named.
Net: TypeAlias = Any
#: A `torch.Tensor`.
Tensor: TypeAlias = Any


def torch() -> Any:
    """The module `torch`."""
    return importlib.import_module("torch")


def export(net: Net, example: Tensor, path: str | os.PathLike[str], *, outputs: Sequence[str] = (),
           completing: Callable[[Tensor], Any] | None = None) -> None:
    """Writes a network, as it is in evaluation, to an .onnx file that names the module of every node.

    example: 1 x channels x height x width; the file takes inputs of this shape. outputs: names for the first of the
    network's outputs. completing: makes what the file gives out of what the network gives.
    Raises UsageError if the example is no such tensor, UnsupportedError if PyTorch cannot export the network.
    """
    kind = type(net).__name__
    if not hasattr(net, "named_modules"):
        raise error(UsageError, "net", f"a {kind} is no network", "give a torch.nn.Module")
    shape = tuple(getattr(example, "shape", ())) if hasattr(example, "detach") else ()
    if len(shape) != 4 or shape[0] != 1:
        found = f"a tensor of shape {extents(shape)}" if shape else f"a {type(example).__name__}"
        raise error(UsageError, f"{kind}, example", f"{found} is not one image",
                    "give a tensor of 1 x channels x height x width")
    with evaluating(net):
        given = like_parameters(net, example)
        hook = None if completing is None else net.register_forward_hook(lambda _, __, output: completing(output))
        try:
            _write(net, given, os.fspath(path), list(outputs))
        finally:
            if hook is not None:
                hook.remove()


def like_parameters(net: Net, tensor: Tensor) -> Tensor:
    """A tensor, without its history, on the device and of the type of the network's parameters."""
    for parameter in net.parameters():
        if parameter.is_floating_point():
            return tensor.detach().to(device=parameter.device, dtype=parameter.dtype)
    return tensor.detach()


@contextmanager
def evaluating(net: Net) -> Iterator[None]:
    """Sets a network to evaluation without gradients, in which it calls all of its modules; then all is as before."""
    training = [module for module in net.modules() if module.training]
    attention: Any = getattr(torch().backends, "mha", None)
    fast = attention is not None and attention.get_fastpath_enabled()
    net.eval()
    try:
        if fast:  # one operator in place of the modules of an attention, which no exporter knows
            attention.set_fastpath_enabled(False)
        with torch().no_grad():
            yield
    finally:
        if fast:
            attention.set_fastpath_enabled(True)
        for module in training:
            module.training = True


def _write(net: Net, example: Tensor, path: str, outputs: list[str]) -> None:
    problems: list[str] = []
    print_graph = getattr(torch()._C, "_jit_set_onnx_log_enabled", lambda _: None)
    for options in _exporters():
        with warnings.catch_warnings():
            # They say that an exporter will be replaced; what they say of the network is still shown.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            # Of Python's decisions in PyTorch's own modules, which are about shapes; those are fixed in the file.
            warnings.filterwarnings("ignore", category=torch().jit.TracerWarning, module=r"torch(vision)?\.")
            print_graph(False)  # of what cannot be exported, some thousand lines
            try:
                torch().onnx.export(net, (example,), path, input_names=["input"], output_names=outputs or None, **options)
                return
            except (OSError, MemoryError):
                raise
            except Exception as cause:  # noqa: BLE001 - exporters raise whatever they meet
                problems.append(f"{type(cause).__name__}: {_first_line(cause)}")
                last = cause
            finally:
                print_graph(True)
    raise error(UnsupportedError, type(net).__name__, f"PyTorch cannot export the network: {'; '.join(problems)}",
                "change what it names, or export a part of the network; PyTorch's exporters need the package onnx, "
                "and one of them onnxscript") from last


def _first_line(cause: Exception) -> str:
    """What an exception says first, without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", str(cause)).strip().partition("\n")[0]


def _exporters() -> Iterator[dict[str, Any]]:
    """The options of PyTorch's exporters, first the one that is faster and needs fewer packages.

    Neither folds a BatchNorm into a convolution, so that every module's own result is in the file.
    """
    exporter = torch().onnx
    chooses = "dynamo" in inspect.signature(exporter.export).parameters
    traced = {"opset_version": 17, "training": exporter.TrainingMode.PRESERVE, "do_constant_folding": False}
    yield {**traced, "dynamo": False} if chooses else traced
    if chooses:
        yield {"dynamo": True, "optimize": False, "verbose": False}

