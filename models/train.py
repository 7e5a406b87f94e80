"""Draws the data, trains the networks, exports them and writes the sample pictures.

usage: train.py [NAME...] [--out DIR]      (default: all networks, into the folder of this script)

Everything is seeded; it takes about twenty minutes on two cores.
"""
import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import detector
from metadata import read_metadata, write_metadata
from networks import ShapesResNet, ShapesVGG
from pictures import MEAN, STD, normalised, read_samples, write_boxes
from scenes import LABELS, draw_scene

SIDE = 96  # of the networks' input
DRAWN_SIDE = 144
CROP = 48  # holds any object
TRAINING, TEST, SAMPLES = 0, 1, 2  # seeds
TRAINING_COUNT, TEST_SINGLES, TEST_PAIRS = 12000, 2000, 500
PAIR_SHARE = 0.4  # of the training pictures
SAMPLE_SINGLES, SAMPLE_PAIRS = 32, 12
SAMPLE_SIZES = [(240, 240), (320, 240), (240, 240), (240, 300)]
RANDOM_DRAWS = 20
BATCH, CROP_EPOCHS, EPOCHS, RATE = 32, 5, 4, 3e-3
# The network, its last feature map, and whether the dynamo exporter writes it.
NETWORKS = {"shapes-vgg": (ShapesVGG, "features.20", False), "shapes-resnet": (ShapesResNet, "layer3", True)}


# Data

def labels_of_scene(rng: np.random.Generator, count: int) -> list[str]:
    return [str(label) for label in rng.choice(LABELS, count, replace=False)]


def draw_input(seed: int, index: int, count: int | None) -> tuple[np.ndarray, list[str], list[tuple]]:
    """A picture at the networks' size with `count` objects; without a count one or two."""
    rng = np.random.default_rng((seed, index))
    if count is None:
        count = 1 if rng.uniform() < 1 - PAIR_SHARE else 2
    picture, objects = draw_scene(rng, labels_of_scene(rng, count), DRAWN_SIDE, DRAWN_SIDE)
    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.BILINEAR)).transpose(2, 0, 1)
    boxes = [tuple(v * SIDE / DRAWN_SIDE for v in o.box) for o in objects]
    return pixels, [o.label for o in objects], boxes


def draw_inputs(seed: int, counts: list[int | None]):
    with ProcessPoolExecutor(2) as pool:
        drawn = pool.map(draw_input, [seed] * len(counts), range(len(counts)), counts, chunksize=50)
        pixels, labels, boxes = zip(*drawn)
    return torch.from_numpy(np.stack(pixels)), labels, boxes


def targets(labels) -> torch.Tensor:
    """Probability of each class: two objects share it."""
    rows = torch.zeros(len(labels), len(LABELS))
    for row, names in zip(rows, labels):
        for name in names:
            row[LABELS.index(name)] = 1 / len(names)
    return rows


# Training

def crops_of_objects(pixels: torch.Tensor, labels, boxes) -> tuple[torch.Tensor, torch.Tensor]:
    """A window around each object, somewhere in it: the networks learn shapes there before they look for them."""
    rng = np.random.default_rng(TRAINING)
    windows, names = [], []
    for picture, picture_labels, picture_boxes in zip(pixels, labels, boxes):
        for label, (x0, y0, x1, y1) in zip(picture_labels, picture_boxes):
            left, top = (
                rng.integers(max(0, int(np.ceil(end)) - CROP), min(int(start), SIDE - CROP) + 1)
                for start, end in ((x0, x1), (y0, y1))
            )
            windows.append(picture[:, top : top + CROP, left : left + CROP])
            names.append([label])
    return torch.stack(windows), targets(names)


