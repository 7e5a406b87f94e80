"""Makes the fixtures of module names: narrow networks, exported, and what PyTorch's hooks say that every module returned.

usage: make.py        needs torch, onnx and onnxscript

Each network is exported by both of PyTorch's exporters. names.json holds, by network and module path, the tensors that
each call of the module returned: the shape and a few of the elements.
"""
import copy
import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
SAMPLES = 8


def convolution(kernel=1, bias=False, **options):
    return nn.Conv2d(8, 8, kernel, padding=kernel // 2, bias=bias, **options)


class Chain(nn.Module):
    """Calls named children in order, some more than once."""

    def __init__(self, order=None, **children):
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)
        self.order = order or list(children)

    def forward(self, x):
        for name in self.order:
            x = getattr(self, name)(x)
        return x


class Separable(nn.Module):
    """Xception's convolution: the BatchNorm comes after it, in its parent."""

    def __init__(self):
        super().__init__()
        self.conv1 = convolution(3, groups=8)
        self.pointwise = convolution()

    def forward(self, x):
        return self.pointwise(self.conv1(x))


class NormAct(nn.BatchNorm2d):
    """timm's BatchNorm with its activation as a child."""

    def __init__(self):
        super().__init__(8)
        self.drop = nn.Identity()
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))


class Standardized(nn.Conv2d):
    """A convolution whose weights are standardised: its constant weights lose their name too."""

    def forward(self, x):
        weight = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) * 2
        return nn.functional.conv2d(x, weight, self.bias, padding=1)


class PreActivation(nn.Module):
    """Normalisations before convolutions: the BatchNorm after conv1 is bn2."""

    def __init__(self):
        super().__init__()
        for number in (1, 2, 3):
            setattr(self, f"bn{number}", nn.BatchNorm2d(8))
            setattr(self, f"conv{number}", convolution())

    def forward(self, x):
        for number in (1, 2, 3):
            x = getattr(self, f"conv{number}")(torch.relu(getattr(self, f"bn{number}")(x)))
        return x


