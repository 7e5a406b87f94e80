#!/usr/bin/env python3
"""Writes probes.json and NETWORK.onnx: four narrow networks with the maps of methods that need more than the tap.

Needs what make.py needs, onnx and torchcam 0.5.0. Maps are those before rescaling; TorchCAM's are rectified. Its random
draws are replaced by those of the program: SplitMix64 and the Box-Muller transform.
"""
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

import make
from pytorch_grad_cam import AblationCAM, FinerCAM, ScoreCAM, ShapleyCAM
from torchcam.methods import ISCAM, SSCAM, SmoothGradCAMpp

HERE = Path(__file__).parent
TARGET = 2


class Smooth(nn.Module):
    """Bent behind the features, so that there is a second derivative; its exported reshape takes one image at a time."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(make.block(3, 6, 2), make.block(6, 8, 2))
        self.convolution = nn.Conv2d(8, 10, 3)
        self.linear = nn.Linear(10, 5)

    def forward(self, x):
        x = nn.functional.silu(self.convolution(self.features(x)))
        return self.linear(nn.functional.adaptive_avg_pool2d(x, 1).reshape(1, -1) if torch.onnx.is_in_onnx_export()
                           else x.mean((2, 3)))


# Network, and the node whose output is that of its features.
NETWORKS = {
    "plain": (make.Plain, "Relu:1"), "residual": (lambda: make.Residual(8), "Add:-1"),
    "concat": (make.Concat, "Concat:-1"), "smooth": (Smooth, "Relu:1"),
}


def normals(seed, count):
    """The standard normal numbers of a seed."""
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + count % 2 + 1, dtype=np.uint64)
        z = np.uint64(seed) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    uniform = ((z >> np.uint64(11)).astype(np.float64) + 1) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:count]


class Draws:
    """Stands for TorchCAM's normal distribution: one seed for every channel of every draw."""

    def __init__(self, deviation, by_channel):
        self.deviation, self.by_channel, self.next = deviation, by_channel, 0

    def sample(self, size):
        parts = size[1] if self.by_channel else 1
        count = int(np.prod(size)) // parts
        drawn = np.stack([normals(self.next + part, count) for part in range(parts)])
        self.next += parts
        return torch.from_numpy(self.deviation * drawn).float().reshape(size)


def grad_cam(method, network, image, targets):
    """pytorch-grad-cam's map before rectification."""
    cam = method(model=network, target_layers=[network.features])
    base = getattr(cam, "base_cam", cam)
    seen = {}
    original = base.get_cam_image

    def keep(*arguments, **named):
        seen["map"] = np.asarray(original(*arguments, **named))
        return seen["map"]

    base.get_cam_image = keep
    cam(input_tensor=image, targets=targets)
    return seen["map"][0]


def torch_cam(method, network, image, **draws):
    with method(network, network.features, input_shape=tuple(image.shape[1:])) as cam:
        if draws:
            cam._distrib = Draws(**draws)
        scores = network(image)
        (found,) = cam(TARGET, scores, normalized=False)
    return found[0].detach().numpy()


def maps(network, image):
    target = [make.ClassifierOutputTarget(TARGET)]
    found = {
        "scorecam": grad_cam(ScoreCAM, network, image, target),
        "shapleycam": grad_cam(ShapleyCAM, network, image, target),
        "finercam": grad_cam(FinerCAM, network, image, None),
        "sscam": torch_cam(SSCAM, network, image, deviation=2, by_channel=True),
        "iscam": torch_cam(ISCAM, network, image),
        "smoothgradcam++": torch_cam(SmoothGradCAMpp, network, image, deviation=0.3, by_channel=False),
    }
    # Elsewhere what pytorch-grad-cam subtracts drifts within a batch.
    if not isinstance(network, make.Residual):
        found["ablationcam"] = grad_cam(AblationCAM, network, image, target)
    return {name: [float(f"{value:.7g}") for value in found.reshape(-1)] for name, found in found.items()}


def main():
    networks = []
    for seed, (name, (build, node)) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        network, image = build().eval(), torch.randn(1, 3, 20, 24)
        torch.onnx.export(
            network, (image,), str(HERE / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=["input"],
            output_names=["output"], dynamic_axes={"input": {0: "batch"}} if name == "plain" else None)
        networks.append((name, node, network, image))
    # Hooks that the libraries leave behind are no part of a network to export.
    cases = [
        dict(
            name=name, node=node, shape=list(image.shape), input=[float(f"{value:.7g}") for value in image.reshape(-1)],
            target=TARGET, top=int(network(image).argmax()), maps=maps(network, image))
        for name, node, network, image in networks]
    HERE.joinpath("probes.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
