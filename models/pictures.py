"""How pictures become inputs, and the files of sample pictures."""
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    x = (pixels.float() / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    return x.contiguous(memory_format=torch.channels_last)


def write_boxes(folder: Path, boxes: dict[str, list]) -> None:
    """`boxes` holds the objects of each picture, as scenes.py draws them."""
    lines = [
        f"  {json.dumps(name)}: {json.dumps([{'label': o.label, 'box': list(o.box)} for o in objects])}"
        for name, objects in boxes.items()
    ]
    (folder / "boxes.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read_samples(folder: Path, metadata: dict[str, str]):
    """The sample pictures as the metadata of a model say, and their boxes in pixels of the input."""
    resize, crop = int(metadata["gradcam.resize"]), int(metadata["gradcam.crop"])
    mean, std = (np.array(metadata[key].split(","), dtype=np.float32) for key in ("gradcam.mean", "gradcam.std"))
    inputs, labels, boxes = [], [], []
    for name, objects in json.loads((folder / "boxes.json").read_text()).items():
        picture = Image.open(folder / name).convert("RGB")
        scale = resize / min(picture.size)
        width, height = (v * resize // min(picture.size) for v in picture.size)
        left, top = round((width - crop) / 2), round((height - crop) / 2)
        pixels = picture.resize((width, height), Image.BILINEAR).crop((left, top, left + crop, top + crop))
        inputs.append(((np.asarray(pixels, dtype=np.float32) / 255 - mean) / std).transpose(2, 0, 1))
        labels.append([o["label"] for o in objects])
        shift = (left, top, left, top)
        boxes.append([tuple(scale * v - d for v, d in zip(o["box"], shift)) for o in objects])
    return torch.from_numpy(np.stack(inputs)), labels, boxes
