#!/usr/bin/env python3
"""Writes quantus.json: what Quantus 0.6 and pytorch-grad-cam 1.5.7 say of fixed maps, and of maps by gradcam.

Needs what make.py needs, and quantus 0.6.0. Random draws are those of the program: SplitMix64, seeded as its metrics say.
"""
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "methods"))

import make  # noqa: E402
import make_trained  # noqa: E402, before quantus imports torchvision
import quantus  # noqa: E402
from pytorch_grad_cam import GradCAM  # noqa: E402
from pytorch_grad_cam.metrics import arcc, road  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget  # noqa: E402
from quantus.functions import complexity_func, loss_func, similarity_func  # noqa: E402

MASK = (1 << 64) - 1
NETWORKS = {"shapes-vgg.onnx": make_trained.vgg, "shapes-resnet.onnx": make_trained.resnet}
SIDE = 96


class SplitMix64:
    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53


def named(name):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    return SplitMix64(seed)


def bells(width, height, parts):
    """The sum of Gaussian bells, each of a centre, a variance and a height."""
    y, x = np.mgrid[:height, :width]
    total = sum(tall * np.exp(-((x - left)**2 + (y - top)**2) / size) for left, top, size, tall in parts)
    return total.astype(np.float32)


def of_map(width, height, parts, boxes):
    """Metrics of the map alone."""
    values = bells(width, height, parts)
    mask = np.zeros_like(values, bool)
    for left, top, across, down in boxes:
        mask[top:top + down, left:left + across] = True
    image = np.zeros((1, 1, height, width), np.float32)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(width * height, 2))
    arguments = dict(model=model, x_batch=image, y_batch=np.array([0]), s_batch=mask[None, None], device="cpu")

    def measured(metric):
        return float(metric(a_batch=values[None, None].copy(), **arguments)[0])

    quiet = dict(abs=True, normalise=False, disable_warnings=True)
    border = (np.arange(height) + 0.5 < height / 10) | (np.arange(height) + 0.5 > 0.9 * height)
    sides = (np.arange(width) + 0.5 < width / 10) | (np.arange(width) + 0.5 > 0.9 * width)
    return {"width": width, "height": height, "bells": parts, "boxes": boxes, "metrics": {
        "complexity": measured(quantus.Complexity(**quiet)), "sparseness": measured(quantus.Sparseness(**quiet)),
        "relevance-mass": measured(quantus.RelevanceMassAccuracy(**quiet)),
        "relevance-rank": measured(quantus.RelevanceRankAccuracy(**quiet)),
        "top-k-intersection": measured(quantus.TopKIntersection(k=1000, **quiet)),
        # In no library.
        "border-mass": float(values[border[:, None] | sides[None]].astype(np.float64).sum() / values.astype(np.float64).sum()),
    }}


