"""Makes the fixtures of networks whose input is no picture: signals, volumes, films and pictures of many channels.

usage: make.py [NETWORK...]        all where none is named; needs torch, onnx and onnxscript

NETWORK.npy holds the numbers of a network end to end, signals.json tells where each lies. The truth is computed in float64:
activation, gradient and Grad-CAM at modules, the map over the input as PyTorch's interpolate enlarges it, and the weights
of Score-CAM.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "networks"))
from make import Numbers, slim  # noqa: E402

warnings.filterwarnings("ignore")
CLASSES = 4


class Block(nn.Module):
    """A residual block along any number of axes."""

    def __init__(self, convolution, norm, inputs, outputs, stride):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = norm(outputs)
        self.relu = nn.ReLU()
        self.conv2 = convolution(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = norm(outputs)
        self.downsample = nn.Sequential(convolution(inputs, outputs, 1, stride, bias=False), norm(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.downsample(x))


class ECG(nn.Module):
    """A residual network of an electrocardiogram's twelve leads."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(12, 6, 7, 2, 3, bias=False), nn.BatchNorm1d(6), nn.ReLU())
        self.layer1 = Block(nn.Conv1d, nn.BatchNorm1d, 6, 8, 2)
        self.layer2 = Block(nn.Conv1d, nn.BatchNorm1d, 8, 8, 2)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(self.stem(x))).mean(-1))


class Wave(nn.Module):
    """M5: a waveform of one channel, pooled after each convolution, with a log-softmax at its end."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 5, 20, 4), nn.BatchNorm1d(5)
        self.pool1 = nn.AvgPool1d(4)
        self.conv2, self.bn2 = nn.Conv1d(5, 6, 3), nn.BatchNorm1d(6)
        self.relu = nn.ReLU()
        self.fc1 = nn.Linear(6, CLASSES)

    def forward(self, x):
        x = self.pool1(functional.relu(self.bn1(self.conv1(x))))
        x = self.relu(self.bn2(self.conv2(x)))
        x = functional.avg_pool1d(x, x.shape[-1])
        return functional.log_softmax(self.fc1(x.permute(0, 2, 1)), dim=2)


class Bare(nn.Module):
    """A waveform without a dimension for channels."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, 4, 9, 2), nn.Conv1d(4, 5, 5, 2)
        self.fc = nn.Linear(5, CLASSES)

    def forward(self, x):
        return self.fc(torch.relu(self.conv2(torch.relu(self.conv1(x[:, None])))).mean(-1))


class Last(nn.Module):
    """A signal whose channels are last, as tables have them."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(3, 4, 5, 2), nn.Conv1d(4, 5, 5, 1)
        self.fc = nn.Linear(5, CLASSES)

    def forward(self, x):
        return self.fc(torch.relu(self.conv2(torch.relu(self.conv1(x.transpose(1, 2))))).mean(-1))


class Sequence(nn.Module):
    """A transformer on a signal whose channels are last: no convolution says so, but a product does."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(5, 8)
        self.norm1 = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.norm2 = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.project(x)
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        x = x + self.out((q @ k.transpose(1, 2) / 8 ** 0.5).softmax(-1) @ v)
        x = x + self.mlp(self.norm2(x))
        return self.fc(x.mean(1))


class Recurrent(nn.Module):
    """An LSTM."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 6, batch_first=True)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.fc(self.lstm(x)[0].mean(1))


class Volume(nn.Module):
    """A classifier of volumes of one channel."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(1, 4, 3, 1, 1), nn.BatchNorm3d(4)
        self.pool = nn.AvgPool3d(2)
        self.layer1 = Block(nn.Conv3d, nn.BatchNorm3d, 4, 6, (1, 2, 2))
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x):
        x = self.layer1(self.pool(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(functional.adaptive_avg_pool3d(x, 1), 1))


class Film(nn.Module):
    """ResNet3D's stem and a block: films of three colours."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, 5, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(5), nn.ReLU())
        self.layer1 = Block(nn.Conv3d, nn.BatchNorm3d, 5, 6, 2)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.fc(self.layer1(self.stem(x)).mean((2, 3, 4)))


class Frames(nn.Module):
    """A network of pictures on each frame of a film, whose frames come before their colours."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x):
        b, t, c, h, w = x.shape
        x = torch.relu(self.conv2(torch.relu(self.conv1(x.reshape(b * t, c, h, w)))))
        return self.fc(x.mean((2, 3)).reshape(b, t, -1).mean(1))


class Bands(nn.Module):
    """A U-Net of six bands: a score for each class at every place."""

    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(6, 5, 3, 1, 1), nn.ReLU())
        self.down2 = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(5, 8, 3, 1, 1), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 5, 2, 2)
        self.last = nn.Sequential(nn.Conv2d(10, 6, 3, 1, 1), nn.ReLU())
        self.head = nn.Conv2d(6, CLASSES, 1)

    def forward(self, x):
        one = self.down1(x)
        return self.head(self.last(torch.cat([one, self.up(self.down2(one))], 1)))


