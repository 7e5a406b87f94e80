"""Draws the pictures that the small networks are trained on: shapes of any colour over cluttered backgrounds.

The same distribution of colours serves shapes, strokes and blobs, so that only the outline tells a class apart.
"""
import colorsys
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

LABELS = ["circle", "square", "triangle", "star", "cross", "ring", "heart", "moon"]
SUPERSAMPLING = 2
SINGLE_SIZE = (0.25, 0.38)  # diameter over the picture's shorter side
PAIR_SIZE = (0.24, 0.32)


@dataclass
class Object:
    label: str
    box: tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, the ends exclusive


def draw_scene(
    rng: np.random.Generator, labels: list[str], width: int, height: int, sizes: tuple[float, float] | None = None
) -> tuple[Image.Image, list[Object]]:
    """A picture with one object for each label, all of them inside the centre square.

    `sizes` are the least and the greatest diameter over the shorter side; without them, it depends on the number.
    """
    side = min(width, height)
    scale = SUPERSAMPLING
    canvas = _background(rng, width, height, side).resize((width * scale, height * scale), Image.BICUBIC)
    sizes = sizes or (SINGLE_SIZE if len(labels) == 1 else PAIR_SIZE)
    places = _places(rng, len(labels), width, height, sizes)
    for _ in range(rng.integers(3, 7)):
        _draw_blob(rng, canvas, side * scale)
    for _ in range(rng.integers(8, 17)):
        _draw_stroke(rng, canvas, side * scale)
    boxes = [_draw_object(rng, canvas, label, *(scale * v for v in place)) for label, place in zip(labels, places)]
    objects = [
        Object(label, (x0 // scale, y0 // scale, -(-x1 // scale), -(-y1 // scale)))
        for label, (x0, y0, x1, y1) in zip(labels, boxes)
    ]
    return canvas.resize((width, height), Image.BOX), objects


def _places(
    rng, count: int, width: int, height: int, sizes: tuple[float, float]
) -> list[tuple[float, float, float]]:
    """Centre and radius of each object; no two of them touch."""
    side = min(width, height)
    while True:
        places = []
        for _ in range(count):
            radius = side * rng.uniform(*sizes) / 2
            reach = side / 2 - radius - 0.02 * side
            places.append((width / 2 + rng.uniform(-reach, reach), height / 2 + rng.uniform(-reach, reach), radius))
        gaps = [
            np.hypot(a[0] - b[0], a[1] - b[1]) - a[2] - b[2]
            for i, a in enumerate(places) for b in places[:i]
        ]
        if all(gap > 0.08 * side for gap in gaps):
            return places


def _colour(rng, saturation=(0.35, 0.95), value=(0.3, 1.0)) -> np.ndarray:
    return 255 * np.array(colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*value)))


def _noise(rng, cells: int, width: int, height: int) -> np.ndarray:
    """Smooth noise in 0...1 with about `cells` bumps across."""
    grid = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    return np.asarray(grid.resize((width, height), Image.BICUBIC), dtype=np.float32) / 255


def _background(rng, width: int, height: int, side: int) -> Image.Image:
    first, second = (_colour(rng, (0.1, 0.6), (0.2, 0.9)) for _ in range(2))
    coarse = _noise(rng, int(rng.integers(3, 7)), width, height)
    fine = _noise(rng, int(rng.integers(16, 32)), width, height)
    blend = 0.7 * coarse + 0.3 * fine
    if rng.uniform() < 0.6:  # wavy stripes
        y, x = np.mgrid[:height, :width].astype(np.float32) / side
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(4, 14)
        phase = frequency * (np.cos(angle) * x + np.sin(angle) * y) + rng.uniform(0.3, 2) * coarse
        blend = 0.65 * blend + 0.35 * (0.5 + 0.5 * np.sin(2 * np.pi * phase))
    shade = 0.85 + 0.3 * _noise(rng, 2, width, height)
    pixels = (first + (second - first) * blend[..., None]) * shade[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _rotated(points: np.ndarray, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


def _draw_stroke(rng, canvas: Image.Image, side: int) -> None:
    """A thin wandering line, drawn over the background and under the objects."""
    steps = rng.integers(4, 30)
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0, 0.5), steps))
    length = side * rng.uniform(0.01, 0.03)
    start = rng.uniform(0, 1, 2) * canvas.size
    points = start + length * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], 1), 0)
    thickness = max(1, round(side * rng.uniform(0.006, 0.03)))
    ImageDraw.Draw(canvas).line([tuple(p) for p in points], tuple(_colour(rng).astype(int)), thickness, joint="curve")