def of_order(network, image, target, values):
    """Metrics of a fixed map that ask the network for probabilities."""
    x, y = image.numpy(), np.array([target])
    arguments = dict(model=network, x_batch=x, y_batch=y, softmax=True, channel_first=True, device="cpu")
    draws = []
    for run in range(100):
        generator, seen = SplitMix64(run), set()
        while len(seen) < 224:
            seen.add(generator.next() % x.size)
        draws.append(np.array(sorted(seen)))
    choice, drawn = np.random.choice, iter(draws)
    np.random.choice = lambda *_, **__: next(drawn)
    correlation = quantus.FaithfulnessCorrelation(
        subset_size=224, nr_runs=100, perturb_baseline=0.0, abs=False, normalise=False, disable_warnings=True,
        return_aggregate=False)(a_batch=values[None, None].copy(), **arguments)
    np.random.choice = choice

    def alone(arr, indices, **_):
        changed = x.reshape(1, -1).copy()
        changed[0, indices[0]] = 0
        return changed

    def scaled(a, b, **options):
        return loss_func.mse(a=a, b=b * (a * b).sum() / (b * b).sum(), **options)

    infidelity = quantus.Infidelity(
        loss_func=scaled, perturb_patch_sizes=[SIDE // 8], n_perturb_samples=1, perturb_func=alone,
        disable_warnings=True)(a_batch=values[None, None].copy(), **arguments)
    return {"faithfulness-correlation": float(correlation[0]), "infidelity": float(infidelity[0])}


def gradcam(network, image, target):
    with GradCAM(network, [network.features]) as cam:
        return cam(torch.as_tensor(image), [ClassifierOutputTarget(target)])[0]


def signed(network, image, target):
    """The map before negative values are set to 0, drawn like others."""
    found = make.unscaled("gradcam", network, image, target)
    return drawn(np.asarray(found["map"], np.float32))


def drawn(values):
    def scaled(each):
        return (each - each.min()) / (1e-7 + each.max() - each.min())

    return scaled(cv2.resize(scaled(values), (SIDE, SIDE)))


def layers(model):
    """The parameters of each layer, from the output on."""
    graph = onnx.load(str(make_trained.MODELS / model)).graph
    sizes = {each.name: int(np.prod(each.dims)) for each in graph.initializer}
    return [[name for name in node.input[1:] if sizes.get(name, 0) > 1] for node in reversed(graph.node)
            if node.op_type in ("Conv", "Gemm", "MatMul")]


SHUFFLED = {}


def shuffled(model, name, tensor):
    if (model, name) not in SHUFFLED:
        generator, order = named(name), list(range(tensor.numel()))
        for last in range(len(order) - 1, 0, -1):
            other = generator.next() % (last + 1)
            order[last], order[other] = order[other], order[last]
        SHUFFLED[model, name] = tensor.reshape(-1)[torch.tensor(order)].reshape(tensor.shape)
    return SHUFFLED[model, name]


def randomised(model, chosen):
    usual, names = make_trained.weights, {name for layer in chosen for name in layer}
    make_trained.weights = lambda file: {
        name: shuffled(model, name, value) if name in names else value for name, value in usual(file).items()}
    try:
        return NETWORKS[model]()
    finally:
        make_trained.weights = usual


def of_gradcam(model, network, image, target, classes=8):
    """Metrics that make the map again."""
    first = gradcam(network, image, target)
    found = {}
    targets = [ClassifierOutputTarget(target)]
    with GradCAM(network, [network.features]) as cam:
        found["coherency"] = float(arcc.Coherency()(image, first[None], targets, network, cam)[0])
    with torch.no_grad():
        seen, masked = (torch.softmax(network(each), 1)[0, target].item()
                        for each in (image, image * torch.from_numpy(first)))
    drop = max(seen - masked, 0) / (seen + 1e-7)
    parts = [found["coherency"], 1 - float(arcc.Complexity()(first[None])[0]), 1 - drop]
    found["adcc"] = len(parts) / sum(1 / each for each in parts)
    road.NoisyLinearImputer.__init__.__defaults__ = (0.0, *road.NoisyLinearImputer.__init__.__defaults__[1:])
    with GradCAM(network, [network.features]) as cam:
        whole = arcc.ARCC(cam)
        # Maps are of the raw score, metrics of the probability.
        usual = whole.road
        whole.road = lambda image, maps, _, model: usual(image, maps, [ClassifierOutputSoftmaxTarget(target)], model)
        found["arcc"] = float(whole(image, first[None], targets, network)[0])

    x = image.numpy()
    for name, kind in ("max-sensitivity", quantus.MaxSensitivity), ("avg-sensitivity", quantus.AvgSensitivity):
        draws = iter(range(10))

        def noisy(arr, **_):
            generator = SplitMix64(next(draws))
            noise = np.array([0.2 * (2 * generator.uniform() - 1) for _ in range(arr.size)], np.float32)
            return arr + noise.reshape(arr.shape)

        metric = kind(nr_samples=10, perturb_func=noisy, abs=False, normalise=False, disable_warnings=True)
        found[name] = float(metric(
            model=network, x_batch=x, y_batch=np.array([target]), a_batch=first[None, None], channel_first=True, device="cpu",
            explain_func=lambda inputs, targets, **_: gradcam(network, inputs, int(targets[0]))[None, None])[0])

    other = (target + 1 + SplitMix64(target).next() % (classes - 1)) % classes
    found["random-logit"] = float(similarity_func.ssim(first, gradcam(network, image, other)))
    known, first = layers(model), signed(network, image, target)
    steps = min(len(known), 10)
    ends = [step * len(known) // steps for step in range(steps + 1)]
    for order in "cascading", "independent":
        maps = [signed(randomised(model, known[0 if order == "cascading" else ends[step]:ends[step + 1]]), image, target)
                for step in range(steps)]
        found[f"mprt-{order}"] = float(np.mean([similarity_func.correlation_spearman(first.ravel(), each.ravel()) for each in maps]))
        found[f"mprt-{order}-ssim"] = float(np.mean([similarity_func.ssim(first, each) for each in maps]))
        if order == "cascading":
            before, after = (complexity_func.discrete_entropy(each, each, n_bins=100) for each in (first, maps[-1]))
            found["mprt-efficient"] = float((after - before) / before)
    return found


def main():
    cases = []
    for model, picture, target in [
            ("shapes-vgg.onnx", "samples/single-003-star.png", 3), ("shapes-resnet.onnx", "samples/single-003-star.png", 3),
            ("shapes-resnet.onnx", "samples/pair-006-star-cross.png", 4)]:
        network, image = NETWORKS[model](), make_trained.prepared(picture)
        parts = [[31.3, 44.7, 700, 1], [70.2, 20.1, 150, 0.6]]
        cases.append({"model": model, "picture": picture, "class": target, "bells": parts,
                      "fixed": of_order(network, image, target, bells(SIDE, SIDE, parts)),
                      "gradcam": of_gradcam(model, network, image, target)})
    contents = {
        "maps": [
            of_map(48, 40, [[12.3, 9.6, 60, 1]], [[8, 4, 10, 12]]),
            of_map(53, 37, [[40.1, 30.7, 200, 0.9], [9.2, 20.4, 35, 1]], [[30, 22, 20, 15], [2, 2, 9, 30]]),
            of_map(64, 64, [[30.9, 33.2, 2500, 1]], [[0, 0, 64, 20]]),
        ],
        "networks": cases,
    }
    (HERE / "quantus.json").write_text(json.dumps(contents, indent=1) + "\n")


if __name__ == "__main__":
    main()