class Segments(nn.Module):
    """A score for each class at every sample of a signal."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(2, 5, 5, 1, 2), nn.ReLU(), nn.Conv1d(5, 6, 5, 1, 2), nn.ReLU())
        self.head = nn.Conv1d(6, CLASSES, 1)

    def forward(self, x):
        return self.head(self.body(x))


def channels_last(x):
    return x.transpose(1, 2)


def by_frame(x):
    return x.transpose(0, 1)[None]


# Name: network, input, dynamic axes, the axis of its channels, taps, and how a tap's tensor becomes channels and places.
NETWORKS = {
    "ecg": (ECG, (1, 12, 96), (0, 2), ["stem", "layer1", "layer2"], {}),
    "wave": (Wave, (1, 1, 400), (), ["bn1", "relu"], {}),
    "bare": (Bare, (1, 120), (1,), ["conv1"], {}),
    "last": (Last, (1, 60, 3), (1,), ["conv1"], {}),
    "sequence": (Sequence, (1, 24, 5), (), ["norm1", "norm2"], {"norm1": channels_last, "norm2": channels_last}),
    "recurrent": (Recurrent, (1, 18, 3), (), [], {}),
    "volume": (Volume, (1, 1, 6, 12, 10), (2, 3, 4), ["pool", "layer1"], {}),
    "film": (Film, (1, 3, 4, 16, 14), (), ["stem", "layer1"], {}),
    "frames": (Frames, (1, 4, 3, 16, 12), (), ["conv1", "conv2"], {"conv1": by_frame, "conv2": by_frame}),
    "bands": (Bands, (1, 6, 16, 20), (2, 3), ["down2", "last"], {}),
    "segments": (Segments, (1, 2, 40), (2,), ["body"], {}),
}
MARGIN = 2e-5


def randomised(make, seed):
    torch.manual_seed(seed)
    network = make().eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.8, 1.2)
            module.bias.data.normal_(0, 0.1)
    return network


def keeps_clear(network, given):
    """Whether no ReLU is so near to its kink that float32 could decide otherwise."""
    near = []
    whole = torch.relu, functional.relu

    def watched(x, *_, **__):
        near.append(bool(x.abs().min() < MARGIN * x.abs().max()))
        return x.clamp(min=0)

    torch.relu = functional.relu = watched
    with torch.no_grad():
        network(given)
    torch.relu, functional.relu = whole
    return not any(near)


def score(output, index):
    """A class's score; of scores at every place, summed where the class has the best one."""
    if output.numel() == CLASSES:
        return output.flatten()[index]
    best = output[0].argmax(0) == index
    return output[0, index][best].sum()


def explain(network, given, module, index, see):
    kept = {}

    def keep(_module, _inputs, output):
        kept["a"] = output.detach().clone().requires_grad_(True)
        return kept["a"].clone()

    handle = network.get_submodule(module).register_forward_hook(keep)
    # A log-softmax is looked through: what is differentiated is what comes before it.
    softmax = functional.log_softmax
    functional.log_softmax = lambda x, **_: x
    output = network(given.clone())
    functional.log_softmax = softmax
    (gradient,) = torch.autograd.grad(score(output, index), kept["a"])
    handle.remove()
    activation, gradient = see(kept["a"].detach()), see(gradient)
    places = tuple(range(2, activation.dim()))
    cam = (gradient.mean(places, keepdim=True) * activation).sum(1)[0]
    return activation, gradient, cam


def rescaled(x, epsilon=1e-7):
    x = x - x.min()
    return x / (epsilon + x.max())


MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def drawn(cam, size):
    """pytorch-grad-cam's steps, with PyTorch's interpolation."""
    small = rescaled(cam.clamp(min=0))[None, None]
    return rescaled(functional.interpolate(small, size, mode=MODES[len(size)], align_corners=False)[0, 0])


