#!/usr/bin/env python3
"""Writes detector.json: what ONNX Runtime says of the sample pictures of models/shapes-detector.onnx, and PyTorch's
gradients of each box's score.

Needs what models/requirements.txt lists.
"""
import json
import sys
from pathlib import Path

import onnx
import onnxruntime
import torch
from onnx import numpy_helper

MODELS = Path(__file__).resolve().parents[4] / "models"
sys.path.insert(0, str(MODELS))

import detector  # noqa: E402
from metadata import read_metadata  # noqa: E402
from pictures import read_samples  # noqa: E402

PATH = MODELS / "shapes-detector.onnx"


def network_of_file() -> detector.SelectingDetector:
    """The network with the file's weights; the exporter has folded each BatchNorm into the convolution before it."""
    network = detector.SelectingDetector(detector.ShapesDetector(len(detector.LABELS)))
    stored = onnx.load(PATH).graph.initializer
    weights = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in stored}
    for name, module in list(network.named_modules()):
        if isinstance(module, torch.nn.BatchNorm2d):
            network.set_submodule(name, torch.nn.Identity())
        elif isinstance(module, torch.nn.Conv2d):
            folded = f"{name}.weight_bias"
            module.weight = torch.nn.Parameter(weights[f"{name}.weight"])
            module.bias = torch.nn.Parameter(weights[folded if folded in weights else f"{name}.bias"])
    return network


def numbers(values, digits=6):
    return [float(f"{value:.{digits}g}") for value in values.flatten().tolist()]


def main() -> None:
    network, session = network_of_file(), onnxruntime.InferenceSession(PATH)
    folder = MODELS / "detector-samples"
    names = json.loads((folder / "boxes.json").read_text())
    x, _, _ = read_samples(folder, read_metadata(PATH))
    pictures = {}
    for name, pixels in zip(names, x):
        boxes, scores, labels = session.run(None, {"input": pixels[None].numpy()})
        kept = {}
        handles = [
            network.get_submodule(layer).register_forward_hook(
                lambda _, __, output, layer=layer: kept.update({layer: output}))
            for layer in detector.LAYERS
        ]
        computed = network(pixels[None])
        for handle in handles:
            handle.remove()
        for found, expected in zip(computed, (boxes, scores, labels)):
            torch.testing.assert_close(found.detach(), torch.from_numpy(expected), rtol=1e-4, atol=1e-4)
        found = []
        for k, score in enumerate(computed[1]):
            gradients = torch.autograd.grad(score, [kept[layer] for layer in detector.LAYERS], retain_graph=True)
            found.append({
                "box": numbers(boxes[k]), "score": float(f"{scores[k]:.6g}"), "label": detector.LABELS[labels[k]],
                "weights": {
                    layer: numbers(gradient.mean((0, 2, 3)), 5) for layer, gradient in zip(detector.LAYERS, gradients)
                },
            })
        pictures[name] = found
    lines = [f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in pictures.items()]
    Path(__file__).with_name("detector.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
