"""Makes the fixtures of the imaging tests, and the colour tables, from Pillow, OpenCV and NumPy.

usage: make.py

Needs Pillow, OpenCV and NumPy. Writes beside itself, and Sources/GradCAM/Imaging/ColormapTables.swift.
"""
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[3] / "Sources/GradCAM/Imaging/ColormapTables.swift"
COLORMAPS = ["jet", "turbo", "viridis", "magma", "inferno", "plasma", "cividis", "hot", "bone"]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rng = np.random.default_rng(1)


def save(name: str, array: np.ndarray) -> None:
    np.save(HERE / f"{name}.npy", np.ascontiguousarray(array))


def photograph(width: int, height: int) -> np.ndarray:
    """Smooth colours, a hard edge and some noise."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / width
    green = 127 + 120 * np.sin(x / 5) * np.cos(y / 4)
    blue = np.where((x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 3) ** 2, 240, 20)
    image = np.stack([red, green, blue], 2) + rng.normal(0, 12, (height, width, 3))
    return image.clip(0, 255).astype(np.uint8)


# PNG ----------------------------------------------------------------------------------------------------------------

def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples: np.ndarray, depth: int) -> bytes:
    """Scan lines without filter; samples are (height, width, channels)."""
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        lines = [row.astype(">u2").tobytes() for row in flat]
    else:
        bits = np.unpackbits(flat.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth:]
        lines = [np.packbits(row.reshape(-1)).tobytes() for row in bits]
    return b"".join(b"\0" + line for line in lines)


def png(samples: np.ndarray, depth: int, color: int, extra: bytes = b"", interlaced: bool = False) -> bytes:
    height, width = samples.shape[:2]
    passes = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7] if interlaced else [samples]
    data = b"".join(rows(part, depth) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9))
            + chunk(b"IEND", b""))


def write_png(name: str, data: bytes, expected: np.ndarray | None = None) -> None:
    (HERE / f"{name}.png").write_bytes(data)
    if expected is None:
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    save(f"{name}.png", expected)


def make_png() -> None:
    def samples(depth: int, channels: int) -> np.ndarray:
        return rng.integers(0, 1 << depth, (9, 13, channels))

    def palette(count: int) -> bytes:
        return chunk(b"PLTE", rng.integers(0, 256, 3 * count, np.uint8).tobytes())

    for depth in (1, 2, 4, 8):
        write_png(f"gray{depth}", png(samples(depth, 1), depth, 0))
        write_png(f"palette{depth}", png(samples(depth, 1), depth, 3, palette(1 << depth)))
    write_png("rgb8", png(samples(8, 3), 8, 2))
    write_png("rgb16", png(samples(16, 3), 16, 2))
    write_png("gray-alpha8", png(samples(8, 2), 8, 4))
    write_png("rgb-alpha8", png(samples(8, 4), 8, 6))
    write_png("rgb-alpha16", png(samples(16, 4), 16, 6))
    write_png("palette-transparent", png(samples(4, 1), 4, 3, palette(16) + chunk(b"tRNS", bytes(range(0, 160, 10)))))
    write_png("gray-transparent", png(samples(8, 1), 8, 0, chunk(b"tRNS", b"\0\x07")))
    write_png("rgb-interlaced", png(samples(8, 3), 8, 2, interlaced=True))
    write_png("palette-interlaced", png(samples(2, 1), 2, 3, palette(4), interlaced=True))
    # Pillow clips 16-bit grey instead of scaling it; the expectation is the high byte.
    for name, channels, color in (("gray16", 1, 0), ("gray-alpha16", 2, 4)):
        deep = samples(16, channels)
        write_png(name, png(deep, 16, color), np.repeat(deep[:, :, :1] >> 8, 3, 2).astype(np.uint8))

    huge = png(samples(8, 1), 8, 0)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100000, 100000, 8, 0, 0, 0, 0))
    (HERE / "huge.png").write_bytes(huge[:8] + header + huge[8 + len(header):])


# JPEG ---------------------------------------------------------------------------------------------------------------

def write_jpeg(name: str, data: bytes) -> None:
    (HERE / f"{name}.jpg").write_bytes(data)
    image = Image.open(io.BytesIO(data))
    save(f"{name}.jpg", np.asarray(ImageOps.exif_transpose(image.convert("RGB"))))


def jpeg(image: Image.Image, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4:]


def make_jpeg() -> None:
    image = Image.fromarray(photograph(37, 21))
    write_jpeg("gray", jpeg(image.convert("L")))
    write_jpeg("rgb-444", jpeg(image, subsampling=0, quality=90))
    write_jpeg("rgb-422", jpeg(image, subsampling=1, quality=90))
    write_jpeg("rgb-420", jpeg(image, subsampling=2, quality=90))
    write_jpeg("progressive", jpeg(image, progressive=True))
    write_jpeg("restarts", jpeg(image, restart_marker_blocks=2))
    cmyk = Image.merge("CMYK", [*image.split(), image.convert("L").transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
    data = jpeg(cmyk, quality=90)
    write_jpeg("cmyk", data)
    adobe = data.index(b"\xff\xee")
    write_jpeg("cmyk-without-adobe", data[:adobe] + data[adobe + 16:])
    write_jpeg("ycck", data[:adobe + 15] + b"\2" + data[adobe + 16:])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = jpeg(image.crop((3, 2, 20, 13)), exif=exif)
        write_jpeg(f"orientation{orientation}", data)
        if orientation == 6:
            at = data.index(b"Exif\0\0") + 6
            length = struct.unpack(">H", data[at - 8:at - 6])[0] - 8
            assert data[at:at + 2] == b"MM" and struct.unpack(">H", data[at + 8:at + 10]) == (1,)
            tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
            assert len(tiff) == length
            xmp = b"\xff\xe1" + struct.pack(">H", 2 + 29) + b"http://ns.adobe.com/xap/1.0/\0"
            write_jpeg("orientation6-little-endian", data[:at - 10] + xmp + data[at - 10:at] + tiff + data[at + length:])

    plain = jpeg(image)
    (HERE / "huge.jpg").write_bytes(with_size(plain, 65500, 65500))
    (HERE / "short.jpg").write_bytes(with_size(plain, 16000, 16000)[:-2])

    written = cv2.imencode(".jpg", PHOTOGRAPH_BGR)[1]
    save("written.jpg", cv2.imdecode(written, cv2.IMREAD_COLOR)[:, :, ::-1])


# Resampling, drawing ------------------------------------------------------------------------------------------------

def make_resampled() -> None:
    for width, height in [(24, 24), (90, 70), (61, 20), (20, 47), (1, 1), (5, 90), (60, 46), (122, 94), (30, 23)]:
        pillow = Image.fromarray(PHOTOGRAPH).resize((width, height), Image.Resampling.BILINEAR)
        save(f"pillow-{width}x{height}", np.asarray(pillow))
        save(f"opencv-{width}x{height}", cv2.resize(PHOTOGRAPH, (width, height)))
    even = PHOTOGRAPH[:46, :60]
    save("opencv-half", cv2.resize(even, (30, 23)))

    activation = rng.gamma(1.0, 1.0, (7, 9)).astype(np.float32)
    save("map", activation)
    for width, height in [(61, 47), (9, 7), (5, 4), (1, 1), (33, 3), (224, 40)]:
        save(f"map-{width}x{height}", cv2.resize(activation, (width, height)))


def project(values: np.ndarray, original: tuple, resized: tuple, crop: tuple) -> np.ndarray:
    """Point by point in float64: a picture pixel's centre, taken through resize and crop to the map."""
    height, width = values.shape
    out = np.zeros((original[1], original[0]))
    for y in range(original[1]):
        for x in range(original[0]):
            u = (x + 0.5) * resized[0] / original[0] - crop[0]
            v = (y + 0.5) * resized[1] / original[1] - crop[1]
            if not (0 <= u < crop[2] and 0 <= v < crop[3]):
                continue
            u = min(max(u * width / crop[2] - 0.5, 0), width - 1)
            v = min(max(v * height / crop[3] - 0.5, 0), height - 1)
            left, top = int(u), int(v)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            fx, fy = u - left, v - top
            out[y, x] = ((values[top, left] * (1 - fx) + values[top, right] * fx) * (1 - fy)
                         + (values[bottom, left] * (1 - fx) + values[bottom, right] * fx) * fy)
    return out.astype(np.float32)


