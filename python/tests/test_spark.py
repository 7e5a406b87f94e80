"""Tests of gradcam.spark, which need PySpark and Java; see test_package.py."""

import importlib.util
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from test_rows import MODEL, PICTURE, SAMPLES, bad_pictures, expected

from gradcam import rows

HAS_SPARK = all(importlib.util.find_spec(name) for name in ("pyspark", "pandas", "pyarrow")) and shutil.which("java")


def lines(table: Any) -> list[str]:
    return sorted(rows.line(row) for row in table.to_pylist())


@unittest.skipUnless(HAS_SPARK, "needs pyspark, pandas, pyarrow and Java")
class SparkTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        from pyspark.sql import SparkSession

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        options = {
            "spark.ui.enabled": False, "spark.ui.showConsoleProgress": False, "spark.driver.host": "127.0.0.1",
            "spark.sql.execution.arrow.maxRecordsPerBatch": 8, "spark.sql.files.maxPartitionBytes": "64k",
            "spark.sql.files.openCostInBytes": "1k",
        }
        cls.spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
        cls.spark.sparkContext.setLogLevel("ERROR")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.spark.stop()

    def pictures(self, folder: Path) -> Any:
        """The contents of all files; Spark itself leaves out those that are empty."""
        read = self.spark.read.format("binaryFile").option("recursiveFileLookup", True)
        found = read.load(f"file:{folder}").select("path", "content")
        return found.union(self.spark.createDataFrame([(f"file:{folder}/empty.png", bytearray())], found.schema))

    def test_rows_are_those_of_one_process(self) -> None:
        from gradcam.spark import explain_iterator, schema

        with tempfile.TemporaryDirectory() as temporary:
            folder, output = Path(temporary, "pictures"), Path(temporary, "rows")
            shutil.copytree(SAMPLES, folder / "a b", ignore=shutil.ignore_patterns("*.json"))
            bad = bad_pictures(folder)
            explain = explain_iterator(str(MODEL), folder=folder, methods=["gradcam", "layercam"])
            self.assertEqual(explain.schema, schema)
            self.pictures(folder).mapInPandas(explain, schema=schema).write.parquet(str(output))
            table = rows.read(output)
            self.assertEqual(lines(table), expected(folder, "gradcam", "layercam"))
            self.assertEqual({row["image"] for row in table.to_pylist() if row["error"]}, bad)

    def test_files_are_read_by_their_paths(self) -> None:
        from gradcam.spark import explain_iterator, schema

        names = self.spark.createDataFrame([(f"file:{PICTURE}",), (f"file:{SAMPLES}/missing.png",)], "path string")
        made = names.mapInPandas(explain_iterator(str(MODEL), folder=SAMPLES), schema=schema).collect()
        self.assertEqual({row.image: row.error is None for row in made}, {PICTURE.name: True, "missing.png": False})

    def test_maps_and_pictures_are_columns(self) -> None:
        import numpy as np

        import gradcam
        from gradcam.spark import explain_iterator

        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(PICTURE, folder)
            bad_pictures(Path(folder))
            explain = explain_iterator(str(MODEL), folder=folder, maps=True, pictures=True)
            made = self.pictures(Path(folder)).mapInPandas(explain, schema=explain.schema).collect()
        good = [row for row in made if row.error is None]
        self.assertEqual((len(made), len(good)), (4, 1))
        truth = gradcam.Model(MODEL)(PICTURE).explain()
        np.testing.assert_array_equal(np.float32(good[0]["map"]).reshape(good[0].map_shape), truth.map)
        self.assertTrue(bytes(good[0].picture).startswith(b"\x89PNG"))


if __name__ == "__main__":
    unittest.main()
