"""Tests of gradcam.ray, which need Ray; see test_package.py."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from test_rows import MODEL, PICTURE, ROOT, SAMPLES, bad_pictures, expected

from gradcam import rows

HAS_ARROW = importlib.util.find_spec("pyarrow") is not None
HAS_RAY = HAS_ARROW and importlib.util.find_spec("ray") is not None


def at_usual_priority() -> None:
    """Lets Ray's workers run at the priority of this process; as a rule they come after everything else."""
    os.environ["RAY_worker_niceness"] = "0"


def lines(table: Any) -> list[str]:
    return sorted(rows.line(row) for row in table.to_pylist())


@unittest.skipUnless(HAS_ARROW, "needs pyarrow")
class ExplainerTests(unittest.TestCase):
    """The class alone, which needs no Ray."""

    def setUp(self) -> None:
        from gradcam.ray import Explainer

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.explainer = Explainer

    def test_bad_pictures_cost_one_row_each(self) -> None:
        bad = bad_pictures(self.folder)
        for name in ("a.png", "z.png"):
            shutil.copy(PICTURE, self.folder / name)
        files = sorted(self.folder.iterdir())
        explain = self.explainer(str(MODEL), folder=self.folder)
        table = explain({"path": [str(path) for path in files], "bytes": [path.read_bytes() for path in files]})
        self.assertEqual(lines(table), expected(self.folder))
        self.assertEqual({row["image"] for row in table.to_pylist() if row["error"]}, bad)
        # Files are read by their paths, too, of which one cannot be.
        by_path = explain({"path": [*(f"file://{path}" for path in files), f"{self.folder}/missing.png"]})
        self.assertEqual(lines(by_path.slice(0, len(files))), lines(table))
        missing = by_path.to_pylist()[-1]
        self.assertEqual((missing["image"], missing["sha256"], missing["method"]), ("missing.png", None, None))
        self.assertIsNotNone(missing["error"])

    def test_maps_and_pictures_are_columns(self) -> None:
        import numpy as np

        import gradcam

        explain = self.explainer(str(MODEL), maps=True, pictures=True, methods=["gradcam", "layercam"])
        table = explain({"path": [str(PICTURE)], "bytes": [PICTURE.read_bytes()]})
        truth = gradcam.Model(MODEL)(PICTURE).explain_all(methods=["gradcam", "layercam"])
        for row, one in zip(table.to_pylist(), truth, strict=True):
            np.testing.assert_array_equal(np.float32(row["map"]).reshape(row["map_shape"]), one.map)
            self.assertEqual(row["method"], one.method)
            self.assertTrue(row["picture"].startswith(b"\x89PNG"))

    def test_a_picture_elsewhere_is_an_error(self) -> None:
        import gradcam

        with self.assertRaises(gradcam.UsageError):
            self.explainer(str(MODEL), folder=self.folder)({"path": [str(PICTURE)]})


@unittest.skipUnless(HAS_RAY, "needs ray")
class RayTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        import ray

        at_usual_priority()
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
        ray.data.DataContext.get_current().enable_progress_bars = False

    @classmethod
    def tearDownClass(cls) -> None:
        import ray

        ray.shutdown()

    def test_rows_are_those_of_one_process(self) -> None:
        import ray

        from gradcam.ray import Explainer

        with tempfile.TemporaryDirectory() as temporary:
            folder, output = Path(temporary, "pictures"), Path(temporary, "rows")
            shutil.copytree(SAMPLES, folder / "a b", ignore=shutil.ignore_patterns("*.json"))
            bad = bad_pictures(folder)
            made = ray.data.read_binary_files(str(folder), include_paths=True).map_batches(
                Explainer, fn_constructor_kwargs={"model": str(MODEL), "folder": str(folder), "methods": ["gradcam", "layercam"]},
                batch_size=8, compute=ray.data.ActorPoolStrategy(size=1))
            made.write_parquet(str(output))
            table = rows.read(output)
            self.assertEqual(lines(table), expected(folder, "gradcam", "layercam"))
            self.assertEqual({row["image"] for row in table.to_pylist() if row["error"]}, bad)

    def test_arrays_are_explained(self) -> None:
        import ray

        from gradcam.ray import Explainer

        made = ray.data.read_images([str(PICTURE)], include_paths=True).map_batches(
            Explainer, fn_constructor_kwargs={"model": str(MODEL)}, compute=ray.data.ActorPoolStrategy(size=1)).take_all()
        self.assertEqual([(row["image"], row["label"], row["sha256"]) for row in made], [(str(PICTURE), made[0]["label"], None)])


@unittest.skipUnless(HAS_RAY and importlib.util.find_spec("ray.data.checkpoint"), "needs ray with checkpoints")
class ExampleTests(unittest.TestCase):
    def test_it_goes_on_after_a_crash(self) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder, output = Path(temporary, "pictures"), Path(temporary, "rows")
            folder.mkdir()
            pictures = sorted(SAMPLES.glob("*.png"))
            for index in range(200):
                shutil.copy(pictures[index % len(pictures)], folder / f"{index}.png")
            command = [sys.executable, ROOT / "examples" / "ray_explain.py", MODEL, folder, output, "--actors", "1",
                       "--method", "layercam"]
            at_usual_priority()
            with open(Path(temporary, "log"), "w") as log:
                first = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                while first.poll() is None and not list(output.glob("*.parquet")):
                    time.sleep(0.02)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(first.pid, signal.SIGKILL)
                first.wait()
                subprocess.run(command, stdout=log, stderr=log, check=True)
            table = rows.read(output)
            self.assertEqual(lines(table), expected(folder, "layercam"))
            self.assertEqual(json.loads(lines(table)[0])["method"], "layercam")


if __name__ == "__main__":
    unittest.main()
