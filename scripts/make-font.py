#!/usr/bin/env python3
"""Writes Sources/GradCAM/Data/fixed-10x20.hex from 10x20.pcf.gz of X.Org's font-misc-misc, which is in the public domain.

Debian has it in the package xfonts-base. Needs Pillow. Each line is a code point and the rows of its glyph from top to
bottom, three hexadecimal digits each, the highest of twelve bits on the left.
"""
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 10, 20
# Latin with its accents, Greek, Cyrillic, and the punctuation, arrows and operators of labels.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x401, 0x45F), (0x2010, 0x2027), (0x2030, 0x203A), (0x20AC, 0x20AC),
    (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2248), (0x2260, 0x2265), (0xFFFD, 0xFFFD)]


def rows(font, character):
    image = Image.new("1", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((0, 0), character, font=font, fill=1)
    return [sum(1 << (11 - x) for x in range(WIDTH) if image.getpixel((x, y))) for y in range(HEIGHT)]


def main():
    font = ImageFont.truetype(sys.argv[1], HEIGHT)
    missing = rows(font, "\uE000")
    lines = [
        "# The glyphs of 10x20 of the fonts that come with X11, misc-fixed: \"Public domain font.  Share and enjoy.\"",
        "# Made by scripts/make-font.py.",
    ]
    for first, last in RANGES:
        for code in range(first, last + 1):
            glyph = rows(font, chr(code))
            if glyph != missing or code == 0xFFFD:
                lines.append(f"{code:04X}:" + "".join(f"{row:03X}" for row in glyph))
    path = Path(__file__).resolve().parents[1] / "Sources/GradCAM/Data/fixed-10x20.hex"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
