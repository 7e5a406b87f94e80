"""Writes drawing-numbers.test.js: pictures that NumPy computes in 32-bit floats, for the tests of the page's drawing."""

import json
import pathlib

import numpy as np

f = np.float32
W, H = 7, 5
rng = np.random.default_rng(3)
values = (rng.integers(-40, 80, (3, 4)) / f(16)).astype(f)
picture = rng.integers(0, 256, (H, W, 3)).astype(np.uint8)
colors = np.array([[(3 * i + c) ** 2 * 7 % 251 for c in range(3)] for i in range(256)], np.uint8)


def rescaled(array):
    lowest, highest = array.min(), array.max()
    return ((array - lowest) / max(f(f(1e-7) + f(highest - lowest)), np.finfo(f).tiny)).astype(f)


def taps(count, original, resized, start, length):
    position = (np.arange(original) + 0.5) * (1 / (original / resized)) - start
    center = np.clip(position * (count / length) - 0.5, 0, count - 1)
    lower = np.trunc(center).astype(int)
    covered = (position >= 0) & (position < length)
    return covered, lower, np.minimum(lower + 1, count - 1), (center - np.floor(center)).astype(f)


def between(first, second, fraction):
    return ((second - first).astype(f).astype(float) * fraction.astype(float) + first).astype(f)


def project(array, resized, crop):
    columns, left, right, across = taps(array.shape[1], W, resized[0], crop[0], crop[2])
    rows, above, below, down = taps(array.shape[0], H, resized[1], crop[1], crop[3])
    wide = between(array[:, left], array[:, right], across)
    wide[:, ~columns] = 0
    result = between(wide[above], wide[below], down[:, None])
    result[~rows] = 0
    return result, np.flatnonzero(columns), np.flatnonzero(rows)


def byte(array):
    return np.clip(np.trunc(array.astype(f)), 0, 255).astype(int)


def overlay(levels, samples, blend=f(0.3)):
    heat = ((f(1) - blend) * (colors.astype(f) / f(255)).astype(f)).astype(f)
    mixed = (heat[levels] + (blend * (samples.astype(f) / f(255)).astype(f)).astype(f)).astype(f)
    return byte((f(255) * mixed).astype(f) / mixed.max())


normalized = rescaled(np.where(values > 0, values, f(0)).astype(f))
whole, _, _ = project(normalized, (14, 10), (0, 0, 14, 10))
shares = rescaled(whole)
part, columns, rows = project(normalized, (14, 10), (3, 2, 8, 6))
x, y, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
framed = picture.astype(int)
framed[max(0, y - 1) : bottom + 1, max(0, x - 1) : right + 1] = 255
levels = byte(f(255) * rescaled(part))
framed[y:bottom, x:right] = overlay(levels[y:bottom, x:right], picture[y:bottom, x:right])

numbers = {
    "width": W, "height": H, "map": {"width": 4, "height": 3, "values": values},
    "picture": picture, "colors": colors,
    "whole": whole, "overlay": overlay(byte(f(255) * shares), picture),
    "heat": colors[byte(f(255) * shares)],
    "mask": byte((picture.astype(f) * shares[..., None]).astype(f) + f(0.5)),
    "part": [x, y, right - x, bottom - y], "partOverlay": framed,
}


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(entry) for entry in value.ravel()]
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


lines = ",\n".join(f"  {name}: {json.dumps(plain(value))}" for name, value in numbers.items())
path = pathlib.Path(__file__).with_name("drawing-numbers.test.js")
path.write_text(f"// Written by drawing_numbers.py.\nconst drawingNumbers = {{\n{lines},\n}};\n")