def make_projected() -> None:
    values = rng.random((28, 28), np.float32)
    save("input-map", values)
    save("projected-crop", project(values, (61, 47), (42, 32), (7, 2, 28, 28)))
    save("projected-padded", project(values, (30, 20), (30, 20), (1, -4, 28, 28)))
    save("projected-small-map", project(values[:7, :7], (61, 47), (42, 32), (7, 2, 28, 28)))


def make_drawn() -> None:
    # The original recipe: resized map, JET heat plus image, divided by the maximum.
    cam = cv2.resize(np.load(HERE / "map.npy"), (61, 47))
    cam = cam - cam.min()
    cam = cam / max(float(cam.max()), 1e-7)
    save("cam", cam)
    heat = cv2.applyColorMap(np.uint8(255 * cam), cv2.COLORMAP_JET).astype(np.float32) / 255
    overlay = heat + PHOTOGRAPH_BGR.astype(np.float32) / 255
    overlay = np.uint8(255 * overlay / overlay.max())
    save("overlay-recipe", overlay[:, :, ::-1])

    # pytorch-grad-cam's show_cam_on_image(image, cam, use_rgb=True, colormap=VIRIDIS, image_weight=0.3)
    heat = cv2.cvtColor(cv2.applyColorMap(np.uint8(255 * cam), cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    blended = (1 - 0.3) * (np.float32(heat) / 255) + 0.3 * (np.float32(PHOTOGRAPH) / 255)
    blended = blended / np.max(blended)
    save("overlay-viridis-0.3", np.uint8(255 * blended))


def make_colormaps() -> None:
    levels = np.arange(256, dtype=np.uint8)[:, None]
    tables = [cv2.applyColorMap(levels, getattr(cv2, f"COLORMAP_{name.upper()}"))[:, 0, ::-1] for name in COLORMAPS]
    save("colormaps", np.stack(tables))
    lines = ["// Made by Tests/GradCAMTests/Fixtures/imaging/make.py from OpenCV's colour maps.", "",
             "/// 256 RGB colours a map, as hexadecimal digits.", "enum ColormapTables {"]
    for name, table in zip(COLORMAPS, tables):
        digits = np.ascontiguousarray(table).tobytes().hex()
        lines += [f"  static let {name} = \"\"\""]
        lines += [f"    {digits[start:start + 114]}\\" for start in range(0, len(digits), 114)]
        lines[-1] = lines[-1].removesuffix("\\")
        lines += ["    \"\"\""]
    TABLES.write_text("\n".join(lines) + "\n}\n")


# .npy ---------------------------------------------------------------------------------------------------------------

def make_npy() -> None:
    values = np.array([[0, 1, 2], [3, 100, 1]])
    for kind in (
            "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"):
        np.save(HERE / f"npy-{kind}.npy", values.astype(kind))
    np.save(HERE / "npy-fortran.npy", np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)))
    np.save(HERE / "npy-scalar.npy", np.float32(2.5))
    np.save(HERE / "npy-empty.npy", np.zeros((0, 3), np.float32))
    np.save(HERE / "npy-big-endian.npy", values.astype(">f4"))
    np.save(HERE / "npy-complex.npy", values.astype(np.complex64))
    for version in ((2, 0), (3, 0)):
        with open(HERE / f"npy-version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values.astype(np.float32), version)


PHOTOGRAPH = photograph(61, 47)
PHOTOGRAPH_BGR = np.ascontiguousarray(PHOTOGRAPH[:, :, ::-1])

if __name__ == "__main__":
    Image.fromarray(PHOTOGRAPH).save(HERE / "photograph.png", optimize=True)
    make_png()
    make_jpeg()
    make_resampled()
    make_projected()
    make_drawn()
    make_colormaps()
    make_npy()
