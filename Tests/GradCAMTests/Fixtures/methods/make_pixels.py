#!/usr/bin/env python3
"""Writes pixels.json: attributions of pixels by Captum for the narrow networks of make_probes.py and make_whole.py.

Needs what make_whole.py needs, and captum. The networks are built by those scripts with the same seeds; their files are
not written again.
"""
import json
from pathlib import Path

import numpy as np
import torch
from captum.attr import InputXGradient, IntegratedGradients, Occlusion, Saliency

import make_probes
import make_whole

HERE = Path(__file__).parent
TARGET = make_whole.TARGET


def attributions(network, image, baseline):
    def summed(attribution):
        return attribution.sum(1)[0]

    return {
        "input-gradient": Saliency(network).attribute(image, target=TARGET)[0].amax(0),
        "gradient-x-input": summed(InputXGradient(network).attribute(image, target=TARGET)),
        "integrated-gradients": summed(IntegratedGradients(network).attribute(image, target=TARGET)),
        "integrated-gradients, baseline": summed(
            IntegratedGradients(network).attribute(image, baseline, target=TARGET, n_steps=20)),
        # Captum gives each pixel the mean over the windows that cover it, for each of its channels.
        "occlusion": Occlusion(network).attribute(
            image, (3, 5, 6), strides=(3, 3, 4), target=TARGET)[0, 0],
        "occlusion, baseline": Occlusion(network).attribute(
            image, (3, 7, 4), strides=(3, 7, 3), baselines=baseline, target=TARGET)[0, 0],
    }


def networks():
    for seed, (name, (build, _)) in enumerate(make_probes.NETWORKS.items()):
        torch.manual_seed(seed)
        yield name, build().eval(), torch.randn(1, 3, 20, 24)
    torch.manual_seed(10)
    yield "normalised", make_whole.Normalised().eval(), torch.randn(1, 3, 20, 24)
    torch.manual_seed(11)
    yield "transformer", make_whole.Transformer().eval(), torch.randn(1, 3, 20, 24)


def main():
    cases = []
    for name, network, image in networks():
        baseline = torch.full_like(image, 0.25)
        baseline[:, 1] = -0.5
        maps = attributions(network, image, baseline)
        cases.append(dict(
            name=name, target=TARGET, shape=list(image.shape), input=make_whole.numbers(image),
            baseline=make_whole.numbers(baseline),
            maps={method: make_whole.numbers(found) for method, found in maps.items()}))
    nodes, weights = np.polynomial.legendre.leggauss(50)
    rule = dict(nodes=list((nodes + 1) / 2), weights=list(weights / 2))
    HERE.joinpath("pixels.json").write_text(json.dumps(dict(cases=cases, rule=rule)))


if __name__ == "__main__":
    main()
