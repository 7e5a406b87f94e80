#!/usr/bin/env python3
"""Writes trained.json: the maps that pytorch-grad-cam and TorchCAM make with the trained networks of models/.

The networks are built again from the weights in their .onnx files, into which BatchNorm is folded. Needs what
make_probes.py needs, and Pillow.
"""
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image
from torch import nn

import make
import make_probes
from networks import ShapesResNet, ShapesVGG  # in models/, where make looks for modules
from pytorch_grad_cam import AblationCAM, FinerCAM, ScoreCAM, ShapleyCAM
from torchcam.methods import CAM, ISCAM, SmoothGradCAMpp

MODELS = Path(__file__).resolve().parents[4] / "models"
PICTURES = ["samples/single-003-star.png", "samples/pair-006-star-cross.png"]
CLASSES = 8


def folded(module):
    """The same with a bias in place of every BatchNorm."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.Conv2d):
            setattr(module, name, nn.Conv2d(
                child.in_channels, child.out_channels, child.kernel_size, child.stride, child.padding))
        else:
            folded(child)
    return module


def weights(name):
    return {each.name: torch.tensor(onnx.numpy_helper.to_array(each))
            for each in onnx.load(str(MODELS / name)).graph.initializer}


def vgg():
    network, found = folded(ShapesVGG(CLASSES)), weights("shapes-vgg.onnx")
    network.classifier.load_state_dict({key: found.pop(f"classifier.{key}") for key in ("weight", "bias")})
    numbers = list(found.values())
    for layer in (each for each in network.features if isinstance(each, nn.Conv2d)):
        layer.load_state_dict({"weight": numbers.pop(0), "bias": numbers.pop(0)})
    return network.eval()


def resnet():
    network, found = folded(ShapesResNet(CLASSES)), weights("shapes-resnet.onnx")
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.load_state_dict({"weight": found[f"{name}.weight"], "bias": found[f"{name}.weight_bias"]})
    network.fc.load_state_dict({key: found[f"fc.{key}"] for key in ("weight", "bias")})
    network.features = network.layer3
    return network.eval()


def prepared(picture):
    """As the models' metadata say."""
    image = Image.open(MODELS / picture).convert("RGB")
    scale = 96 / min(image.size)
    image = image.resize([max(96, int(scale * side)) for side in image.size], Image.BILINEAR)
    left, top = (round((side - 96) / 2) for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + 96, top + 96)), np.float32) / 255
    return torch.from_numpy((pixels - 0.5) / 0.25).permute(2, 0, 1)[None].contiguous()


def maps(network, image, target, last):
    make_probes.TARGET = target
    targets = [make.ClassifierOutputTarget(target)]
    found = {name: make.unscaled(name, network, image, target)["map"] for name in make.METHODS}
    for name, method in {"scorecam": ScoreCAM, "ablationcam": AblationCAM, "shapleycam": ShapleyCAM}.items():
        found[name] = make_probes.grad_cam(method, network, image, targets)
    found["finercam"] = make_probes.grad_cam(FinerCAM, network, image, None)
    found["iscam"] = make_probes.torch_cam(ISCAM, network, image)
    found["smoothgradcam++"] = make_probes.torch_cam(
        SmoothGradCAMpp, network, image, deviation=0.3, by_channel=False)
    with CAM(network, network.features, last, input_shape=tuple(image.shape[1:])) as cam:
        scores = network(image)
        found["cam"] = cam(target, scores, normalized=False)[0][0]
    return {name: [float(f"{value:.7g}") for value in np.asarray(torch.as_tensor(each).detach()).reshape(-1)]
            for name, each in found.items()}


def main():
    cases = []
    for name, node, build, last in [
            ("shapes-vgg", "features.20", vgg, "classifier"), ("shapes-resnet", "layer3", resnet, "fc")]:
        for picture in PICTURES:
            network, image = build(), prepared(picture)
            top = int(network(image).argmax())
            cases.append(dict(model=f"{name}.onnx", node=node, picture=picture, target=3, top=top,
                              maps=maps(network, image, 3, last)))
    Path(__file__).with_name("trained.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
