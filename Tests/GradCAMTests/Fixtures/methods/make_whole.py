#!/usr/bin/env python3
"""Writes whole.json and NETWORK.onnx: narrow networks with the maps of methods that look at more than a node.

Needs what make_probes.py needs. Maps are pytorch-grad-cam's and TorchCAM's, before the last rescaling; LeGrad's is the
definition in PyTorch: the gradients above 0 of the score at every attention, their mean over layers, heads and queries
at each token of the grid.
"""
import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

import make
import make_probes
from pytorch_grad_cam import FullGrad, GradCAM
from pytorch_grad_cam.feature_factorization.deep_feature_factorization import DeepFeatureFactorization
from pytorch_grad_cam.guided_backprop import GuidedBackpropReLUModel
from pytorch_grad_cam.refine_cam import RefineCAM
from torchcam.methods import CAM

HERE = Path(__file__).parent
TARGET = 2
CONCEPTS = 3


def vary_normalisation(network):
    """Draws what batch normalisations have learned and counted, which is the same for all channels of a new one."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)


class Normalised(nn.Module):
    """Batch normalisation that is exported as it is, a residual, and a linear layer behind global average pooling."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU())
        self.inner = nn.Conv2d(6, 6, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU()
        self.features = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)
        vary_normalisation(self)

    def forward(self, x):
        x = self.stem(x)
        x = self.features(self.act(x + self.norm(self.inner(x))))
        return self.fc(self.pool(x).flatten(1))


class Attention(nn.Module):
    """Tokens of a grid behind a class token."""

    def __init__(self, width=8, heads=2):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 16), nn.GELU(), nn.Linear(16, width))

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        self.shares = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        x = x + self.out((self.shares @ v).transpose(1, 2).reshape(batch, tokens, width))
        return x + self.mlp(x)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 31, 8))
        self.layers = nn.Sequential(Attention(), Attention(), Attention())
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.layers(torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position)
        return self.head(x[:, 0])


def full_grad(network, image):
    cam = FullGrad(model=network, target_layers=[])
    seen = {}
    original = cam.compute_cam_per_layer

    def keep(*arguments):
        seen["map"] = original(*arguments)
        return seen["map"]

    cam.compute_cam_per_layer = keep
    cam(input_tensor=image, targets=[make.ClassifierOutputTarget(TARGET)])
    return seen["map"][0, 0]


def grad_cam(network, layer, image):
    return GradCAM(network, [layer])(input_tensor=image, targets=[make.ClassifierOutputTarget(TARGET)])[0]


def guided(network, image):
    """Summed over colours; the copy ends with one Relu for all."""
    return GuidedBackpropReLUModel(copy.deepcopy(network))(image.clone(), TARGET).sum(-1)


def refined(network, layers, image):
    return RefineCAM(network, layers)(image, [make.ClassifierOutputTarget(TARGET)])[0]


def concepts(network, layer, classifier, image):
    with torch.no_grad():
        found, maps, scores = DeepFeatureFactorization(network, layer, computation_on_concepts=classifier)(image, CONCEPTS)
    return [dict(vector=numbers(found[:, index]), scores=numbers(scores[index]), map=numbers(maps[0][index]))
            for index in range(CONCEPTS)]


def legrad(network, image):
    score = network(image)[0, TARGET]
    found = torch.autograd.grad(score, [layer.shares for layer in network.layers])
    return sum(gradient.clamp(min=0).mean((0, 1, 2))[1:] for gradient in found) / len(found)


def class_weights(network, image):
    with CAM(network, network.features, "fc", input_shape=tuple(image.shape[1:])) as cam:
        scores = network(image)
        return cam(TARGET, scores, normalized=False)[0][0]


def numbers(values):
    return [float(f"{value:.7g}") for value in np.asarray(torch.as_tensor(values).detach()).reshape(-1)]


def export(network, image, name):
    # Batch normalisation stays as it is only where a network is exported as if it were trained on.
    torch.onnx.export(
        network, (image,), str(HERE / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=["input"],
        output_names=["output"], training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


def main():
    cases = []
    for seed, (name, (build, node)) in enumerate(make_probes.NETWORKS.items()):
        if name == "smooth":
            continue
        torch.manual_seed(seed)
        network, image = build().eval(), torch.randn(1, 3, 20, 24)
        maps = {
            "guided-backprop": guided(network, image), "fullgrad": full_grad(network, image),
            "guided-gradcam": guided(network, image) * grad_cam(network, network.features, image)}
        cases.append(dict(name=name, nodes=[node], maps=maps, image=image))

    torch.manual_seed(10)
    network, image = Normalised().eval(), torch.randn(1, 3, 20, 24)
    export(network, image, "normalised")
    maps = {
        "guided-backprop": guided(network, image), "fullgrad": full_grad(network, image),
        "guided-gradcam": guided(network, image) * grad_cam(network, network.act, image),
        "refinecam": refined(network, [network.act, network.features], image), "cam": class_weights(network, image)}
    cases.append(dict(name="normalised", nodes=["Relu:1", "Relu:-1"], maps=maps, image=image,
                      concepts=concepts(network, network.features, network.fc, image)))

    torch.manual_seed(11)
    network, image = Transformer().eval(), torch.randn(1, 3, 20, 24)
    export(network, image, "transformer")
    cases.append(dict(name="transformer", nodes=["auto"], maps={"legrad": legrad(network, image)}, image=image))

    for case in cases:
        image = case.pop("image")
        case.update(shape=list(image.shape), input=numbers(image), target=TARGET,
                    maps={name: numbers(found) for name, found in case["maps"].items()})
    HERE.joinpath("whole.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
