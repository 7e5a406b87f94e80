"""Tests of rows and of tables of them, which need pyarrow; see test_package.py."""

import hashlib
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

import numpy as np

import gradcam
from gradcam import rows

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "shapes-resnet.onnx"
SAMPLES = ROOT / "models" / "samples"
PICTURE = SAMPLES / "pair-006-star-cross.png"
PROGRAM = os.environ.get("GRADCAM", "gradcam")


def large_picture() -> bytes:
    """A PNG file of 200 megapixels, in less than a megabyte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(20_001) * 10_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bad_pictures(folder: Path) -> set[str]:
    """Writes pictures that cannot be explained; their names."""
    bad = {"corrupt.png": PICTURE.read_bytes()[:2000], "empty.png": b"", "large.png": large_picture()}
    for name, contents in bad.items():
        (folder / name).write_bytes(contents)
    return set(bad)


def expected(folder: Path, *methods: str) -> list[str]:
    """The sorted rows of all pictures in a folder, by the program."""
    options = [f"--method={method}" for method in methods]
    done = subprocess.run([PROGRAM, "explain", MODEL, folder, "--rows", "-", "--threads", "1", "--quiet", *options],
                          check=True, capture_output=True, encoding="utf-8")
    return sorted(done.stdout.splitlines()[1:])


class RowTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.model = gradcam.Model(MODEL, threads=2)

    def test_a_row_says_what_was_explained(self) -> None:
        contents = PICTURE.read_bytes()
        for picture in (PICTURE, contents):
            made, = self.model.explain_many([picture], ["star"], names=["a/ü.png"])
            line, row = made[0].row("out.png"), json.loads(made[0].row("out.png"))
            self.assertEqual(line, self.model(picture, name="a/ü.png").explain("star").row("out.png"))
            self.assertEqual((row["image"], row["output"], row["label"]), ("a/ü.png", "out.png", "star"))
            self.assertEqual(np.float32(row["score"]), np.float32(made[0].logit))
            self.assertEqual(row["sha256"], hashlib.sha256(contents).hexdigest())
            self.assertEqual(list(row), sorted(row))
        np.testing.assert_array_equal(self.model(contents).explain("star").map, self.model(PICTURE).explain("star").map)
        with self.assertRaises(gradcam.UsageError):
            self.model(PICTURE).explain("star").row()
        with self.assertRaises(ValueError):
            self.model.explain_many([PICTURE], names=[])

    def test_a_picture_that_fails_has_a_row(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            names = [*sorted(bad_pictures(Path(folder))), "missing.png"]
            made = self.model.explain_many([Path(folder, name) for name in names], names=names)
            for name, one in zip(names, made, strict=True):
                row = json.loads(one.row)
                self.assertEqual((row["image"], row["model"]), (name, str(MODEL)))
                self.assertNotIn(name, row["error"])
                self.assertEqual("sha256" in row, name != "missing.png")
                self.assertNotIn("method", row)
        self.assertIsNone(self.model.explain_many(["missing.png"])[0].row)

    def test_rows_are_those_of_the_program(self) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder, methods = Path(temporary, "a b"), ["gradcam", "scorecam"]
            folder.mkdir()
            bad_pictures(folder)
            shutil.copy(PICTURE, folder / "ü.png")
            files = sorted(folder.iterdir())
            for pictures in (files, [path.read_bytes() for path in files]):
                made = self.model.explain_many(pictures, names=[path.name for path in files], methods=methods)
                lines = [line for one in made
                         for line in ([one.row] if isinstance(one, gradcam.Error) else [each.row() for each in one])]
                self.assertEqual(sorted(lines), expected(folder, *methods))

    def test_the_configuration_is_said(self) -> None:
        line = self.model.configuration("star", methods="layercam")
        self.assertIn("version", json.loads(line)["configuration"])
        self.assertNotEqual(line, self.model.configuration("cross", methods="layercam"))

    def test_lines_are_written_as_they_were(self) -> None:
        names = ['a "b"\u202e\n/ü.png', "b.png"]
        lines = [made.row() for maps in self.model.explain_many([PICTURE] * 2, names=names, methods=["gradcam", "layercam"])
                 for made in maps]
        for line in lines:
            self.assertEqual(rows.line(json.loads(line)), line)
        self.assertEqual(rows.line({**json.loads(lines[0]), "road": 0.25, "gain": None}),
                         rows.line({**json.loads(lines[0]), "gain": None, "road": 0.25}))
        for wrong in ({}, {"image": "a"}):
            with self.assertRaises(gradcam.DataError):
                rows.line(wrong)

    def test_floats_are_as_short_as_they_can_be(self) -> None:
        row = json.loads(self.model(PICTURE, name="a").explain().row())
        for value in (1e-05, 0.1, 1 / 3, 1.17549435e-38, 1e-45, 3.4028235e38, 16777216.0, 123456.79, 100.0, -0.0):
            score = np.float32(value)
            written = rows.line({**row, "score": float(score)})
            self.assertEqual(np.float32(json.loads(written)["score"]), score)
            digits = written.partition('"score":')[2].partition(",")[0]
            self.assertLessEqual(len(digits.replace(".", "").lstrip("-0").partition("e")[0].strip("0")), 9, digits)
            self.assertEqual(rows.line(rows.parse(written)), written)


@unittest.skipUnless(importlib.util.find_spec("pyarrow"), "needs pyarrow")
class TableTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.model = gradcam.Model(MODEL, threads=2)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def written(self) -> Path:
        """Lines of maps and of a picture that failed, after their configuration."""
        made = self.model.explain_many([PICTURE, "missing.png"], names=["a,\n\"b\".png", "b.png"], methods=["gradcam", "layercam"])
        lines = [self.model.configuration(methods=["gradcam", "layercam"]), *(one.row() for one in made[0]), made[1].row]
        file = self.folder / "rows.jsonl"
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return file

    def test_lines_and_parquet_hold_the_same(self) -> None:
        file, parquet, again = self.written(), self.folder / "rows.parquet", self.folder / "again.jsonl"
        table = rows.read(file)
        self.assertEqual(table.column_names, list(rows.COLUMNS))
        self.assertEqual(table.num_rows, 3)
        rows.to_parquet(file, parquet)
        rows.write_jsonl(rows.read(parquet), again)
        self.assertEqual(again.read_bytes(), file.read_bytes())
        rows.to_parquet([file, parquet], self.folder / "both.parquet")
        self.assertEqual(rows.read(self.folder / "both.parquet").num_rows, 6)
        self.assertEqual(sorted(os.listdir(self.folder)), ["again.jsonl", "both.parquet", "rows.jsonl", "rows.parquet"])

    def test_metrics_are_columns(self) -> None:
        row = json.loads(self.model(PICTURE, name="a.png").explain().row())
        file = self.folder / "rows.jsonl"
        rows.write_jsonl([{**row, "road": 0.1, "pointing": 1.0}, {**row, "image": "b.png", "road": None, "pointing": 0.0}], file)
        table = rows.read(file)
        self.assertEqual(table.column("road").to_pylist(), [0.1, None])
        again = self.folder / "again.jsonl"
        rows.write_jsonl(table, again)
        self.assertEqual(again.read_text(), file.read_text())
        self.assertEqual(json.loads(again.read_text().splitlines()[1])["metrics"], {"road": None, "pointing": 0.0})

    def test_tables_of_the_program(self) -> None:
        for name, options in {"rows.jsonl": [], "rows.csv": []}.items():
            file = self.folder / name
            subprocess.run([PROGRAM, "evaluate", MODEL, SAMPLES, "--boxes", SAMPLES / "boxes.json", "--limit", "3", "--output",
                            file, *options], check=True, capture_output=True)
        lines, records = (rows.read(self.folder / name) for name in ("rows.jsonl", "rows.csv"))
        self.assertEqual(lines.num_rows, records.num_rows)
        for name in ("image", "configuration", "score", "class"):
            self.assertEqual(lines.column(name).to_pylist(), records.column(name).to_pylist())
        again = self.folder / "again.jsonl"
        rows.write_jsonl(lines, again)
        self.assertEqual(again.read_bytes(), (self.folder / "rows.jsonl").read_bytes())

    def test_what_is_no_table_is_an_error(self) -> None:
        for name, contents in {"a.jsonl": "{", "b.jsonl": "[1]", "c.jsonl": '{"a":1}', "d.csv": "a,b\n1,2\n"}.items():
            (self.folder / name).write_text(contents)
            with self.subTest(name), self.assertRaises(gradcam.DataError):
                rows.read(self.folder / name)
        with self.assertRaises(gradcam.UsageError):
            rows.read("rows.txt")
        with self.assertRaises(gradcam.DataError):
            rows.write_jsonl([{"image": "a"}], self.folder / "none.jsonl")
        self.assertFalse((self.folder / "none.jsonl").exists())


if __name__ == "__main__":
    unittest.main()
