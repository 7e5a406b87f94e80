"""Makes what Ultralytics' LetterBox and YOLOX's preproc do to pictures of many sizes.

usage: make_letterbox.py        needs ultralytics and opencv

letterbox.json: [letterbox, width, height, input width, input height, resized width, resized height, left, top, final
width, final height] a row. letterbox-NAME.npy: the pixels of ../imaging/photograph.png for an input.
"""
import json
from pathlib import Path

import cv2
import numpy as np
from ultralytics.data.augment import LetterBox

HERE = Path(__file__).parent


def yolox(image, size, fill=114):
    """As YOLOX's preproc, which it does not ship as a package: at the upper left, sides cut to whole pixels."""
    padded = np.full((*size, 3), fill, np.uint8)
    ratio = min(size[0] / image.shape[0], size[1] / image.shape[1])
    shape = int(image.shape[0] * ratio), int(image.shape[1] * ratio)
    padded[:shape[0], :shape[1]] = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return padded


def boxed(name, image, size):
    if name.startswith("letterbox:top-left"):
        return yolox(image, size)
    stride = int(name.split("-")[-1]) if "stride" in name else None
    return LetterBox(size, auto=stride is not None, stride=stride or 32)(image=image)


rows = []
# A picture of white, whose edges tell where it lies.
for name in "letterbox", "letterbox:top-left", "letterbox:stride-32", "letterbox:stride-64":
    for width, height in ((500, 375), (375, 500), (640, 640), (641, 480), (1023, 67), (67, 1023), (1280, 719), (97, 98), (3, 1), (31, 57)):
        for size in ((640, 640), (416, 416), (320, 640), (96, 64)):
            # YOLOX refuses a side of less than a pixel.
            if name == "letterbox:top-left" and min(width, height) * min(size[1] / width, size[0] / height) < 1:
                continue
            found = boxed(name, np.full((height, width, 3), 255, np.uint8), size)
            lines, columns = np.nonzero((found == 255).all(2).any(1))[0], np.nonzero((found == 255).all(2).any(0))[0]
            rows.append([name, width, height, size[1], size[0], len(columns), len(lines), int(columns[0]), int(lines[0]),
                         found.shape[1], found.shape[0]])
(HERE / "letterbox.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")

photograph = cv2.imread(str(HERE.parent / "imaging" / "photograph.png"))[:, :, ::-1].copy()
for file, name, size in (
    ("down", "letterbox", (32, 32)), ("up", "letterbox", (96, 128)), ("top-left", "letterbox:top-left", (40, 56)),
    ("stride", "letterbox:stride-32", (128, 128)), ("fitting", "letterbox", (47, 80)),
):
    np.save(HERE / f"letterbox-{file}.npy", boxed(name, photograph, size))