def _draw_blob(rng, canvas: Image.Image, side: int) -> None:
    """A lobed patch like no class, as conspicuous as an object."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = np.ones_like(angles)
    for frequency in (2, 3, 4, 5):
        radius += rng.uniform(0.08, 0.24) * np.cos(frequency * angles + rng.uniform(0, 2 * np.pi))
    radius *= side * rng.uniform(0.04, 0.13)
    points = rng.uniform(0, 1, 2) * canvas.size + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in points], tuple(_colour(rng).astype(int)))


def _outlines(rng, label: str) -> list[tuple[np.ndarray, int]]:
    """Polygons inside the unit circle, each with the mask value that it fills."""
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    disc = np.stack([np.cos(turn), np.sin(turn)], 1)

    def corners(count: int) -> np.ndarray:
        return disc[:: 72 // count]

    if label == "circle":
        return [(disc, 255)]
    if label == "square":
        return [(corners(4), 255)]
    if label == "triangle":
        return [(corners(3), 255)]
    if label == "star":
        angles = np.arange(10) * np.pi / 5
        radii = np.where(np.arange(10) % 2 == 0, 1, rng.uniform(0.4, 0.48))
        return [(radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1), 255)]
    if label == "cross":
        half = rng.uniform(0.26, 0.34)
        arm = np.array([[half, -half], [0.94, -half], [0.94, half]])
        return [(np.concatenate([_rotated(arm, k * np.pi / 2) for k in range(4)]), 255)]
    if label == "ring":
        return [(disc, 255), (rng.uniform(0.5, 0.62) * disc, 0)]
    if label == "heart":
        x = 16 * np.sin(turn) ** 3
        y = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
        return [(np.stack([x, -y - 2.5], 1) / 17.5, 255)]
    if label == "moon":
        return [(disc, 255), (0.86 * disc + [rng.uniform(0.5, 0.6), 0], 0)]
    raise ValueError(label)


def _draw_object(rng, canvas: Image.Image, label: str, x: float, y: float, radius: float) -> tuple[int, int, int, int]:
    """Draws a shaded shape with its shadow; returns the box of its pixels on the canvas."""
    margin = int(1.35 * radius)
    left, top = int(x) - margin, int(y) - margin
    mask = Image.new("L", (2 * margin, 2 * margin))
    angle = rng.uniform(0, 2 * np.pi)
    for outline, value in _outlines(rng, label):
        points = _rotated(outline, angle) * radius + margin
        ImageDraw.Draw(mask).polygon([tuple(p) for p in points], value)

    shadow = ImageChops.offset(mask, int(0.06 * radius), int(0.1 * radius)).filter(ImageFilter.BoxBlur(0.08 * radius))
    canvas.paste((0, 0, 0), (left, top), shadow.point(lambda v: int(0.4 * v)))

    behind = np.asarray(canvas.crop((left, top, left + mask.width, top + mask.height)), dtype=np.float32)
    colour = _colour(rng)
    while np.linalg.norm(colour - behind.mean((0, 1))) < 90:
        colour = _colour(rng)
    light = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[-1 : 1 : 1j * mask.height, -1 : 1 : 1j * mask.width]
    shade = 1 + 0.16 * (np.cos(light) * columns + np.sin(light) * rows)
    fill = Image.fromarray((colour * shade[..., None]).clip(0, 255).astype(np.uint8))
    canvas.paste(fill, (left, top), mask)
    if rng.uniform() < 0.5:
        rim = ImageChops.subtract(mask, mask.filter(ImageFilter.MinFilter(5)))
        canvas.paste(tuple((colour * rng.choice([0.45, 1.5])).clip(0, 255).astype(int)), (left, top), rim)

    x0, y0, x1, y1 = mask.getbbox()
    return left + x0, top + y0, left + x1, top + y1
