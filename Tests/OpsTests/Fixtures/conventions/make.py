"""Makes conventions.json: single nodes with what PyTorch and its autograd say where a definition leaves a choice.

usage: make.py        needs torch

Ties of maxima, values at a bound or a kink, what an average counts at the edges, what lies beyond the edges. Each row
holds a node as the exporters write it, its input, a random gradient of its output, its output, and the gradient of its
input. torch.clamp and relu6 both become Clip, and autograd treats their bounds differently: the gradient passes at the
bounds of clamp and stops at those of relu6 and hardtanh. Clip follows relu6, which is what networks are made of, and
which gives the same as max(x, 0) at 0 and as a Clip fused into the convolution before it; clamp therefore has only rows
away from its bounds.
"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F

rows = []
generator = torch.Generator().manual_seed(1)


def row(name, function, x, type, opset=20, extra=(), **attributes):
    x = torch.as_tensor(x, dtype=torch.float64).requires_grad_(True)
    y = function(x)
    dy = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    (dx,) = torch.autograd.grad(y, x, dy)
    tensors = lambda t: {"shape": list(t.shape), "values": [round(v, 6) for v in t.detach().double().flatten().tolist()]}
    rows.append({
        "name": name, "type": type, "opset": opset, "attributes": {k: tagged(v) for k, v in attributes.items()}, "input": tensors(x),
        "others": [None if t is None else tensors(torch.as_tensor(t)) for t in extra],
        "integers": [t is not None and not torch.as_tensor(t).is_floating_point() for t in extra],
        "output": tensors(y), "outputGradient": tensors(dy), "inputGradient": tensors(dx)})


def tagged(value):
    """As Swift decodes an enumeration."""
    kind = {int: "int", float: "float", str: "string", list: "ints"}[type(value)]
    return {kind: {"_0": value}}


def draw(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def tied(*shape):
    return torch.randint(0, 3, shape, generator=generator).double()


kinks = torch.tensor([-7.0, -6, -4, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, 6, 7])
between = kinks + 0.25

row("relu", F.relu, kinks, "Relu")
row("leaky relu", lambda x: F.leaky_relu(x, 0.1), kinks, "LeakyRelu", alpha=0.1)
row("elu", F.elu, kinks, "Elu", alpha=1.0)
row("abs", torch.abs, kinks, "Abs")
row("sign", torch.sign, kinks, "Sign")
row("hardsigmoid", F.hardsigmoid, kinks, "HardSigmoid", alpha=1 / 6, beta=0.5)
row("hardswish", F.hardswish, kinks, "HardSwish")
row("relu6", F.relu6, kinks, "Clip", extra=[torch.tensor(0.0), torch.tensor(6.0)])
row("hardtanh", lambda x: F.hardtanh(x, -2, 3), kinks, "Clip", extra=[torch.tensor(-2.0), torch.tensor(3.0)])
row("hardtanh, opset 6", lambda x: F.hardtanh(x, -2, 3), kinks, "Clip", opset=6, min=-2.0, max=3.0)
row("clamp", lambda x: x.clamp(-2, 3), between, "Clip", extra=[torch.tensor(-2.0), torch.tensor(3.0)])
row("clamp below", lambda x: x.clamp(min=1), between, "Clip", extra=[torch.tensor(1.0)])
row("clamp above", lambda x: x.clamp(max=1), between, "Clip", extra=[None, torch.tensor(1.0)])

zeros = torch.zeros(15, dtype=torch.float64)
row("maximum of equals", lambda x: torch.maximum(x, zeros), kinks, "Max", extra=[torch.zeros(15)])
row("minimum of equals", lambda x: torch.minimum(x, zeros), kinks, "Min", extra=[torch.zeros(15)])
row("amax", lambda x: x.amax((2, 3)), tied(2, 2, 3, 4), "ReduceMax", extra=[torch.tensor([2, 3])], keepdims=0)
row("amin", lambda x: x.amin(1, True), tied(2, 5, 3), "ReduceMin", extra=[torch.tensor([1])], keepdims=1)

for padding, stride, dilation, ceil in ((0, 2, 1, 0), (1, 2, 1, 0), (1, 1, 1, 1), (1, 2, 1, 1), (1, 3, 2, 1)):
    row(
        f"max pool of ties, padding {padding}, stride {stride}, dilation {dilation}, ceil {ceil}",
        lambda x: F.max_pool2d(x, 3, stride, padding, dilation, bool(ceil)), tied(1, 2, 8, 9), "MaxPool",
        kernel_shape=[3, 3], strides=[stride] * 2, pads=[padding] * 4, dilations=[dilation] * 2, ceil_mode=ceil)
row("max pool of zeros", lambda x: F.max_pool2d(x, 2, 2), torch.zeros(1, 1, 4, 4), "MaxPool",
    kernel_shape=[2, 2], strides=[2, 2])
row("max pool of one row", lambda x: F.max_pool1d(x, 3, 2, 1), tied(2, 2, 9), "MaxPool", kernel_shape=[3], strides=[2], pads=[1, 1])
row("global max pool of ties", lambda x: F.adaptive_max_pool2d(x, 1), tied(2, 3, 4, 5), "GlobalMaxPool")
for size in ((8, 9), (7, 6)):
    for padding, ceil, include in ((0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)):
        row(
            f"average pool of {size}, padding {padding}, ceil {ceil}, padding counted {include}",
            lambda x: F.avg_pool2d(x, 3, 2, padding, bool(ceil), bool(include)), draw(1, 2, *size), "AveragePool",
            kernel_shape=[3, 3], strides=[2, 2], pads=[padding] * 4, ceil_mode=ceil, count_include_pad=include)

for mode, name in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
    row(
        f"padding, {mode}", lambda x: F.pad(x, (3, 1, 0, 2), mode=mode), draw(1, 2, 4, 5), "Pad",
        extra=[torch.tensor([0, 0, 0, 3, 0, 0, 2, 1])], mode=name)
row("padding, cropping", lambda x: F.pad(x, (-1, 2, 1, -2), value=0.5), draw(1, 2, 4, 5), "Pad",
    extra=[torch.tensor([0, 0, 1, -1, 0, 0, -2, 2]), torch.tensor(0.5)], mode="constant")

for size in ((7, 9), (13, 5), (3, 2), (1, 1)):
    for name, torch_options, attributes in (
        ("half-pixel", dict(mode="bilinear"), dict(mode="linear", coordinate_transformation_mode="half_pixel")),
        ("aligned corners", dict(mode="bilinear", align_corners=True),
         dict(mode="linear", coordinate_transformation_mode="align_corners")),
        ("nearest", dict(mode="nearest"),
         dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")),
        ("nearest-exact", dict(mode="nearest-exact"),
         dict(mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_ceil")),
        ("bicubic", dict(mode="bicubic"),
         dict(mode="cubic", coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75)),
    ):
        row(
            f"resize to {size}, {name}", lambda x: F.interpolate(x, size, **torch_options), draw(1, 2, 5, 6), "Resize",
            extra=[None, None, torch.tensor([1, 2, *size])], **attributes)

Path(__file__).with_name("conventions.json").write_text(
    "[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")
print(len(rows), "rows")
