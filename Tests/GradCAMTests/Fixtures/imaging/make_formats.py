"""Makes small files of the formats besides PNG and JPEG, and what Pillow, OpenCV or NumPy read from them.

usage: make_formats.py        needs pillow, opencv, numpy and tifffile

formats/NAME and NAME.npy: the pixels; for samples of 16 bits and floating-point numbers, those.
"""
import io
import struct
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageOps

HERE = Path(__file__).parent / "formats"
rng = np.random.default_rng(20)


def photograph(width, height):
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([255 * x / width, 127 + 120 * np.sin(x / 3) * np.cos(y / 4), 255 * y / height], 2)
    return (image + rng.normal(0, 12, image.shape)).clip(0, 255).astype(np.uint8)


PHOTOGRAPH = photograph(23, 17)
GREY = np.asarray(Image.fromarray(PHOTOGRAPH).convert("L"))


def save(name, data, expected=None, of=None):
    """Writes a file, and what it holds: given, or as Pillow reads `of`, else the file itself."""
    (HERE / name).write_bytes(data)
    if expected is None:
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(of or data))).convert("RGB"))
    if expected.ndim == 2:
        expected = np.repeat(expected[:, :, None], 3, 2)
    np.save(HERE / f"{name}.npy", np.ascontiguousarray(expected))


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# BMP ----------------------------------------------------------------------------------------------------------------

