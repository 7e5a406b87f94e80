"""The detector that train.py makes: its pictures, its training, the selection of boxes inside its file, its figures."""
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxscript
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from metadata import read_metadata, remove_stack_traces, write_metadata
from networks import ShapesDetector, cell_centres
from pictures import MEAN, STD, normalised, read_samples, write_boxes
from scenes import LABELS, draw_scene

NAME = "shapes-detector"
SIDE = 128  # of the network's input
DRAWN_SIDE = 192
SIZES = (0.18, 0.36)  # diameter of an object over the picture's side
TRAINING, TEST, SAMPLES = 10, 13, 12  # seeds
TRAINING_COUNT, TEST_COUNT = 5000, 500
BATCH, EPOCHS, RATE = 16, 10, 3e-3
REACH = 1  # in cells: how far from the centre of its box those lie that answer for an object
IOU_THRESHOLD, SCORE_THRESHOLD, BOXES_PER_CLASS = 0.5, 0.4, 20
SAMPLE_SIZES = [(192, 192), (256, 192), (192, 192), (192, 240)]
SAMPLE_KINDS = [2, 2, 2, 2, 3, 3]  # numbers of objects; in the last picture the third is like the first
APART = 0.45  # of the shorter side, between the centres of a sample's objects


# Pictures

def draw_input(seed: int, index: int, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture at the network's size with `least` to four objects, their classes and their boxes in its pixels."""
    rng = np.random.default_rng((seed, index))
    names = [str(label) for label in rng.choice(LABELS, rng.integers(least, 5))]
    picture, objects = draw_scene(rng, names, DRAWN_SIDE, DRAWN_SIDE, SIZES)
    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.BILINEAR)).transpose(2, 0, 1)
    boxes = np.array([o.box for o in objects], dtype=np.float32) * SIDE / DRAWN_SIDE
    return pixels, np.array([LABELS.index(o.label) for o in objects]), boxes


def draw_inputs(seed: int, count: int, least: int):
    with ProcessPoolExecutor(2) as pool:
        drawn = pool.map(draw_input, [seed] * count, range(count), [least] * count, chunksize=50)
        pixels, classes, boxes = zip(*drawn)
    return torch.from_numpy(np.stack(pixels)), classes, boxes


# Training

def answers(classes: np.ndarray, boxes: np.ndarray) -> torch.Tensor:
    """What each cell of the last feature map should say (5, rows, columns): x0, y0, x1, y1 and the class, or -1.

    The cells nearest to the centre of an object answer for it."""
    rows = SIDE // ShapesDetector.STRIDE
    boxes = torch.from_numpy(boxes)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / ShapesDetector.STRIDE
    distance, nearest = (cell_centres(rows, rows)[:, None] - centres).abs().amax(2).min(1)
    named = torch.where(distance < REACH, torch.from_numpy(classes)[nearest], -1)
    return torch.cat((boxes[nearest], named[:, None]), 1).T.view(5, rows, rows)


def turned(pixels: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures and what their cells should say, mirrored or transposed by chance."""
    for axis, flipped in ((3, [2, 1, 0, 3, 4]), (2, [0, 3, 2, 1, 4])):
        if torch.rand(()) < 0.5:
            pixels, wanted = pixels.flip(axis), wanted.flip(axis)[:, flipped]
            ends = [3 - axis, 5 - axis]
            wanted[:, ends] = SIDE - wanted[:, ends]
    if torch.rand(()) < 0.5:
        pixels, wanted = pixels.transpose(2, 3), wanted.transpose(2, 3)[:, [1, 0, 3, 2, 4]]
    return pixels, wanted


def areas(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def overlaps(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Intersection and union of boxes (…, 4), broadcast."""
    inside = torch.cat((torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])), -1)
    return areas(inside), areas(a) + areas(b) - areas(inside)


