"""Makes what torchvision's transforms do to pictures of many sizes.

usage: make.py        needs torch, torchvision and pillow

geometry.json: [width, height, resize, crop, resized width, resized height, left, top] a row. photograph.npy: the tensor
of ../imaging/photograph.png after Resize(40), CenterCrop(31), ToTensor and ImageNet's Normalize.
"""
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "models"))
import torchvision_cpu  # noqa: E402, F401
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torchvision import transforms  # noqa: E402

rows = []
for width, height in ((500, 375), (375, 500), (224, 224), (256, 256), (257, 301), (301, 257), (1023, 67), (67, 1023), (640, 427), (97, 98), (333, 334), (1, 3)):
    for resize, crop in ((256, 224), (232, 224), (342, 299), (41, 30), (41, 31), (30, 29)):
        # A picture whose pixels tell where they are.
        picture = transforms.Resize(resize)(Image.new("L", (width, height)))
        places = torch.arange(picture.width * picture.height).reshape(1, picture.height, picture.width)
        first = int(transforms.CenterCrop(crop)(places)[0, 0, 0])
        rows.append([width, height, resize, crop, picture.width, picture.height, first % picture.width, first // picture.width])
(HERE / "geometry.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")

transform = transforms.Compose([
    transforms.Resize(40), transforms.CenterCrop(31), transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
picture = Image.open(HERE.parent / "imaging" / "photograph.png").convert("RGB")
np.save(HERE / "photograph.npy", transform(picture)[None].numpy())