class Listed(nn.Module):
    """Lists of modules are not called themselves."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(convolution() for _ in range(2))
        self.bns = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        self.branches = nn.ModuleDict({
            "left": Chain(conv=convolution(), act=nn.ReLU()), "right": Chain(act=nn.Tanh(), conv=convolution())})

    def forward(self, x):
        for conv, norm in zip(self.convs, self.bns):
            x = torch.relu(norm(conv(x)))
        return self.branches["left"](x) + self.branches["right"](x)


class Head(nn.Module):
    """Pools and classifies."""

    def __init__(self, features=8):
        super().__init__()
        self.fc = nn.Linear(features, 5)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


class Folds(nn.Module):
    """BatchNorms after convolutions, of every owner and name."""

    def __init__(self):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = NormAct()
        self.block = Chain(sep=Separable(), bn=nn.BatchNorm2d(8), act=nn.ReLU())
        self.plain = nn.Sequential(convolution(3), nn.BatchNorm2d(8), nn.ReLU(), Separable(), nn.BatchNorm2d(8))
        self.embedder = Chain(convolution=convolution(), normalization=nn.BatchNorm2d(8), activation=nn.ReLU())
        self.scene = Chain(conv=convolution(3, bias=True), batch_norm=nn.BatchNorm2d(8))
        self.mobile = Chain(
            expand_conv=convolution(), expand_bn=nn.BatchNorm2d(8), expand_act=nn.ReLU(),
            depthwise_conv=convolution(3, groups=8), depthwise_norm=nn.BatchNorm2d(8), depthwise_act=nn.ReLU(),
            project_conv=convolution(), project_bn=nn.BatchNorm2d(8))
        self.cell = Chain(
            separable_1=Separable(), bn_sep_1=nn.BatchNorm2d(8), act_1=nn.ReLU(), separable_2=Separable(),
            bn_sep_2=nn.BatchNorm2d(8))
        self.inverted = Chain(
            _expand_conv=convolution(), _bn0=nn.BatchNorm2d(8), _depthwise_conv=convolution(3, groups=8),
            _bn1=nn.BatchNorm2d(8), _project_conv=convolution(), _bn2=nn.BatchNorm2d(8))
        self.dense = Chain(
            norm1=nn.BatchNorm2d(8), relu1=nn.ReLU(), conv1=convolution(), norm2=nn.BatchNorm2d(8), relu2=nn.ReLU(),
            conv2=convolution(3))
        self.free = Chain(conv1=convolution(), conv2=convolution(bias=True), drop=nn.Dropout(), bn=nn.Identity())
        self.standard = Chain(conv=Standardized(8, 8, 3), bn=nn.BatchNorm2d(8), biased=Standardized(8, 8, 3))
        self.before = PreActivation()
        self.up = nn.ConvTranspose2d(8, 8, 2, 2, bias=False)
        self.up_bn = nn.BatchNorm2d(8)
        self.lone = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(8))
        self.head = Head()

    def forward(self, x):
        x = self.block(self.bn1(self.conv_stem(x)))
        x = self.scene(self.embedder(self.plain(x)))
        x = torch.relu(self.inverted(self.cell(self.mobile(x))))
        x = self.before(self.standard(self.free(self.dense(x))))
        return self.head(self.lone(self.up_bn(self.up(x))))


class Calls(nn.Module):
    """Modules that are called again, by one parent or several, and lists."""

    def __init__(self):
        super().__init__()
        shared = Chain(conv=convolution(3), act=nn.ReLU(), post=convolution())
        self.position = Chain(conv=convolution(3, groups=8), act=nn.Tanh())
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.relu = nn.ReLU()
        self.relu_1 = nn.Tanh()
        self.twice = Chain(conv=convolution(), act=nn.Sigmoid())
        self.left = Chain(pre=nn.Tanh(), shared=shared, act=nn.Sigmoid())
        self.right = Chain(pre=nn.Tanh(), shared=shared, act=nn.Sigmoid())
        self.first = Chain(encode=self.position, act=nn.Sigmoid())
        self.second = Chain(encode=self.position, act=nn.Sigmoid())
        self.loop = Chain(["conv", "act", "conv", "act", "last"], conv=convolution(), act=nn.ReLU(), last=nn.Tanh())
        self.features = nn.Sequential(convolution(3), nn.ReLU(), convolution(3), nn.ReLU())
        self.listed = Listed()
        self.projection = nn.Linear(8, 8)
        self.head = Head()

    def forward(self, x):
        x = self.relu(self.stem(x))
        x = self.twice(self.twice(x))
        x = self.right(torch.relu(self.left(x)))
        x = self.second(torch.neg(self.first(x)))
        x = self.relu_1(self.loop(self.relu(x)))
        y, z = self.features(x), self.features(torch.neg(x))
        x = self.listed(torch.cos(y + z)) + self.position(x)
        tokens = self.projection(self.projection(x.flatten(2).transpose(1, 2)))
        x = self.relu(tokens.transpose(1, 2).reshape(x.shape))
        return self.head(x)


class Flat(nn.Module):
    """LeViT's linear layer with a normalisation of its flattened tokens."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8, bias=False)
        self.bn = nn.BatchNorm1d(8)

    def forward(self, x):
        x = self.linear(x)
        return self.bn(x.flatten(0, 1)).reshape_as(x)


class ChannelsLast(nn.Module):
    """Computes with channels last; the exporters cancel its last change of axes with the opposite one after it."""

    def forward(self, x):
        return torch.neg(x).permute(0, 2, 3, 1).tanh().permute(0, 3, 1, 2)


