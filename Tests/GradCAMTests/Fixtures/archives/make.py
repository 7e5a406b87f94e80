#!/usr/bin/env python3
"""Makes the archives that the tests of TarArchive read, with the programs that people make them with.

Needs GNU tar, bsdtar (Debian's libarchive-tools) and the package webdataset; the files are written beside this script.
The contents of a member are its name, five times, but for those called `empty`. Every archive also has folders, a hard and a
symbolic link, none of which is a regular file.

GNU-FORMAT, BSD-FORMAT, PYTHON-FORMAT: all names that the format can have; see NAMES in TarArchiveTests.swift
sparse-KIND: sparse.jpg, which is a sparse file, and z.jpg, by GNU tar
webdataset.tar: by webdataset's TarWriter
"""

import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SHORT = ["cat.jpg", "folder/dog.jpg", "folder/empty.jpg"]
ACCENTED = ["folder/Kätzchen-猫.jpg"]
# More than 100 bytes, which ustar can still divide; then more than it can, in one part and in many.
DIVISIBLE = ["d" * 60 + "/" + "e" * 60 + "/f.jpg"]
LONG = ["n" * 150 + ".jpg", "/".join(c * 90 for c in "uvwxy") + "/ü.jpg"]


def contents(name):
    return b"" if "empty" in name else (name * 5).encode()


def fill(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents(name))
    os.link(folder / "cat.jpg", folder / "hard.jpg")
    os.symlink("cat.jpg", folder / "soft.jpg")
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)


GNU = ["tar", "-b", "1", "--owner=a:0", "--group=a:0", "--mtime=@1000000000", "--sort=name", "--numeric-owner"]
# Without what differs from one run to the next.
PAX = ["--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"]
BSD = ["bsdtar", "-b", "1", "--uid", "0", "--gid", "0", "--uname", "a", "--gname", "a"]


def run(*command, folder):
    subprocess.run([str(part) for part in command], cwd=folder, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})


def members(names):
    """A tree's names in the order of reading; cat.jpg before its links."""
    return sorted({part for name in names for part in [name.split("/")[0]]} | {"hard.jpg", "soft.jpg"})


def main():
    for made in [*HERE.glob("*.tar"), *HERE.glob("*gz")]:
        made.unlink()
    every = SHORT + ACCENTED + DIVISIBLE + LONG
    kinds = {"v7": SHORT + ACCENTED, "ustar": SHORT + ACCENTED + DIVISIBLE, "oldgnu": every, "gnu": every, "pax": every,
             "gnutar": every}
    for kind, names in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            fill(folder, names)
            if kind != "gnutar":
                # With the point in front, as many make them.
                form = PAX if kind == "pax" else [f"--format={kind}"]
                run(*GNU, *form, "-cf", HERE / f"gnu-{kind}.tar", ".", folder=folder)
            if kind in ("v7", "ustar", "pax", "gnutar"):
                run(*BSD, f"--format={kind}", "-cf", HERE / f"bsd-{kind}.tar", *members(names), folder=folder)
            python = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
            if kind in python:
                def owned(info):
                    info.uid = info.gid = 0
                    info.uname = info.gname = "a"
                    return info
                with tarfile.open(HERE / f"python-{kind}.tar", "w", format=python[kind],
                                  pax_headers={"comment": "an example"} if kind == "pax" else None) as archive:
                    for name in members(names):
                        archive.add(folder / name, name, filter=owned)

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # More pieces than a header of GNU's old form has room for, and than its first continuation.
        with open(folder / "sparse.jpg", "wb") as file:
            for piece in range(30):
                file.seek(piece * 65536)
                file.write(b"piece")
        (folder / "z.jpg").write_bytes(contents("z.jpg"))
        for kind, options in {"old": ["--format=gnu"], **{
                version: [*PAX, f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")}}.items():
            run(*GNU, "--hole-detection=raw", *options, "-cf", folder / "sparse.tar", "sparse.jpg", "z.jpg", folder=folder)
            subprocess.run(["gzip", "-9n"], stdin=open(folder / "sparse.tar", "rb"),
                           stdout=open(HERE / f"sparse-{kind}.tar.gz", "wb"), check=True)

    import webdataset

    stream = io.BytesIO()
    writer = webdataset.TarWriter(stream, mtime=1e9)
    writer.write({"__key__": "a/000001", "jpg": b"picture 1", "cls": b"3"})
    writer.write({"__key__": "a/000002", "jpg": b"picture 2", "cls": b"4"})
    writer.close()
    (HERE / "webdataset.tar").write_bytes(stream.getvalue())

    # Two gzip members, the first of which ends amid a header.
    data = (HERE / "python-pax.tar").read_bytes()
    parts = [subprocess.run(["gzip", "-9n"], input=part, stdout=subprocess.PIPE, check=True).stdout
             for part in (data[:1800], data[1800:])]
    (HERE / "two-members.tgz").write_bytes(b"".join(parts))


main()
