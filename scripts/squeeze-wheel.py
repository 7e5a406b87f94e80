"""Writes a wheel again, compressed by libdeflate as far as Deflate goes: squeeze-wheel.py FROM TO

The files, their order, dates and modes stay. What zlib makes of program and libraries is 4% larger.
"""
import sys
import zipfile

import deflate


class WholeFile:
    """In the place of zlib's compressor, for files that are compressed at once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def compress(self, part: bytes) -> bytes:
        self.parts.append(part)
        return b""

    def flush(self) -> bytes:
        return bytes(deflate.deflate_compress(b"".join(self.parts), 12))


zipfile._get_compressor = lambda kind, level=None: WholeFile() if kind == zipfile.ZIP_DEFLATED else None
source, target = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
    for entry in old.infolist():
        new.writestr(entry, old.read(entry), entry.compress_type)
