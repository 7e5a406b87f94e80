"""Tests of the package: run with unittest, LIBGRADCAM naming the library and GRADCAM the program.

What Python gets is, bit for bit, what the program writes.
"""

import gc
import os
import pickle
import subprocess
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import gradcam

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "shapes-resnet.onnx"
PICTURE = ROOT / "models" / "samples" / "pair-006-star-cross.png"
OTHER = ROOT / "models" / "samples" / "pair-000-square-star.png"
PROGRAM = os.environ.get("GRADCAM", "gradcam")


def program(*arguments: str) -> tuple[np.ndarray, np.ndarray]:
    """The map at the node and the map as drawn, 0 where the network does not look."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([PROGRAM, "explain", MODEL, PICTURE, "--save-map", f"{folder}/map.npy", "--save-heat",
                        f"{folder}/heat.npy", "--output", f"{folder}/o.png", *arguments], check=True,
                       capture_output=True)
        return np.load(f"{folder}/map.npy"), np.nan_to_num(np.load(f"{folder}/heat.npy"))


class PackageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.model = gradcam.Model(MODEL, threads=2)
        cls.seen = cls.model(PICTURE)

    def expect_equal(self, explanation: gradcam.Explanation, *arguments: str) -> None:
        own_map, heat = program(*arguments)
        np.testing.assert_array_equal(explanation.map, own_map)
        np.testing.assert_array_equal(explanation.heat, heat)

    def test_maps_equal_the_programs(self) -> None:
        for method in ["gradcam", "gradcam++", "layercam", "hirescam", "eigencam", "fullgrad", "scorecam"]:
            for node in ["auto", "layer1", "layer2.0.conv1"]:
                with self.subTest(method=method, node=node):
                    self.expect_equal(self.seen.explain(node=node, method=method), "--method", method, "--node", node)

    def test_targets_equal_the_programs(self) -> None:
        explain = self.seen.explain
        self.expect_equal(explain("star"), "--class", "star")
        self.expect_equal(explain(4, of_probability=True), "--class", "4", "--score", "probability")
        self.expect_equal(explain("star", counterfactual=True), "--class", "star", "--counterfactual")
        self.expect_equal(explain(contrast=("star", "cross")), "--contrast", "star,cross")
        self.expect_equal(explain(embedding=OTHER), "--embedding", str(OTHER))
        self.expect_equal(explain("star", compat="captum"), "--class", "star", "--compat", "captum")
        self.expect_equal(explain("star", smooth=["eigen"]), "--class", "star", "--smooth", "eigen")

    def test_several_at_once(self) -> None:
        made = self.seen.explain_all(["star", 4], nodes=["layer1", "auto"], methods=["gradcam", "layercam"])
        self.assertEqual([(one.label, one.method) for one in made],
                         [(name, method) for name in ["star", "cross"] for _ in range(2)
                          for method in ["gradcam", "layercam"]])
        swept = self.seen.sweep("star")
        self.assertEqual(len(swept), sum(node.is_mappable for node in self.model.nodes))
        fused = self.seen.explain_all(["star"], nodes=["layer1", "layer2"], fuse="mean")
        self.assertEqual(len(fused), 1)
        with self.assertRaises(gradcam.UnsupportedError):
            _ = fused[0].gradient

    def test_arrays(self) -> None:
        explanation = self.seen.explain(node="layer3")
        rows, columns = explanation.map.shape
        self.assertEqual(explanation.activation.shape[1:], (rows, columns))
        weights = explanation.gradient.mean(axis=(1, 2))
        own = np.maximum(np.tensordot(weights, explanation.activation, 1), 0)
        np.testing.assert_allclose(explanation.map, own, rtol=1e-4, atol=1e-6)
        heat, before = explanation.heat, explanation.heat.copy()
        self.assertFalse(heat.flags.writeable)
        del explanation
        gc.collect()
        np.testing.assert_array_equal(heat, before)

    def test_pictures(self) -> None:
        truth = self.seen.explain("star").heat
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drawn.png"
            drawn = self.seen.explain("star").overlay()
            self.seen.explain("star").save(path)
            self.assertEqual(drawn.shape, (*truth.shape, 3))
            self.assertEqual(path.read_bytes()[:4], b"\x89PNG")
            # What was drawn is a picture like any other.
            np.testing.assert_array_equal(self.model(path).explain("star").heat, self.model(drawn).explain("star").heat)
        with self.assertRaises(TypeError):
            self.model(np.zeros((4, 4), dtype=np.int32))
        tensor = np.zeros(self.model.input_shape, dtype=np.float64)
        self.assertEqual(self.model(tensor).explain("star").heat.shape, self.model.input_shape[2:])

    def test_what_models_know(self) -> None:
        self.assertEqual(self.model.labels[3], "star")
        self.assertEqual(self.model.metadata["gradcam.range"], "1")
        self.assertEqual(self.model.preprocessing.channels, "rgb")
        self.assertTrue(any(node.module == "layer3" or node.is_auto for node in self.model.nodes))
        best = self.seen.top(3)
        self.assertEqual([one.label for one in best][:2], ["cross", "star"])
        self.assertIn("cross", repr(self.seen))
        self.assertIn("shapes-resnet", repr(self.model))
        self.assertIn("<figure", self.seen.explain()._repr_html_())
        self.assertEqual(repr(pickle.loads(pickle.dumps(self.model))), repr(self.model))

    def test_version_is_the_librarys(self) -> None:
        project = (ROOT / "python" / "pyproject.toml").read_text()
        self.assertIn(f'\nversion = "{gradcam.__version__}"\n', project)

    def test_metrics(self) -> None:
        explanation = self.seen.explain("cross")
        inside = self.seen.measure([explanation], "energy-inside", [gradcam.Box(0, 0, 240, 240)])[0]
        self.assertAlmostEqual(inside, 1, places=5)

    def test_errors(self) -> None:
        with self.assertRaises(gradcam.ReadError) as caught:
            gradcam.Model("missing.onnx")
        self.assertEqual((caught.exception.code, caught.exception.where), (66, "missing.onnx"))
        with self.assertRaises(gradcam.UsageError) as usage:
            self.seen.explain("dog")
        self.assertIn("dog", str(usage.exception))
        self.assertTrue(usage.exception.what and usage.exception.where and usage.exception.advice)
        with self.assertRaises(gradcam.UsageError):
            self.seen.explain(node="nowhere")
        with self.assertRaises(TypeError):
            self.seen.explain(nodse="auto")
        with self.assertRaises(ValueError):
            gradcam.Model(MODEL, mean=[1, 2])

    def test_progress_and_interruption(self) -> None:
        fractions: list[float] = []
        self.seen.explain(method="scorecam", progress=fractions.append)
        self.assertTrue(fractions and fractions == sorted(fractions) and fractions[-1] <= 1)

        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.seen.explain(method="scorecam", progress=interrupt)
        self.assertEqual(self.seen.explain().label, "cross")

    def test_threads(self) -> None:
        models = [gradcam.Model(MODEL, threads=1) for _ in range(4)]
        locks = [threading.Lock() for _ in models]
        truth = {name: self.model(PICTURE).explain(name).map for name in ["star", "cross"]}

        def work(index: int) -> bool:
            name = ["star", "cross"][index % 2]
            with locks[index % 4]:
                seen = models[index % 4](PICTURE)
            return np.array_equal(seen.explain(name).map, truth[name])

        with ThreadPoolExecutor(8) as pool:
            self.assertTrue(all(pool.map(work, range(64))))

    def test_objects_may_end_in_any_order(self) -> None:
        model = gradcam.Model(MODEL)
        seen = model(PICTURE)
        explanation = seen.explain()
        model.close()
        del model
        again = seen.explain()
        del seen
        gc.collect()
        np.testing.assert_array_equal(again.map, explanation.map)


if __name__ == "__main__":
    unittest.main()
