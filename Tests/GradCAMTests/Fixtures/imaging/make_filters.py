"""Makes the fixtures of Pillow's filters and of pictures of 16-bit samples.

usage: make_filters.py        needs Pillow and NumPy

pillow-FILTER-WxH.npy: photograph.png resized. twelve-bit.png, deep.png: grey of 12 bits and RGB of 16 bits in 16-bit
samples; NAME-samples.npy holds them, and NAME-FILTER-WxH.npy the samples resized as images of floats.
"""
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
rng = np.random.default_rng(7)
photograph = Image.open(HERE / "photograph.png").convert("RGB")
for name in ("nearest", "box", "hamming", "bicubic", "lanczos"):
    for size in ((24, 17), (20, 90)):
        resized = photograph.resize(size, Image.Resampling[name.upper()])
        np.save(HERE / f"pillow-{name}-{size[0]}x{size[1]}.npy", np.asarray(resized))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


for name, color, largest in (("twelve-bit", 0, 4001), ("deep", 2, 65536)):
    samples = rng.integers(0, largest, (11, 13, 1 if color == 0 else 3))
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples.reshape(11, -1))
    header = struct.pack(">IIBBBBB", 13, 11, 16, color, 0, 0, 0)
    (HERE / f"{name}.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))
    rgb = np.repeat(samples, 3, 2) if color == 0 else samples
    np.save(HERE / f"{name}-samples.npy", rgb.astype(np.float32))
    for filter in ("bilinear", "bicubic", "nearest"):
        planes = [Image.fromarray(rgb[:, :, c].astype(np.float32)).resize((7, 16), Image.Resampling[filter.upper()])
                  for c in range(3)]
        np.save(HERE / f"{name}-{filter}-7x16.npy", np.stack([np.asarray(plane) for plane in planes], 2))
