#!/usr/bin/env python3
"""Writes relevance.json and NETWORK.onnx: narrow networks with maps of methods that share out contributions.

Needs what make_whole.py needs, zennit 0.5.1, captum 0.9.0 and onnxscript. LRP's maps are
zennit's. DeepLIFT's are the rescale rule in PyTorch, equal to Captum's for a network without max-pools; with them and
activations, Captum 0.9's do not add up to the score's difference. Those of transformers are the papers' formulas in PyTorch: attention rollout and transformer attribution as matrix products over
all tokens, AttnLRP as input × gradient of a network whose functions are replaced by linear ones of the same results.
"""
import copy
import json
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional

import make  # before anything that imports torchvision
import make_whole
from captum.attr import DeepLift
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus
from zennit.layer import Sum

HERE = Path(__file__).parent
TARGET = 2
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Mixed(nn.Module):
    """Batch normalisation, both poolings, groups, a residual and activations that are negative, too."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.LeakyReLU(0.2), nn.MaxPool2d(2))
        self.inner = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1, groups=2), nn.Tanh(), nn.Conv2d(6, 6, 1), nn.BatchNorm2d(6))
        self.sum, self.act = Sum(), nn.ReLU()
        self.left, self.right = nn.Sequential(nn.Conv2d(6, 4, 3), nn.ReLU()), nn.Sequential(nn.Conv2d(6, 5, 3), nn.ELU())
        self.up = nn.Sequential(nn.ConvTranspose2d(9, 6, 2, 2), nn.ReLU())
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(6 * 3 * 4, 12), nn.ReLU(), nn.Linear(12, 5))
        make_whole.vary_normalisation(self)

    def forward(self, x):
        x = self.stem(x)
        y = self.inner(x)
        x = self.act(x + y if torch.onnx.is_in_onnx_export() else self.sum(torch.stack([x, y], -1)))
        x = self.up(torch.cat([self.left(x), self.right(x)], 1))
        return self.head(self.pool(x))


class FusedAttention(make_whole.Attention):
    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.mlp(x)


def halved(x):
    """x with half of its gradient."""
    return (x + x.detach()) / 2


class SharingNorm(nn.LayerNorm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.square().mean(-1, keepdim=True) + self.eps).sqrt()
        return centred / deviation.detach() * self.weight + self.bias


class SharingGELU(nn.Module):
    def forward(self, x):
        return x * (functional.gelu(x) / x).detach()


class SharingAttention(make_whole.Attention):
    """Attention whose input × gradient is AttnLRP's relevance."""

    def __init__(self):
        super().__init__()
        self.norm = SharingNorm(8)
        self.mlp = nn.Sequential(SharingNorm(8), nn.Linear(8, 16), SharingGELU(), nn.Linear(16, 8))

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        shares = (halved(q) @ halved(k).transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        x = x + self.out((halved(shares) @ halved(v)).transpose(1, 2).reshape(batch, tokens, width))
        return x + self.mlp(x)


def with_layers(network, layer):
    """The same transformer with other layers of the same weights."""
    other = make_whole.Transformer()
    other.layers = nn.Sequential(*(layer() for _ in range(3)))
    other.load_state_dict(network.state_dict())
    return other.eval()


def relevance(network, image, composite):
    """Summed over colours; the target's relevance is its score."""
    with Gradient(model=network, composite=composite) as attributor:
        score = network(image)[0, TARGET].detach()
        _, found = attributor(image, score * torch.eye(5)[[TARGET]])
    return found.sum(1)[0]


def bounds():
    return [((torch.tensor([[end] * 3]) - torch.tensor([MEAN])) / torch.tensor([DEVIATION]))[..., None, None]
            for end in (0.0, 1.0)]


def convolutional(network, image):
    low, high = bounds()
    merging = [SequentialMergeBatchNorm()]
    found = {
        "lrp": relevance(network, image, EpsilonPlus(canonizers=merging)),
        "lrp-gamma-box": relevance(network, image, EpsilonGammaBox(low=low, high=high, canonizers=merging)),
        "lrp-alpha2-beta1": relevance(network, image, EpsilonAlpha2Beta1(canonizers=merging)),
        "deeplift": rescaled(network, image),
    }
    check_captum(network, image)
    return found


class Slopes(torch.autograd.Function):
    """An activation of a picture and of its baseline; its gradient is the multiplier."""

    @staticmethod
    def forward(ctx, x, activation):
        with torch.enable_grad():
            own = x.detach().requires_grad_()
            y = activation(own)
            gradient, = torch.autograd.grad(y.sum(), own)
        ctx.save_for_backward(x, y.detach(), gradient)
        return y.detach()

    @staticmethod
    def backward(ctx, multiplier):
        x, y, gradient = ctx.saved_tensors
        difference = x[:1] - x[1:]
        slope = torch.where(difference.abs() < 1e-10, gradient[:1], (y[:1] - y[1:]) / difference)
        return multiplier * torch.cat([slope, slope]), None


class Crossing(torch.autograd.Function):
    """A max-pool of a picture and of its baseline, whose windows do not overlap: by way of the larger result."""

    @staticmethod
    def forward(ctx, x, size):
        y, places = functional.max_pool2d(x, size, return_indices=True)
        ctx.save_for_backward(x, y, places)
        ctx.size = size
        return y

    @staticmethod
    def backward(ctx, multiplier):
        x, y, places = ctx.saved_tensors
        larger = torch.max(y[:1], y[1:])
        changes = multiplier[:1] * torch.cat([larger - y[1:], y[:1] - larger])
        shared = functional.max_unpool2d(changes, places, ctx.size, output_size=x.shape[-2:]).sum(0, keepdim=True)
        slope = shared / (x[:1] - x[1:])
        return torch.cat([slope, slope]), None


class Rescaled(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        if isinstance(self.inner, nn.MaxPool2d):
            return Crossing.apply(x, self.inner.kernel_size)
        return Slopes.apply(x, self.inner)


def rescaled(network, image):
    """(x - 0) times DeepLIFT's multipliers."""
    network = copy.deepcopy(network).double()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.ELU, nn.MaxPool2d)):
                setattr(module, name, Rescaled(child))
    both = torch.cat([image, torch.zeros_like(image)]).double().requires_grad_()
    scores = network(both)[:, TARGET]
    multipliers, = torch.autograd.grad(scores[0], both)
    found = (both[0] * multipliers[0]).sum(0).detach()
    assert abs(found.sum() - (scores[0] - scores[1])) < 1e-9
    return found


