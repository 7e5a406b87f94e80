"""Makes files of numbers, and what nibabel and scipy read in them.

usage: make.py        needs numpy, nibabel and scipy

NAME.npy holds what is read from NAME: of a sound channels x samples, −1 … 1; of a volume x x y x z, or channels first.
"""
import struct
from pathlib import Path

import nibabel
import numpy as np
from scipy.io import wavfile

HERE = Path(__file__).parent
rng = np.random.default_rng(7)


def save(name, array):
    np.save(HERE / f"{name}.npy", np.asarray(array, dtype=np.float32))


def wave(name, stored, rate=8000):
    """A file that scipy writes."""
    wavfile.write(HERE / name, rate, stored)
    scale = {"uint8": 128, "int16": 32768, "int32": 2147483648}.get(str(stored.dtype), 1)
    values = stored.astype(np.float64) - (128 if stored.dtype == np.uint8 else 0)
    save(name, np.atleast_2d((values / scale).T))


def chunk(tag, data):
    return tag + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def extensible(name):
    """24 bits in the extensible form, behind a chunk of an odd length."""
    numbers = np.array([[0, -8388608], [8388607, 1], [-1, 1234567]])
    data = b"".join(int(n).to_bytes(3, "little", signed=True) for n in numbers.ravel())
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 2, 44100, 44100 * 6, 6, 24, 22, 24, 3)
    form += struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVE" + chunk(b"LIST", b"odd") + chunk(b"fmt ", form) + chunk(b"data", data)
    (HERE / name).write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    save(name, (numbers / 8388608).T)


def volume(name, array, affine, slope=None, **header):
    image = nibabel.Nifti1Image(array, affine, dtype=array.dtype)
    for key, value in header.items():
        image.header[key] = value
    if slope:
        image.header.set_slope_inter(*slope)
    nibabel.save(image, HERE / name)
    read = nibabel.load(HERE / name).get_fdata()
    save(name, read if read.ndim == 3 else np.moveaxis(read.reshape(*read.shape[:3], -1), -1, 0))


def second(name, array, affine, order):
    """A file of NIfTI-2."""
    image = nibabel.Nifti2Image(array, affine, nibabel.Nifti2Header(endianness=order))
    if array.dtype.kind == "i":
        image.header.set_slope_inter(0.25, 3)
    nibabel.save(image, HERE / name)
    read = nibabel.load(HERE / name).get_fdata()
    save(name, read if read.ndim == 3 else np.moveaxis(read, -1, 0))


def main():
    frames = rng.integers(-30000, 30000, (9, 2)).astype(np.int16)
    wave("stereo16.wav", frames, 500)
    wave("mono8.wav", rng.integers(0, 255, 8).astype(np.uint8))
    wave("mono32.wav", rng.integers(-2**31, 2**31 - 1, 7).astype(np.int32))
    wave("float32.wav", rng.normal(0, 0.3, (6, 1)).astype(np.float32))
    wave("float64.wav", rng.normal(0, 0.3, (5, 2)))
    extensible("extensible24.wav")
    affine = np.array([[-2, 0.1, 0, 10], [0.1, 3, 0.2, -20], [0, -0.2, 4, 30], [0, 0, 0, 1.0]])
    base = rng.integers(0, 100, (4, 3, 5))
    for kind in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        volume(f"{kind}.nii", base.astype(kind), affine)
    volume("scaled.nii.gz", base.astype(np.int16), affine, slope=(0.5, -7))
    volume("channels.nii", rng.normal(size=(3, 2, 4, 2)).astype(np.float32), affine)
    swapped = nibabel.Nifti1Image(base.astype(">i2"), affine, nibabel.Nifti1Header(endianness=">"))
    nibabel.save(swapped, HERE / "big-endian.nii")
    save("big-endian.nii", nibabel.load(HERE / "big-endian.nii").get_fdata())
    second("nifti2.nii.gz", base.astype(np.int16), affine, "<")
    second("nifti2-big-endian.nii", rng.normal(size=(3, 4, 2, 2)).astype(">f4"), affine, ">")


if __name__ == "__main__":
    main()