class Merges(nn.Module):
    """Operations that the exporters merge with those of another module."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.rectified = Chain(conv=convolution(), act=nn.ReLU())
        self.again = nn.ReLU()
        self.clipped = Chain(conv=convolution(), act=nn.ReLU6())
        self.padded = Chain(conv=convolution(), pad=nn.ZeroPad2d((1, 0, 0, 1)))
        self.window = nn.Conv2d(8, 8, 2)
        self.flat = Flat()
        self.stage = nn.Sequential(ChannelsLast(), ChannelsLast())
        self.norm = nn.BatchNorm1d(8)
        self.fold = nn.Linear(8, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.again(self.rectified(self.stem(x)))
        x = self.window(self.padded(torch.relu(self.clipped(x))))
        tokens = x.flatten(2).transpose(1, 2)
        x = self.flat(tokens).reshape(1, 8, 8, 8).permute(0, 3, 1, 2)
        x = torch.relu(self.stage(x).permute(0, 2, 3, 1).cos().permute(0, 3, 1, 2))
        return self.head(self.norm(self.fold(x.mean((2, 3)))))


class Corner(nn.Module):
    """CoaT's position encoding: a convolution between operations of its own, one of which the exporters may leave out."""

    def __init__(self):
        super().__init__()
        self.proj = convolution(3)

    def forward(self, x):
        edge, rest = x[:, :, :1], x[:, :, 1:]
        return torch.cat([edge, self.proj(rest)], 2)


class Parts(nn.Module):
    """A module called by a block and again by its parent, and a module that is not called, only its children."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.corner = Corner()
        self.block = Chain(corner=self.corner, act=nn.Tanh())
        self.top = Chain(conv=convolution(), fc=nn.Linear(8, 5))

    def forward(self, x):
        x = self.block(self.stem(x))
        x = x[:, :, :1] * self.corner(x)
        x = torch.sin(self.corner(torch.cos(x)))
        x = torch.neg(self.corner(x))
        return self.top.fc(self.top.conv(x).mean((2, 3)))


NETWORKS = {"folds": Folds, "calls": Calls, "merges": Merges, "parts": Parts}


def randomised(make):
    generator = torch.Generator().manual_seed(7)
    network = make().eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                spread = torch.rand(tensor.shape, generator=generator)
                positive = name.endswith("running_var") or tensor.dim() == 1 and name.endswith("weight")
                tensor.copy_(spread + 0.5 if positive else (spread - 0.5) * (1 if tensor.dim() > 1 else 0.6))
    return network


def sampled(tensor):
    flat = tensor.detach().double().flatten()
    places = torch.linspace(0, len(flat) - 1, min(len(flat), SAMPLES)).long()
    return {"shape": list(tensor.shape), "elements": [float(f"{value:.6g}") for value in flat[places]]}


def recorded(network, image):
    """What every module returned, by path and call."""
    calls = {}
    hooks = []
    for path, module in network.named_modules(remove_duplicate=False):
        if path:
            calls[path] = []
            hooks.append(module.register_forward_hook(
                lambda _, __, result, path=path: calls[path].append(sampled(result))))
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return calls


def export(network, name, image):
    script, dynamo = f"{name}.torchscript.onnx", f"{name}.dynamo.onnx"
    torch.onnx.export(
        copy.deepcopy(network), (image,), HERE / script, dynamo=False, opset_version=17, input_names=["input"],
        output_names=["output"])
    torch.onnx.export(
        copy.deepcopy(network), (image,), HERE / dynamo, dynamo=True, verbose=False, external_data=False,
        input_names=["input"], output_names=["output"])
    kept = {f"pkg.torch.onnx.{key}" for key in ("name_scopes", "fx_node")}
    kept.add("pkg.onnxscript.rewriter.rule_name")
    model = onnx.load(HERE / dynamo)
    for owner in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        entries = [entry for entry in owner.metadata_props if entry.key in kept]
        del owner.metadata_props[:]
        owner.metadata_props.extend(entries)
    onnx.save(model, HERE / dynamo)


def main():
    index = {}
    for name, make in NETWORKS.items():
        network = randomised(make)
        image = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(7))
        export(network, name, image)
        index[name] = {"image": [float(f"{value:.6g}") for value in image.flatten()], "modules": None}
        image = torch.tensor(index[name]["image"]).reshape(image.shape)
        index[name]["modules"] = recorded(network, image)
    (HERE / "names.json").write_text(json.dumps(index, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
