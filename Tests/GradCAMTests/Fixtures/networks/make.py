"""Makes the network fixtures: narrow seeded networks, exported, and what PyTorch's autograd says about them.

usage: make.py [NETWORK...]        all where none is named; needs torch, onnx and onnxscript

Each network is exported by both of PyTorch's exporters. NETWORK.npy holds its numbers end to end, networks.json tells
where each lies. The truth is computed in float64. A seed is taken only where no ReLU, clamp or max-pool comes so near to
a kink that float32 could decide otherwise.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
CLASSES = 5
MARGIN = 3e-5


def convolution(inputs, outputs, kernel=3, activation=nn.ReLU, **options):
    options.setdefault("padding", kernel // 2 if isinstance(kernel, int) else tuple(k // 2 for k in kernel))
    layers = [nn.Conv2d(inputs, outputs, kernel, bias=False, **options), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation(inplace=True)] if activation else []))


class Plain(nn.Module):
    """VGG."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for width in (3, "M", 6, 6, "M", 8, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((3, 3))
        self.classifier = nn.Sequential(nn.Linear(72, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, CLASSES))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Block(nn.Module):
    """ResNet's basic block: one ReLU module, called twice."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """ResNeXt's block: a grouped convolution between two pointwise ones."""

    def __init__(self, channels, width, groups):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out)) + x)


class Residual(nn.Module):
    """ResNet, or ResNeXt with grouped blocks."""

    def __init__(self, grouped=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        if grouped:
            self.layer1 = nn.Sequential(Bottleneck(6, 12, 4), Bottleneck(6, 12, 4))
        else:
            self.layer1 = nn.Sequential(Block(6, 6), Block(6, 6))
            self.layer2 = nn.Sequential(Block(6, 8, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6 if grouped else 8, CLASSES)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer1(x)
        if hasattr(self, "layer2"):
            x = self.layer2(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Mixed(nn.Module):
    """Inception's block: branches joined by channels."""

    def __init__(self):
        super().__init__()
        self.branch1x1 = convolution(6, 4, 1)
        self.branch7x7 = nn.Sequential(
            convolution(6, 4, 1), convolution(4, 4, (1, 7)), convolution(4, 5, (7, 1)))
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=True)
        self.branch_pool = convolution(6, 3, 1)
        self.ceil_pool = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        self.branch_max = convolution(6, 3, 1)

    def forward(self, x):
        pooled = self.branch_pool(self.pool(x)), self.branch_max(self.ceil_pool(x))
        return torch.cat([self.branch1x1(x), self.branch7x7(x), *pooled], 1)


class Concatenated(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = convolution(3, 6, 3, stride=2, padding=0)
        self.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.mixed = Mixed()
        self.reduce = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
        self.last = convolution(15, 8, 1)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.reduce(self.mixed(self.maxpool(self.stem(x))))
        return self.fc(torch.flatten(self.dropout(self.avgpool(self.last(x))), 1))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed, activation, scale):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation()
        self.scale_activation = scale()

    def forward(self, x):
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x))))) * x


