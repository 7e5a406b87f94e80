#!/usr/bin/env python3
"""Writes methods.json: taps of three narrow networks with the maps that pytorch-grad-cam makes of them.

Needs torch, torchvision, grad-cam 1.5.7 and scikit-learn. The maps are those before rectification and rescaling;
pytorch-grad-cam leaves the sign of eigen methods open, so that they are compared up to the sign rule that each method
documents.
"""
import json
import sys
import types
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "models"))
import torchvision_cpu  # noqa: E402, F401, before pytorch_grad_cam imports torchvision

from pytorch_grad_cam import (  # noqa: E402
    EigenCAM, EigenGradCAM, FEM, GradCAM, GradCAMElementWise, GradCAMPlusPlus, HiResCAM, KPCA_CAM, LayerCAM, XGradCAM,
)
from pytorch_grad_cam.seg_eigen_cam import SegEigenCAM  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402

METHODS = {
    "gradcam": GradCAM, "hirescam": HiResCAM, "gradcam-elementwise": GradCAMElementWise, "gradcam++": GradCAMPlusPlus,
    "xgradcam": XGradCAM, "layercam": LayerCAM, "eigencam": EigenCAM, "eigengradcam": EigenGradCAM,
    "segeigencam": SegEigenCAM, "kpca-cam": KPCA_CAM, "fem": FEM,
}


def block(inputs, outputs, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU())


class Head(nn.Module):
    """Not linear in the features, so that gradients differ from place to place."""

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 10, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 5))

    def forward(self, x):
        return self.layers(x)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(3, 6, 2), block(6, 8, 2))
        self.head = Head(8)

    def forward(self, x):
        return self.head(self.features(x))


class Residual(nn.Module):
    def __init__(self, channels=40):
        super().__init__()
        self.stem = block(3, channels, 4)
        self.inner = nn.Conv2d(channels, channels, 3, 1, 1)
        self.features = nn.Identity()
        self.head = Head(channels)

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.features(x + self.inner(x)))


class Concat(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = block(3, 6, 2)
        self.left, self.right = block(6, 5, 2), block(6, 7, 2)
        self.features = nn.Identity()
        self.head = Head(12)

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.features(torch.cat([self.left(x), self.right(x)], 1)))


def numbers(tensor):
    return [round(float(value), 9) for value in tensor.reshape(-1)]


def unscaled(method, network, image, target):
    """The map as the method makes it, with the tap that it saw."""
    cam = METHODS[method](model=network, target_layers=[network.features])
    seen = {}

    def keep(self, input_tensor, target_layer, targets, activations, grads, eigen_smooth=False, **more):
        result = type(self).get_cam_image(self, input_tensor, target_layer, targets, activations, grads, eigen_smooth)
        seen.update(map=result[0], activation=activations[0], gradient=None if grads is None else grads[0])
        return result

    cam.get_cam_image = types.MethodType(keep, cam)
    cam(input_tensor=image, targets=[ClassifierOutputTarget(target)])
    return seen


def main():
    cases = []
    for seed, build in enumerate([Plain, Residual, Concat]):
        torch.manual_seed(seed)
        network = build().eval()
        image = torch.randn(1, 3, 28, 36)
        taps = {name: unscaled(name, network, image, 2) for name in METHODS}
        tap = taps["gradcam"]
        cases.append(
            dict(
                name=build.__name__.lower(), shape=list(tap["activation"].shape), activation=numbers(tap["activation"]),
                gradient=numbers(tap["gradient"]), maps={name: numbers(tap["map"]) for name, tap in taps.items()}))
    Path(__file__).with_name("methods.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