def check_captum(network, image):
    network = copy.deepcopy(network)
    network.stem[3] = nn.AvgPool2d(2)
    found = DeepLift(network.double()).attribute(image.double(), target=TARGET).sum(1)[0].detach()
    assert (rescaled(network, image) - found).abs().max() < 1e-9 * found.abs().max()


def attentive(network, image):
    score = network(image)[0, TARGET]
    shares = [layer.shares for layer in network.layers]
    gradients = torch.autograd.grad(score, shares)
    unit = torch.eye(shares[0].shape[-1])
    rollout, flow = unit, unit
    for share, gradient in zip(shares, gradients):
        rollout = (share[0].mean(0) + unit) / 2 @ rollout
        flow = flow + (share * gradient)[0].clamp(min=0).mean(0) @ flow
    sharing = with_layers(network, SharingAttention)
    pixels = image.clone().requires_grad_()
    score = sharing(pixels)[0, TARGET]
    assert abs(score - network(image)[0, TARGET]) < 1e-5
    gradient, = torch.autograd.grad(score, pixels)
    return {"attention-rollout": rollout[0, 1:], "transformer-attribution": flow[0, 1:],
            "attnlrp": (pixels * gradient).sum(1)[0]}


def export(network, image, name, opset, **options):
    torch.onnx.export(network, (image,), str(HERE / f"{name}.onnx"), opset_version=opset, input_names=["input"],
                      output_names=["output"], **options)


def without_traces(name):
    """Drops what the exporter notes about every node."""
    path = HERE / f"{name}.onnx"
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)


def main():
    torch.manual_seed(20)
    network = Mixed().eval()
    image = (torch.rand(1, 3, 20, 24) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
    export(network, image, "mixed", 17, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE,
           do_constant_folding=False)
    cases = [dict(name="mixed", image=image, maps=convolutional(network, image))]

    # The network and the image of transformer.onnx.
    torch.manual_seed(11)
    network, image = make_whole.Transformer().eval(), torch.randn(1, 3, 20, 24)
    maps = attentive(network, image)
    export(with_layers(network, FusedAttention), image, "fused-attention", 23, dynamo=True, external_data=False,
           verbose=False)
    without_traces("fused-attention")
    cases += [dict(name=name, image=image, maps=maps) for name in ("transformer", "fused-attention")]
    for case in cases:
        image = case.pop("image")
        case.update(shape=list(image.shape), input=make_whole.numbers(image), target=TARGET,
                    maps={name: make_whole.numbers(found) for name, found in case["maps"].items()})
    HERE.joinpath("relevance.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