def loss_of(logits: torch.Tensor, boxes: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Focal loss of the classes, and one minus the generalised IoU of the boxes, for each cell that answers."""
    wanted = wanted.flatten(2).transpose(1, 2)
    classes, answering = wanted[..., 4].long(), wanted[..., 4] >= 0
    right = (F.one_hot(classes.clamp(min=0), len(LABELS)) * answering[..., None]).transpose(1, 2).float()
    focal = F.binary_cross_entropy_with_logits(logits, right, reduction="none") * (right - logits.sigmoid()) ** 2
    a, b = boxes[answering], wanted[answering][:, :4]
    hull = areas(torch.cat((torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:])), 1))
    inside, union = overlaps(a, b)
    generalised = inside / union - (hull - union) / hull
    return (focal.sum() + (1 - generalised).sum()) / answering.sum().clamp(min=1)


def train(network: nn.Module, pixels: torch.Tensor, classes, boxes) -> None:
    wanted = torch.stack([answers(*objects) for objects in zip(classes, boxes)])
    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = len(pixels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps * EPOCHS, pct_start=0.15)
    for epoch in range(EPOCHS):
        started, losses = time.time(), []
        for chosen in torch.randperm(len(pixels))[: steps * BATCH].view(-1, BATCH):
            x, cells = turned(pixels[chosen][:, torch.randperm(3)], wanted[chosen])
            loss = loss_of(*network(normalised(x)), cells)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"{NAME}: epoch {epoch + 1}/{EPOCHS}, loss {np.mean(losses):.4f}, {time.time() - started:.0f} s",
              flush=True)
    network.to(memory_format=torch.contiguous_format).eval()


# The file

@torch.library.custom_op("shapes::select", mutates_args=())
def select(boxes: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """What ONNX's NonMaxSuppression selects of a picture's boxes: rows of picture, class and box."""
    selected = []
    for k, of_class in enumerate(scores[0]):
        kept = []
        for cell in of_class.argsort(descending=True, stable=True)[: int((of_class > SCORE_THRESHOLD).sum())]:
            inside, union = overlaps(boxes[0, cell], boxes[0, kept])
            if len(kept) < BOXES_PER_CLASS and bool((inside <= IOU_THRESHOLD * union).all()):
                kept.append(int(cell))
        selected += [[0, k, cell] for cell in kept]
    return torch.tensor(selected, dtype=torch.int64).reshape(-1, 3)


@select.register_fake
def _(boxes, scores):
    return scores.new_empty((torch.library.get_ctx().new_dynamic_size(), 3), dtype=torch.int64)


def select_in_onnx(boxes, scores):
    return onnxscript.opset18.NonMaxSuppression(
        boxes, scores, [BOXES_PER_CLASS], [IOU_THRESHOLD], [SCORE_THRESHOLD])


class SelectingDetector(ShapesDetector):
    """One picture's boxes (n, 4: x0, y0, x1, y1 in pixels of the input), scores (n) and labels (n), the best first."""

    def __init__(self, trained: ShapesDetector):
        super().__init__(len(LABELS))
        self.load_state_dict(trained.state_dict())
        self.eval()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        logits, boxes = super().forward(x)
        scores = logits.sigmoid()
        chosen = select(boxes, scores)
        labels, cells = chosen[:, 1], chosen[:, 2]
        scores = scores.flatten().index_select(0, labels * logits.shape[2] + cells)
        scores, order = scores.sort(descending=True)
        return boxes[0].index_select(0, cells.index_select(0, order)), scores, labels.index_select(0, order)


def export(network: SelectingDetector, path: Path) -> None:
    torch.onnx.export(
        network, (torch.zeros(1, 3, SIDE, SIDE),), path, dynamo=True, opset_version=18,
        external_data=False, verbose=False, input_names=["input"], output_names=["boxes", "scores", "labels"],
        custom_translation_table={torch.ops.shapes.select.default: select_in_onnx})
    remove_stack_traces(path)
    write_metadata(path, mean=MEAN, std=STD, resize=str(SIDE), crop=str(SIDE), labels=LABELS, columns="boxes=xyxy/px")
    onnx.checker.check_model(str(path), full_check=True)


def write_samples(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {}
    for index, count in enumerate(SAMPLE_KINDS):
        rng = np.random.default_rng((SAMPLES, index))
        labels = [str(label) for label in rng.choice(LABELS, count, replace=False)]
        if index == len(SAMPLE_KINDS) - 1:
            labels[-1] = labels[0]
        size = SAMPLE_SIZES[index % len(SAMPLE_SIZES)]
        while True:
            picture, objects = draw_scene(rng, labels, *size, SIZES)
            centres = [((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in (o.box for o in objects)]
            gaps = [np.hypot(a[0] - b[0], a[1] - b[1]) for i, a in enumerate(centres) for b in centres[:i]]
            if min(gaps) >= APART * min(size):
                break
        name = f"scene-{index:03}-{'-'.join(labels)}.png"
        picture.save(folder / name, optimize=True)
        boxes[name] = objects
    write_boxes(folder, boxes)


# Figures

def average_precision(found: list[tuple], wanted: list[tuple]) -> float:
    """Area under the largest precision at each recall, of one class.

    `found` holds score, picture and box, `wanted` picture and box; a box is right if its IoU with one that no better
    box has taken is at least one half."""
    open_boxes = {}
    for picture, box in wanted:
        open_boxes.setdefault(picture, []).append(torch.as_tensor(box))
    hits = []
    for _, picture, box in sorted(found, key=lambda entry: -entry[0]):
        left = open_boxes.get(picture, [])
        shares = [float(inside / union) for inside, union in (overlaps(torch.as_tensor(box), other) for other in left)]
        hits.append(bool(shares) and max(shares) >= 0.5)
        if hits[-1]:
            left.pop(int(np.argmax(shares)))
    hits = np.array(hits, dtype=bool)
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return float(np.maximum.accumulate(precision[::-1])[::-1][hits].sum() / len(wanted))


def mean_average_precision(session: onnxruntime.InferenceSession, x: torch.Tensor, classes, boxes) -> float:
    """mAP at an IoU of 0.5, over the classes."""
    found = {k: [] for k in range(len(LABELS))}
    for picture, pixels in enumerate(x):
        for box, score, label in zip(*session.run(None, {"input": pixels[None].numpy()})):
            found[int(label)].append((float(score), picture, box))
    wanted = {k: [] for k in found}
    for picture, (numbers, their_boxes) in enumerate(zip(classes, boxes)):
        for k, box in zip(numbers, their_boxes):
            wanted[int(k)].append((picture, np.asarray(box, dtype=np.float32)))
    return float(np.mean([average_precision(found[k], wanted[k]) for k in found if wanted[k]]))


def smoothed(gradient: torch.Tensor) -> torch.Tensor:
    """By a Gaussian of 3 × 3 cells with a standard deviation of one."""
    row = torch.exp(-torch.tensor([-1.0, 0.0, 1.0]) ** 2 / 2)
    kernel = torch.outer(row, row) / row.sum() ** 2
    return F.conv2d(gradient.transpose(0, 1), kernel[None, None], padding=1).transpose(0, 1)


# The map (1, rows, columns) that a method makes of activation and gradient (1, channels, rows, columns).
METHODS = {
    "gradcam": lambda a, g: (g.mean((2, 3), keepdim=True) * a).sum(1),
    "hirescam": lambda a, g: (g * a).sum(1),
    "odam": lambda a, g: (smoothed(g) * a).sum(1),
    "random": lambda a, g: ((2 * torch.rand(1, g.shape[1], 1, 1) - 1) * a).sum(1),
}
LAYERS = ["layer1", "layer2", "cls_tower"]  # inside, what both branches share, and what class scores are read from


def pointing(network: SelectingDetector, x: torch.Tensor, classes, boxes) -> dict[tuple[str, str], list[tuple]]:
    """For each layer and method and each object that is found: whether the maximum of the map of its box lies in its
    own box, and the share of the map's sum that does."""
    kept, results = {}, {(layer, method): [] for layer in LAYERS for method in METHODS}
    hooks = [
        network.get_submodule(layer).register_forward_hook(
            lambda _, __, output, layer=layer: kept.update({layer: output}))
        for layer in LAYERS
    ]
    for pixels, numbers, their_boxes in zip(x, classes, boxes):
        found, scores, labels = network(pixels[None])
        for number, box in zip(numbers, their_boxes):
            inside, union = overlaps(found, torch.as_tensor(box, dtype=torch.float32))
            own = ((labels == int(number)) & (inside / union >= 0.5)).nonzero().flatten()
            if len(own) == 0:
                continue
            gradients = torch.autograd.grad(scores[own[0]], [kept[layer] for layer in LAYERS], retain_graph=True)
            for layer, gradient in zip(LAYERS, gradients):
                for method, made in METHODS.items():
                    heat = made(kept[layer].detach(), gradient).relu()[None]
                    heat = F.interpolate(heat, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0]
                    row, column = divmod(int(heat.argmax()), SIDE)
                    x0, y0, x1, y1 = (round(float(v)) for v in box)
                    results[layer, method].append((
                        bool(heat.max() > 0) and x0 <= column < x1 and y0 <= row < y1,
                        float(heat[max(y0, 0):y1, max(x0, 0):x1].sum() / heat.sum().clamp(min=1e-12))))
    for hook in hooks:
        hook.remove()
    return results


def report(title: str, network: SelectingDetector, session, x: torch.Tensor, classes, boxes) -> None:
    count = sum(len(numbers) for numbers in classes)
    print(f"{title}, {len(x)} pictures with {count} objects: mAP@0.5 "
          f"{mean_average_precision(session, x, classes, boxes):.3f}")
    for kind, is_repeated in (("each class once", False), ("a class more than once", True)):
        rows = [i for i, numbers in enumerate(classes) if (len(set(numbers)) < len(numbers)) == is_repeated]
        for (layer, method), values in pointing(
            network, x[rows], [classes[i] for i in rows], [boxes[i] for i in rows]
        ).items():
            hits, shares = np.mean(values or [(np.nan, np.nan)], axis=0)
            print(f"  {kind}, {layer}, {method}: maximum in the own box {100 * hits:.1f}%, {100 * shares:.0f}% of the "
                  f"sum in it, of {len(values)} boxes found", flush=True)


def make(out: Path) -> None:
    """Draws, trains, exports and reports the detector, but for the drawing on one core."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    started = time.time()
    samples = out / "detector-samples"
    write_samples(samples)
    training = draw_inputs(TRAINING, TRAINING_COUNT, least=1)
    test = draw_inputs(TEST, TEST_COUNT, least=2)
    print(f"{NAME}: drawn in {time.time() - started:.0f} s", flush=True)
    torch.manual_seed(0)
    trained = ShapesDetector(len(LABELS))
    train(trained, *training)
    network = SelectingDetector(trained)
    path = out / f"{NAME}.onnx"
    export(network, path)
    session = onnxruntime.InferenceSession(path)
    report(f"{NAME}: test", network, session, normalised(test[0]).contiguous(), *test[1:])
    x, names, boxes = read_samples(samples, read_metadata(path))
    report(f"{NAME}: samples", network, session, x, [[LABELS.index(n) for n in row] for row in names], boxes)
    differences = [
        max(float(np.abs(a - b.detach().numpy()).max()) for a, b in zip(
            session.run(None, {"input": pixels[None].numpy()}), network(pixels[None])))
        for pixels in x
    ]
    print(f"{NAME}: {path.stat().st_size / 1e6:.2f} MB, onnxruntime differs from PyTorch by at most "
          f"{max(differences):.1e}", flush=True)