def score_weights(network, given, activation, index):
    """Score-CAM's weights, for networks whose channels are second."""
    size = given.shape[2:]
    masks = functional.interpolate(activation, size, mode=MODES[len(size)], align_corners=True)[0]
    scores = []
    for mask in masks:
        mask = (mask - mask.min()) / (1e-8 + (mask.max() - mask.min()))
        with torch.no_grad():
            scores.append(network(given * mask)[0, index])
    return torch.stack(scores).softmax(0)


def blurred(given):
    """A Gaussian of 11 places with a deviation of 5 along each axis, zeros around."""
    bell = torch.exp(-torch.arange(-5, 6, dtype=given.dtype) ** 2 / 50)
    bell = bell / bell.sum()
    for axis in range(2, given.dim()):
        moved = given.movedim(axis, -1)
        flat = functional.conv1d(moved.reshape(-1, 1, moved.shape[-1]), bell[None, None], padding=5)
        given = flat.reshape(moved.shape).movedim(-1, axis)
    return given


def areas(network, given, heat, index):
    """Insertion and deletion: the area below the class's probability while places, highest first, are exchanged."""
    order = torch.argsort(heat.flatten(), descending=True, stable=True)
    step = -(-len(order) // 20)
    counts = [*range(0, len(order), step), len(order)]

    def area(start, end):
        curve = []
        for count in counts:
            mixed = start.clone().flatten(2)
            mixed[:, :, order[:count]] = end.flatten(2)[:, :, order[:count]]
            with torch.no_grad():
                curve.append(network(mixed.reshape(given.shape)).softmax(1)[0, index].item())
        return sum((counts[i + 1] - counts[i]) / len(order) * (curve[i] + curve[i + 1]) / 2
                   for i in range(len(counts) - 1))

    return area(blurred(given), given), area(given, torch.zeros_like(given))


def main():
    index = {}
    if sys.argv[1:]:
        index = {entry["name"]: entry for entry in json.loads((HERE / "signals.json").read_text())}
    for name, (make, shape, axes, taps, sees) in NETWORKS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        for seed in range(100, 2000):
            network, double = randomised(make, seed), randomised(make, seed).double()
            given = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
            if keeps_clear(double, given.double()):
                break
        else:
            raise SystemExit(f"{name}: no seed keeps clear of the kinks")
        output = double(given.double())
        if output.numel() == CLASSES:
            chosen = int(output.flatten().argsort()[-2])
        else:
            chosen = int(output[0].flatten(1).argmax(0).bincount(minlength=CLASSES).argmax())
        numbers = Numbers()
        entry = {"name": name, "class": chosen, "input": numbers.add(given), "output": numbers.add(output), "taps": []}
        for module in taps:
            see = sees.get(module, lambda x: x)
            activation, gradient, cam = explain(double, given.double(), module, chosen, see)
            tap = {"query": module, "activation": numbers.add(activation), "gradient": numbers.add(gradient),
                   "gradcam": numbers.add(cam)}
            channels_second = name in ("ecg", "volume", "film")
            places = {"bare": shape[1:], "last": shape[1:2], "sequence": shape[1:2],
                      "frames": (shape[1], *shape[3:])}.get(name, shape[2:])
            tap["drawn"] = numbers.add(drawn(cam, places))
            if channels_second:
                heat = drawn(cam, places).float().double()
                tap["insertion"], tap["deletion"] = areas(double, given.double(), heat, chosen)
                tap["scores"] = numbers.add(score_weights(double, given.double(), activation, chosen))
            entry["taps"].append(tap)
        names = {0: "batch", 1: "extent1", 2: "extent2", 3: "extent3", 4: "extent4"}
        torch.onnx.export(
            network, (given,), str(HERE / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=["input"],
            output_names=["output"], dynamic_axes={"input": {axis: names[axis] for axis in axes}} if axes else None)
        slim(HERE / f"{name}.onnx")
        np.save(HERE / f"{name}.npy", np.concatenate(numbers.values))
        entry["numbers"] = f"{name}.npy"
        index[name] = entry
        print(name, seed, (HERE / f"{name}.onnx").stat().st_size)
    lines = ",\n".join(json.dumps(index[name], separators=(",", ":")) for name in NETWORKS if name in index)
    (HERE / "signals.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