class Inverted(nn.Module):
    """MobileNet's and EfficientNet's block."""

    def __init__(self, inputs, expanded, outputs, kernel, stride, activation, squeeze=None):
        super().__init__()
        layers = [
            convolution(inputs, expanded, 1, activation),
            convolution(expanded, expanded, kernel, activation, stride=stride, groups=expanded)]
        if squeeze:
            layers.append(SqueezeExcitation(expanded, 4, *squeeze))
        self.block = nn.Sequential(*layers, convolution(expanded, outputs, 1, None))
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.block(x) if self.is_residual else self.block(x)


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            convolution(3, 6, 3, nn.Hardswish, stride=2),
            Inverted(6, 8, 6, 3, 1, nn.ReLU6),
            Inverted(6, 12, 8, 5, 2, nn.Hardswish, (nn.ReLU, nn.Hardsigmoid)),
            Inverted(8, 12, 8, 3, 1, nn.SiLU, (nn.SiLU, nn.Sigmoid)),
            convolution(8, 12, 1, nn.Hardswish))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(12, 10), nn.Hardswish(inplace=True), nn.Dropout(), nn.Linear(10, CLASSES))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class ShuffleUnit(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.stride = stride
        half = channels // 2
        inputs = half if stride == 1 else channels
        if stride == 2:
            self.branch1 = nn.Sequential(convolution(inputs, inputs, 3, None, stride=2, groups=inputs), convolution(inputs, half, 1))
        self.branch2 = nn.Sequential(
            convolution(inputs, half, 1), convolution(half, half, 3, None, stride=stride, groups=half),
            convolution(half, half, 1))

    def forward(self, x):
        if self.stride == 1:
            kept, changed = x.chunk(2, dim=1)
            out = torch.cat((kept, self.branch2(changed)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        batch, channels, height, width = out.size()
        out = out.view(batch, 2, channels // 2, height, width)
        return torch.transpose(out, 1, 2).contiguous().view(batch, channels, height, width)


class Shuffled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = convolution(3, 8, 3, stride=2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = nn.Sequential(ShuffleUnit(8, 2), ShuffleUnit(8, 1), ShuffleUnit(8, 1))
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.fc(self.stage2(self.maxpool(self.conv1(x))).mean([2, 3]))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = nn.functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return torch.permute(x, self.order)


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels), Permute(0, 2, 3, 1),
            nn.LayerNorm(channels, eps=1e-6), nn.Linear(channels, 3 * channels), nn.GELU(),
            nn.Linear(3 * channels, channels), Permute(0, 3, 1, 2))
        self.layer_scale = nn.Parameter(torch.ones(channels, 1, 1) * 1e-6)

    def forward(self, x):
        return self.layer_scale * self.block(x) + x


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 4, 4), LayerNorm2d(8, eps=1e-6)),
            nn.Sequential(ConvNeXtBlock(8)),
            nn.Sequential(LayerNorm2d(8, eps=1e-6), nn.Conv2d(8, 10, 2, 2)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(LayerNorm2d(10, eps=1e-6), nn.Flatten(1), nn.Linear(10, CLASSES))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


class DenseLayer(nn.Module):
    """DenseNet's layer: the first BatchNorm stands before its convolution and cannot be folded."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, 8, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, growth, 3, padding=1, bias=False)

    def forward(self, x):
        out = self.conv1(self.relu1(self.norm1(x)))
        return torch.cat([x, self.conv2(self.relu2(self.norm2(out)))], 1)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, 6, 3, 2, 1, bias=False))
        self.features.add_module("pool0", nn.AvgPool2d(2, 2))
        self.features.add_module("denselayer1", DenseLayer(6, 4))
        self.features.add_module("denselayer2", DenseLayer(10, 4))
        self.features.add_module("norm5", nn.BatchNorm2d(14))
        self.relu = nn.ReLU(inplace=True)
        self.classifier = nn.Linear(14, CLASSES)

    def forward(self, x):
        out = self.relu(self.features(x))
        return self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(out, (1, 1)), 1))


class Headed(nn.Module):
    """Ends in probabilities."""

    def __init__(self, head):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, 1), nn.LeakyReLU(0.1), nn.Conv2d(4, 8, 3, 2, 1), nn.ELU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, CLASSES)
        self.head = head

    def forward(self, x):
        return self.head(self.fc(torch.flatten(self.pool(self.features(x)), 1)))


class EncoderBlock(nn.Module):
    """A transformer's block as torchvision's ViT has it."""

    def __init__(self, width):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        normal = self.ln_1(x)
        x = x + self.self_attention(normal, normal, normal, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Tokens(nn.Module):
    """ViT: patches as tokens behind a class token, from which alone the scores are read."""

    def __init__(self):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 8, 8, 8)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 13, 8) * 0.5)
        self.layers = nn.Sequential(EncoderBlock(8), EncoderBlock(8))
        self.ln = nn.LayerNorm(8, eps=1e-6)
        self.head = nn.Linear(8, CLASSES)

        def grid(x):
            return x[:, 1:].transpose(1, 2).reshape(1, -1, 3, 4)

        self.maps = {name: grid for name in ("layers.0.ln_1", "layers.0", "layers.0.mlp.1", "layers.1.ln_1")}

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = self.layers(torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.position)
        return self.head(self.ln(x)[:, 0])


class WindowBlock(nn.Module):
    """Swin's block: attention within windows of a feature map whose channels are last."""

    def __init__(self, width, window):
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        b, h, w, c = x.shape
        n = self.window
        y = self.norm1(x).view(b, h // n, n, w // n, n, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, n * n, c)
        q, k, v = self.qkv(y).reshape(-1, n * n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q * (c // 2) ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        y = self.proj(y.transpose(1, 2).reshape(-1, n * n, c))
        x = x + y.view(b, h // n, w // n, n, n, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return x + self.mlp(self.norm2(x))


class Windows(nn.Module):
    """Swin."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 4, 4), Permute(0, 2, 3, 1), nn.LayerNorm(8)), WindowBlock(8, 2),
            WindowBlock(8, 2))
        self.norm = nn.LayerNorm(8)
        self.permute = Permute(0, 3, 1, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.fc = nn.Linear(8, CLASSES)

        def last(x):
            return x.permute(0, 3, 1, 2)

        def unwindowed(x):
            return x.view(4, 3, 2, 2, -1).permute(4, 0, 2, 1, 3).reshape(1, -1, 8, 6)

        self.maps = {name: last for name in ("features.0", "features.1.norm1", "features.1.mlp.1", "features.1", "norm")}
        self.maps.update({"features.1.qkv": unwindowed, "features.2.proj": unwindowed})

    def forward(self, x):
        return self.fc(self.flatten(self.avgpool(self.permute(self.norm(self.features(x))))))


def module_taps(*paths):
    """Taps by module path; a query that means another module's output is given as a pair."""
    return [path if isinstance(path, tuple) else (path, path) for path in paths]


# Name: network, image height and width, dynamic axes, taps as (query, module path with :call) pairs.
NETWORKS = {
    "plain": (Plain, (24, 24), (), [
        "input", "features.0", "features.4", "features.5", "features.8", "features", "avgpool"]),
    "residual": (Residual, (24, 30), (0, 2, 3), [
        "input", ("conv1", "bn1"), ("bn1", "bn1"), "relu", "maxpool", "layer1.0", ("layer1.0.relu:0", "layer1.0.relu:0"),
        ("layer1.0.relu:1", "layer1.0.relu:1"), ("layer1.0.relu", "layer1.0.relu:1"),
        ("layer1.1.conv2", "layer1.1.bn2"), "layer1.1.bn2", "layer1", ("layer2.0.conv1", "layer2.0.bn1"),
        ("layer2.0.downsample.0", "layer2.0.downsample"), "layer2.0.downsample", "layer2"]),
    "grouped": (lambda: Residual(grouped=True), (28, 24), (), [
        "input", "layer1.0.bn1", ("layer1.0.conv2", "layer1.0.bn2"), ("layer1.0.relu:1", "layer1.0.relu:1"), "layer1.1.bn3",
        "layer1.0", "layer1"]),
    "concatenated": (Concatenated, (29, 27), (0,), [
        "input", "stem", "maxpool", "mixed.branch7x7.0", "mixed.branch7x7.1", "mixed.branch7x7", "mixed.pool", "mixed.ceil_pool",
        "mixed.branch_pool.1", "mixed", "reduce", "last"]),
    "mobile": (Mobile, (24, 24), (), [
        "input", "features.0", "features.1.block.1.1", "features.1", "features.2.block.1",
        "features.2.block.2", "features.2", "features.3.block.1", "features.3", "features"]),
    "shuffled": (Shuffled, (26, 24), (0,), [
        "input", "conv1", "stage2.0.branch1", "stage2.0", "stage2.1",
        ("stage2.2.branch2.0.0", "stage2.2.branch2.0.1"), "stage2"]),
    "convnext": (ConvNeXt, (24, 32), (2, 3), [
        "input", "features.0.0", "features.0.1", "features.0", "features.1.0.block.0", "features.1.0.block", "features.1.0",
        "features.2.0", "features"]),
    "dense": (Dense, (24, 26), (), [
        "input", "features.conv0", "features.pool0", "features.denselayer1.norm1",
        "features.denselayer1.norm2", "features.denselayer1", "features.denselayer2.conv2", "features.norm5", "relu"]),
    "tokens": (Tokens, (24, 32), (), ["conv_proj", "layers.0.ln_1", "layers.0.mlp.1", "layers.0", "layers.1.ln_1"]),
    "windows": (Windows, (32, 24), (), [
        "features.0", "features.1.norm1", "features.1.qkv", "features.1.mlp.1", "features.1", "features.2.proj", "norm",
        "permute"]),
    "softmax": (lambda: Headed(nn.Softmax(dim=1)), (24, 24), (), ["features.0", "features.2", "features"]),
    "sigmoid": (lambda: Headed(nn.Sigmoid()), (24, 24), (0, 2, 3), ["features.1", "features.2", "features"]),
}
NETWORKS = {name: (*rest, module_taps(*taps)) for name, (*rest, taps) in NETWORKS.items()}
EXTERNAL = {"plain"}


def randomised(make, seed):
    """As models are after training: nothing at the neutral values of a fresh network."""
    torch.manual_seed(seed)
    network = make().eval()
    generator = torch.Generator().manual_seed(seed + 1)
    for parameter in network.parameters():
        if bool((parameter == parameter.flatten()[0]).all()):
            parameter.data.uniform_(0.5, 1.0, generator=generator)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
    return network


KINKS = {nn.ReLU: (0,), nn.LeakyReLU: (0,), nn.ReLU6: (0, 6), nn.Hardswish: (-3, 3), nn.Hardsigmoid: (-3, 3)}


def margin(network, image):
    """How near the network comes to a kink, as a share of the tensor's largest value."""
    nearest = [1.0]

    def look(module, inputs):
        x = inputs[0].detach()
        if type(module) in KINKS:
            distance = min((x - kink).abs().min().item() for kink in KINKS[type(module)])
        else:
            k, s, p = module.kernel_size, module.stride, module.padding
            unfolded = nn.functional.pad(x, (p, p + k, p, p + k), value=-np.inf).unfold(2, k, s).unfold(3, k, s)
            cells = unfolded.flatten(4)
            # Equal cells are copies of one value, equal in float32 as well, or zeros behind a ReLU.
            largest = cells.amax(-1, keepdim=True)
            distance = (largest - cells)[(cells < largest) & cells.isfinite()].min().item()
        nearest.append(distance / x.abs().max().item())

    handles = [
        module.register_forward_pre_hook(look) for module in network.modules()
        if type(module) in KINKS or isinstance(module, nn.MaxPool2d)]
    with torch.no_grad():
        network(image)
    for handle in handles:
        handle.remove()
    return min(nearest)


def logits_of(network, image):
    kept = []
    handle = network.fc.register_forward_hook(lambda m, i, o: kept.append(o)) if isinstance(network, Headed) else None
    output = network(image)
    if handle:
        handle.remove()
    return (kept[0] if kept else output), output


def explain(network, image, module, index, probability=False):
    """Activation, gradient and Grad-CAM at a module's call; the activation is cloned, for ReLUs in place."""
    kept = {"call": -1}
    path, _, call = module.partition(":")
    image = image.clone()
    if path == "input":
        kept["a"] = image = image.requires_grad_(True)
        handle = None
    else:
        def keep(_module, _inputs, output):
            kept["call"] += 1
            if kept["call"] != int(call or 0):
                return None
            kept["a"] = output.detach().clone().requires_grad_(True)
            return kept["a"].clone()

        handle = network.get_submodule(path).register_forward_hook(keep)
    logits, output = logits_of(network, image)
    (gradient,) = torch.autograd.grad((output if probability else logits)[0, index], kept["a"])
    if handle:
        handle.remove()
    see = getattr(network, "maps", {}).get(path, lambda x: x)
    activation, gradient = see(kept["a"].detach()), see(gradient)
    cam = (gradient.mean((2, 3), keepdim=True) * activation).sum(1)[0]
    return activation, gradient, cam


def export(network, name, image, axes):
    names = {0: "batch", 2: "height", 3: "width"}
    common = dict(input_names=["input"], output_names=["output"])
    script = HERE / f"{name}.torchscript.onnx"
    torch.onnx.export(
        network, (image,), str(script), dynamo=False, opset_version=17,
        dynamic_axes={"input": {axis: names[axis] for axis in axes}} if axes else None, **common)
    dynamo = HERE / f"{name}.dynamo.onnx"
    shapes = ({axis: torch.export.Dim.DYNAMIC for axis in axes},) if axes else None
    if 0 in axes:
        image = torch.cat([image, image])
    torch.onnx.export(
        network, (image,), str(dynamo), dynamo=True, verbose=False, dynamic_shapes=shapes,
        external_data=name in EXTERNAL, **common)
    slim(dynamo)
    return {"torchscript": script.name, "dynamo": dynamo.name}


def slim(path):
    """Leaves out the notes that are as long as the network: Python stack traces and the exporter's own tables."""
    model = onnx.load(path, load_external_data=False)

    def keep(entries):
        kept = [entry for entry in entries if entry.key == "pkg.torch.onnx.name_scopes"]
        del entries[:]
        entries.extend(kept)

    keep(model.graph.metadata_props)
    for owner in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        keep(owner.metadata_props)
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.save(model, path)


class Numbers:
    """Arrays laid end to end."""

    def __init__(self):
        self.values, self.count, self.known = [], 0, {}

    def add(self, tensor):
        array = tensor.detach().to(torch.float32).contiguous().numpy()
        key = (array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = {"offset": self.count, "shape": list(array.shape)}
            self.values.append(array.ravel())
            self.count += array.size
        return self.known[key]


def main():
    index = {}
    if sys.argv[1:]:
        index = {entry["name"]: entry for entry in json.loads((HERE / "networks.json").read_text())}
    for name, (make, size, axes, taps) in NETWORKS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        for seed in range(100, 400):
            network = randomised(make, seed)
            image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(seed))
            double = randomised(make, seed).double()
            found = margin(double, image.double())
            if found > MARGIN:
                break
        else:
            raise SystemExit(f"{name}: no seed keeps clear of the kinks")
        logits, output = logits_of(double, image.double())
        chosen = int(logits[0].argsort()[-2])
        numbers = Numbers()
        entry = {
            "name": name, "models": export(network, name, image, axes), "numbers": f"{name}.npy",
            "height": size[0], "width": size[1], "class": chosen,
            "input": numbers.add(image), "logits": numbers.add(logits), "output": numbers.add(output), "taps": []}
        for query, module in taps:
            activation, gradient, cam = explain(double, image.double(), module, chosen)
            single = explain(network, image, module, chosen)
            for exact, rounded in zip((activation, gradient, cam), single):
                error = (exact - rounded).abs().max() / exact.abs().max()
                assert error < 1e-4, f"{name} {query}: float32 is off by {error}"
            tap = {
                "query": query, "activation": numbers.add(activation), "gradient": numbers.add(gradient),
                "gradcam": numbers.add(cam)}
            if isinstance(network, Headed):
                tap["probabilityGradient"] = numbers.add(explain(double, image.double(), module, chosen, True)[1])
            entry["taps"].append(tap)
        np.save(HERE / entry["numbers"], np.concatenate(numbers.values))
        index[name] = entry
        print(f"{name}: seed {seed}, margin {found:.1e}, {len(entry['taps'])} taps, {4 * numbers.count >> 10} KB", flush=True)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in (index[name] for name in NETWORKS))
    (HERE / "networks.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