def train(name: str, network: nn.Module, stages: list[tuple[torch.Tensor, torch.Tensor, int]], rate: float) -> None:
    """Each stage holds pictures, the probabilities wanted of their classes, and a number of epochs."""
    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = sum(len(pixels) // BATCH * epochs for pixels, _, epochs in stages)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.15)
    for pixels, wanted, epochs in stages:
        for epoch in range(epochs):
            started, losses = time.time(), []
            for chosen in torch.randperm(len(pixels))[: len(pixels) // BATCH * BATCH].view(-1, BATCH):
                x = pixels[chosen][:, torch.randperm(3)].rot90(int(torch.randint(4, ())), (2, 3))
                if torch.rand(()) < 0.5:
                    x = x.flip(3)
                loss = F.cross_entropy(network(normalised(x)), wanted[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            print(f"{name}: {pixels.shape[-1]} pixels, epoch {epoch + 1}/{epochs}, loss {np.mean(losses):.4f}, "
                  f"{time.time() - started:.0f} s", flush=True)
    network.to(memory_format=torch.contiguous_format).eval()


# Grad-CAM and the pointing game

def activation_and_gradient(network: nn.Module, layer: nn.Module, x: torch.Tensor, classes: list[int]):
    kept = []
    handle = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    score = network(x)[range(len(classes)), classes].sum()
    handle.remove()
    return kept[0].detach(), torch.autograd.grad(score, kept[0])[0]


def maxima(activation: torch.Tensor, weights: torch.Tensor) -> list[tuple[float, float] | None]:
    """Where each map is largest, in pixels of the input; None for a map without content."""
    maps = (weights[:, :, None, None] * activation).sum(1, keepdim=True).relu()
    maps = F.interpolate(maps, (SIDE, SIDE), mode="bilinear", align_corners=False).flatten(1)
    return [
        (int(m.argmax()) % SIDE + 0.5, int(m.argmax()) // SIDE + 0.5) if m.max() > 0 else None for m in maps
    ]


def hits(points, boxes) -> float:
    def inside(point, box) -> bool:
        return point is not None and box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]
    return sum(map(inside, points, boxes)) / len(boxes)


def pointing_game(network: nn.Module, layer: nn.Module, x, names, boxes) -> tuple[float, float, float]:
    """Share of maxima inside their object's box: for Grad-CAM; for random weights of the channels, mean and best."""
    activation, gradient = activation_and_gradient(network, layer, x, [LABELS.index(name) for name in names])
    found = hits(maxima(activation, gradient.mean((2, 3))), boxes)
    generator = torch.Generator().manual_seed(0)
    by_chance = [
        hits(maxima(activation, 2 * torch.rand(activation.shape[:2], generator=generator) - 1), boxes)
        for _ in range(RANDOM_DRAWS)
    ]
    return found, float(np.mean(by_chance)), max(by_chance)


def report(title: str, network: nn.Module, layer: nn.Module, x: torch.Tensor, labels, boxes) -> None:
    """`x` holds one input for each picture; `labels` and `boxes` one or two entries for each."""
    with torch.no_grad():
        logits = network(x)
    for count, kind in ((1, "single objects"), (2, "pairs")):
        rows = [i for i, names in enumerate(labels) if len(names) == count]
        right = [
            {LABELS[k] for k in logits[i].topk(count).indices} == set(labels[i]) for i in rows
        ]
        asked = [(i, name, box) for i in rows for name, box in zip(labels[i], boxes[i])]
        indices, names, wanted = zip(*asked)
        found, mean, best = pointing_game(network, layer, x[list(indices)], names, wanted)
        print(f"{title}, {len(rows)} {kind}: top-{count} {100 * np.mean(right):.1f}%  maximum in the box "
              f"{100 * found:.1f}%  random weights {100 * mean:.1f}% (best of {RANDOM_DRAWS}: {100 * best:.1f}%)",
              flush=True)


# Files

def write_samples(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {}
    for index in range(SAMPLE_SINGLES + SAMPLE_PAIRS):
        rng = np.random.default_rng((SAMPLES, index))
        if index < SAMPLE_SINGLES:
            kind, number, labels = "single", index, [LABELS[index % len(LABELS)]]
        else:
            kind, number, labels = "pair", index - SAMPLE_SINGLES, labels_of_scene(rng, 2)
        picture, objects = draw_scene(rng, labels, *SAMPLE_SIZES[index // 3 % len(SAMPLE_SIZES)])
        suffix = "jpg" if index % 5 == 4 else "png"
        name = f"{kind}-{number:03}-{'-'.join(labels)}.{suffix}"
        picture.save(folder / name, **(dict(quality=92) if suffix == "jpg" else dict(optimize=True)))
        boxes[name] = objects
    write_boxes(folder, boxes)


def export(network: nn.Module, path: Path, dynamo: bool) -> None:
    names = dict(input_names=["input"], output_names=["logits"])
    x = torch.zeros(2, 3, SIDE, SIDE)
    if dynamo:
        torch.onnx.export(network, (x,), path, dynamo=True, external_data=False, verbose=False,
                          dynamic_shapes=({0: "batch"},), **names)
    else:
        torch.onnx.export(network, (x,), path, dynamo=False, opset_version=17,
                          dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}}, **names)
    write_metadata(path, mean=MEAN, std=STD, resize=str(SIDE), crop=str(SIDE), labels=LABELS)


def make_network(name: str, training, test, out: Path) -> None:
    """Trains, exports and reports one of the networks, on one core."""
    build, last, dynamo = NETWORKS[name]
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build(len(LABELS))
    pixels, labels, boxes = training
    stages = [(*crops_of_objects(pixels, labels, boxes), CROP_EPOCHS), (pixels, targets(labels), EPOCHS)]
    train(name, network, stages, RATE)
    path = out / f"{name}.onnx"
    export(network, path, dynamo)

    layer = network.get_submodule(last)
    report(f"{name}: test", network, layer, normalised(test[0]), *test[1:])
    x, sample_labels, sample_boxes = read_samples(out / "samples", read_metadata(path))
    report(f"{name}: samples", network, layer, x, sample_labels, sample_boxes)
    with torch.no_grad():
        expected = network(x).numpy()
    logits = onnxruntime.InferenceSession(path).run(None, {"input": x.numpy()})[0]
    print(f"{name}: {path.stat().st_size / 1e6:.2f} MB, onnxruntime differs from PyTorch by at most "
          f"{np.abs(logits - expected).max():.1e}", flush=True)


def make_classifiers(names: list[str], out: Path) -> None:
    started = time.time()
    write_samples(out / "samples")
    training = draw_inputs(TRAINING, [None] * TRAINING_COUNT)
    test = draw_inputs(TEST, [1] * TEST_SINGLES + [2] * TEST_PAIRS)
    print(f"drawn in {time.time() - started:.0f} s", flush=True)
    with ProcessPoolExecutor(len(names)) as pool:
        for made in [pool.submit(make_network, name, training, test, out) for name in names]:
            made.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*NETWORKS, detector.NAME]
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in names:
            parser.error(f"there is no network {name!r}; there are {', '.join(names)}")
    wanted = arguments.names or names
    started = time.time()
    if classifiers := [name for name in NETWORKS if name in wanted]:
        make_classifiers(classifiers, arguments.out)
    if detector.NAME in wanted:
        detector.make(arguments.out)
    print(f"done in {(time.time() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