def bmp(width, height, bits, data, palette=b"", compression=0, head=40, masks=b"", colors=0):
    if head == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", head, width, height, 1, bits, compression, len(data), 2835, 2835, colors, 0)
        info += masks if head == 40 else (masks + bytes(head))[:head - 40]
    start = 14 + len(info) + len(palette) + (len(masks) if head != 40 and len(info) < head else 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def packed(indices, bits):
    lines = []
    for row in indices[::-1]:
        line = np.packbits(np.unpackbits(row[:, None].astype(np.uint8), axis=1)[:, 8 - bits:].reshape(-1)).tobytes()
        lines.append(line + bytes(-len(line) % 4))
    return b"".join(lines)


def make_bmp():
    for bits in (1, 4, 8):
        indices = rng.integers(0, 1 << bits, (9, 13))
        colors = rng.integers(0, 256, (1 << bits, 4), np.uint8)
        # Pillow reads blue, green, red and a byte that means nothing.
        expected = colors[indices][:, :, 2::-1]
        save(f"palette{bits}.bmp", bmp(13, 9, bits, packed(indices, bits), colors.tobytes()), expected)
        if bits == 8:
            few = bmp(13, 9, 8, packed(indices % 5, 8), colors[:5].tobytes(), colors=5)
            save("palette-of-5.bmp", few, expected=colors[indices % 5][:, :, 2::-1])
            old = colors[:, :3].tobytes()
            save("os2.bmp", bmp(13, 9, 8, packed(indices, 8), old, head=12), expected)
    save("rgb24.bmp", encoded(Image.fromarray(PHOTOGRAPH), "BMP"))
    lines = PHOTOGRAPH[:, :, ::-1]
    rows = [row.tobytes() + bytes(-row.size % 4) for row in lines]
    save("top-down.bmp", bmp(23, -17, 24, b"".join(rows)))
    alpha = rng.integers(0, 256, (17, 23, 1), np.uint8)
    four = np.concatenate([lines, alpha], 2)[::-1].tobytes()
    save("rgb32.bmp", bmp(23, 17, 32, four), PHOTOGRAPH)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    save("alpha-v4.bmp", bmp(23, 17, 32, four, compression=3, head=108, masks=masks), PHOTOGRAPH)
    mirrored = struct.pack("<III", 0xFF, 0xFF00, 0xFF0000)
    save("bgr-masks.bmp", bmp(23, 17, 32, four, compression=3, masks=mirrored), lines)
    words = rng.integers(0, 65536, (9, 14)).astype("<u2")
    fields = [words >> 10 & 31, words >> 5 & 31, words & 31]
    save("555.bmp", bmp(14, 9, 16, words[::-1].tobytes()), np.stack([f * 255 // 31 for f in fields], 2).astype(np.uint8))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    fields = [(words >> 11) * 255 // 31, (words >> 5 & 63) * 255 // 63, (words & 31) * 255 // 31]
    save("565.bmp", bmp(14, 9, 16, words[::-1].tobytes(), compression=3, masks=masks), np.stack(fields, 2).astype(np.uint8))

    colors = rng.integers(0, 256, (256, 4), np.uint8)
    # A run, an absolute part of odd length, the end of a line, a jump of 2 right and 1 up, a run beyond the line.
    runs = bytes([5, 9, 0, 3, 1, 2, 3, 0, 3, 7, 0, 0, 2, 200, 0, 2, 2, 1, 4, 8, 9, 77, 0, 0, 0, 4, 6, 7, 8, 9, 0, 1])
    indices = np.zeros((5, 11), np.uint8)
    indices[4] = [9] * 5 + [1, 2, 3] + [7] * 3
    indices[3, :2] = 200
    indices[2, 4:] = [8] * 4 + [77] * 3
    indices[1, :4] = [6, 7, 8, 9]
    save("runs8.bmp", bmp(11, 5, 8, runs, colors.tobytes(), compression=1), colors[indices][:, :, 2::-1])
    runs = bytes([5, 0x12, 0, 3, 0x34, 0x50, 0, 0, 0, 2, 1, 0, 3, 0x77, 0, 1])
    indices = np.zeros((4, 9), np.uint8)
    indices[3, :8] = [1, 2, 1, 2, 1, 3, 4, 5]
    indices[2, 1:4] = 7
    save("runs4.bmp", bmp(9, 4, 4, runs, colors[:16].tobytes(), compression=2), colors[indices][:, :, 2::-1])


# GIF ----------------------------------------------------------------------------------------------------------------

def make_gif():
    image = Image.fromarray(PHOTOGRAPH)
    save("palette.gif", encoded(image.quantize(64), "GIF"))
    save("interlaced.gif", encoded(image.quantize(256), "GIF", interlace=1))
    large = Image.fromarray(photograph(90, 70)).quantize(256)
    save("long-codes.gif", encoded(large, "GIF"))
    save("two-colours.gif", encoded(image.convert("1"), "GIF"))
    frames = [image.quantize(16), image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(16)]
    save("film.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    # A picture that fills a part of the canvas.
    data = bytearray(encoded(image.quantize(8), "GIF"))
    data[6:10] = struct.pack("<HH", 30, 20)
    at = data.index(b"\x2c", 13 + 3 * 8)
    data[at + 1:at + 5] = struct.pack("<HH", 4, 2)
    save("part.gif", bytes(data))


# Netpbm -------------------------------------------------------------------------------------------------------------

def make_netpbm():
    image = Image.fromarray(PHOTOGRAPH)
    save("rgb.ppm", encoded(image, "PPM"))
    save("grey.pgm", encoded(image.convert("L"), "PPM"))
    save("bits.pbm", encoded(image.convert("1"), "PPM"))
    flat = " ".join(str(sample) for sample in PHOTOGRAPH.reshape(-1))
    save("text.ppm", b"P3 # a comment\n23 17\n# another\n255\n" + flat.encode() + b"\n")
    save("text.pgm", b"P2\n23 17\n255\n" + " ".join(map(str, GREY.reshape(-1))).encode())
    bits = (GREY > 127).astype(int)
    save("text.pbm", b"P1\n23 17\n" + b"\n".join("".join(map(str, row)).encode() for row in bits) + b"\n",
         (255 * (1 - bits)).astype(np.uint8))
    few = GREY // 20
    save("few-levels.pgm", b"P5\n23 17\n12\n" + few.astype(np.uint8).tobytes(),
         np.round(few / 12 * 255).astype(np.uint8))
    deep = rng.integers(0, 65536, (5, 7, 3))
    save("deep.ppm", b"P6\n7 5\n65535\n" + deep.astype(">u2").tobytes(), deep.astype(np.float32))
    twelve = rng.integers(0, 4096, (5, 7))
    save("twelve-bit.pgm", b"P5\n7 5\n4095\n" + twelve.astype(">u2").tobytes(),
         np.round(twelve / 4095 * 65535).astype(np.float32))


# WebP ---------------------------------------------------------------------------------------------------------------

def make_webp():
    image = Image.fromarray(PHOTOGRAPH)
    save("lossy.webp", encoded(image, "WEBP", quality=80))
    save("lossless.webp", encoded(image, "WEBP", lossless=True), PHOTOGRAPH)
    alpha = image.copy()
    alpha.putalpha(Image.fromarray(rng.integers(1, 256, (17, 23), np.uint8)))
    save("alpha.webp", encoded(alpha, "WEBP", lossless=True, exact=True), PHOTOGRAPH)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("turned.webp", encoded(image, "WEBP", lossless=True, exif=exif))
    frames = [image, image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    save("film.webp", encoded(frames[0], "WEBP", lossless=True, save_all=True, append_images=frames[1:]), PHOTOGRAPH)


# TIFF ---------------------------------------------------------------------------------------------------------------

def tiff(array, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, array, metadata=None, **options)
    return out.getvalue()


def make_tiff():
    image = Image.fromarray(PHOTOGRAPH)
    for name in ("tiff_lzw", "tiff_deflate", "packbits", "raw"):
        save(f"{name.removeprefix('tiff_')}.tif", encoded(image, "TIFF", compression=name), PHOTOGRAPH)
    save("jpeg.tif", encoded(image, "TIFF", compression="jpeg", quality=90))
    save("bits.tif", encoded(image.convert("1"), "TIFF", compression="group4"))
    save("palette.tif", encoded(image.quantize(100), "TIFF"))
    save("cmyk.tif", encoded(image.convert("CMYK"), "TIFF"))
    save("ycbcr.tif", encoded(image.convert("YCbCr"), "TIFF"))
    save("big-endian.tif", tiff(PHOTOGRAPH, photometric="rgb", byteorder=">"), PHOTOGRAPH)
    save("white-is-zero.tif", tiff(GREY, photometric="miniswhite"), 255 - GREY)
    four = np.concatenate([PHOTOGRAPH, rng.integers(0, 256, (17, 23, 1), np.uint8)], 2)
    save("alpha.tif", tiff(four, photometric="rgb", extrasamples=["unassalpha"]), PHOTOGRAPH)
    save("planes.tif", tiff(PHOTOGRAPH.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"), PHOTOGRAPH)
    large = photograph(50, 37)
    save("tiles.tif", tiff(large, photometric="rgb", tile=(16, 32), compression=None), large)
    save("strips.tif", tiff(large, photometric="rgb", rowsperstrip=5), large)
    save("tiled-planes.tif", tiff(large.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate", tile=(16, 16)),
         large)
    deep = rng.integers(0, 65536, (9, 11, 3)).astype(np.uint16)
    save("deep.tif", tiff(deep, photometric="rgb"), deep.astype(np.float32))
    save("big.tif", tiff(deep[:, :, 0], photometric="minisblack", bigtiff=True, byteorder=">"),
         deep[:, :, 0].astype(np.float32))
    unit = rng.random((9, 11)).astype(np.float32)
    save("float32.tif", tiff(unit), unit)
    save("float64.tif", tiff(unit.astype(np.float64)), unit)
    save("float16.tif", tiff(unit.astype(np.float16)), unit.astype(np.float16).astype(np.float32))
    save("heights.tif", tiff(unit * 3000 - 50), unit * 3000 - 50)
    pages = np.stack([GREY, 255 - GREY])
    save("pages.tif", tiff(pages, photometric="minisblack"), GREY)
    for orientation in range(1, 9):
        save(f"orientation{orientation}.tif", encoded(image, "TIFF", tiffinfo={274: orientation}),
             np.asarray(ImageOps.exif_transpose(with_orientation(image, orientation))))
    # What is refused.
    (HERE / "signed.tif").write_bytes(tiff(GREY.astype(np.int16), photometric="minisblack"))
    broken = unit.copy()
    broken[3, 4] = np.nan
    (HERE / "nan.tif").write_bytes(tiff(broken))


def with_orientation(image, orientation):
    copy = image.copy()
    copy.getexif()[274] = orientation
    return copy


HERE.mkdir(exist_ok=True)
make_bmp()
make_gif()
make_netpbm()
make_webp()
make_tiff()
