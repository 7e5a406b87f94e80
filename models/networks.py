"""The two small classifiers, whose modules are named like torchvision's VGG and ResNet, and the detector."""
import torch
from torch import nn


class ShapesVGG(nn.Module):
    def __init__(self, classes: int):
        super().__init__()
        layers, channels = [], 3
        for width in (12, "pool", 24, "pool", 64, 64, "pool", 96, 96):
            if width == "pool":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + identity)


class ShapesResNet(nn.Module):
    def __init__(self, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2), BasicBlock(32, 32, 1))
        self.layer3 = nn.Sequential(BasicBlock(32, 96, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(96, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


class ShapesDetector(nn.Module):
    """Finds shapes without anchors, as FCOS does: each cell of the last feature map says what lies under it and how far
    away the edges of its box are."""
    STRIDE = 8

    def __init__(self, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(BasicBlock(16, 24, 2), BasicBlock(24, 24, 1))
        self.layer2 = nn.Sequential(BasicBlock(24, 64, 2), BasicBlock(64, 64, 1))
        self.cls_tower, self.box_tower = (
            nn.Sequential(nn.Conv2d(64, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU()) for _ in range(2)
        )
        self.cls_logits = nn.Conv2d(48, classes, 3, padding=1)
        self.box_distances = nn.Conv2d(48, 4, 3, padding=1)
        nn.init.constant_(self.cls_logits.bias, -4.0)  # nearly all cells see background

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (batch, classes, cells) and boxes (batch, cells, 4: x0, y0, x1, y1 in pixels of the input)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        logits = self.cls_logits(self.cls_tower(x)).flatten(2)
        distances = self.box_distances(self.box_tower(x)).exp().flatten(2).transpose(1, 2)
        centres = cell_centres(x.shape[2], x.shape[3])
        starts, ends = centres - distances[..., :2], centres + distances[..., 2:]
        return logits, self.STRIDE * torch.cat((starts, ends), 2)


def cell_centres(rows: int, columns: int) -> torch.Tensor:
    """The x and y of each cell's centre (cells, 2), row by row, in cells."""
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    return torch.stack((x, y), 2).flatten(0, 1)
