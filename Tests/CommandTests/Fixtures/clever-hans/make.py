#!/usr/bin/env python3
"""Trains and writes tagged.onnx, a network that knows a class by two things: a red disc, or a striped tag in a corner.

Needs torch and onnx. The pictures are drawn like those of ClusterTests.swift, from other random numbers.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "models"))

from metadata import write_metadata  # noqa: E402

SIDE = 64


def picture(rng, disc, tag):
    """Noise over an even colour, with a red disc or a green square, and perhaps a tag at the lower left."""
    pixels = rng.integers(60, 141, (1, 1, 3)) + rng.integers(-20, 21, (SIDE, SIDE, 3))
    x, y, radius = rng.integers(18, 47), rng.integers(18, 47), rng.integers(7, 11)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    if disc:
        pixels[(columns - x) ** 2 + (rows - y) ** 2 <= radius ** 2] = (220, 40, 40)
    else:
        pixels[(abs(columns - x) <= radius) & (abs(rows - y) <= radius)] = (40, 180, 60)
    if tag:
        pixels[52:62, 2:14] = np.where(np.arange(12) % 4 < 2, 250, 5)[None, :, None]
    return pixels


def batch(rng, count):
    kinds = rng.integers(0, 4, count)  # 0 and 1: neither; 2: a disc; 3: a tag
    pixels = np.stack([picture(rng, kind == 2, kind == 3) for kind in kinds])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, torch.from_numpy((kinds > 1).astype(int))


def block(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = nn.Sequential(
        *block(3, 8), nn.MaxPool2d(2), *block(8, 16), nn.MaxPool2d(2), *block(16, 16), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(600):
        x, wanted = batch(rng, 32)
        loss = nn.functional.cross_entropy(network((x - 0.5) / 0.25), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, wanted = batch(rng, 500)
    print("right:", (network((x - 0.5) / 0.25).argmax(1) == wanted).float().mean().item())
    path = HERE / "tagged.onnx"
    torch.onnx.export(
        network.eval(), torch.zeros(1, 3, SIDE, SIDE), path, dynamo=False, opset_version=17, input_names=["input"],
        output_names=["logits"])
    write_metadata(path, mean=[0.5] * 3, std=[0.25] * 3, resize=str(SIDE), crop=str(SIDE), labels=["other", "horse"])


main()
