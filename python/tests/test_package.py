"""Tests of the package: run with unittest, LIBGRADCAM naming the library and GRADCAM the program.

What Python gets is, bit for bit, what the program writes.
"""

import gc
import os
import pickle
import signal
import subprocess
import tempfile
import threading
import unittest
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import gradcam

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "shapes-resnet.onnx"
PICTURE = ROOT / "models" / "samples" / "pair-006-star-cross.png"
OTHER = ROOT / "models" / "samples" / "pair-000-square-star.png"
FIXTURES = ROOT / "Tests" / "CommandTests" / "Fixtures"
PROGRAM = os.environ.get("GRADCAM", "gradcam")


def program(*arguments: str, model: "Path | str" = MODEL, picture: "Path | None" = PICTURE
            ) -> tuple[np.ndarray, np.ndarray]:
    """The map at the node and the map as drawn, 0 where the network does not look."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = [] if picture is None else [picture]
        subprocess.run([PROGRAM, "explain", model, *pictures, "--save-map", f"{folder}/map.npy", "--save-heat",
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

    def test_boxes_and_their_parts_equal_the_programs(self) -> None:
        for name, target, metric in (("masks", "mask:0", "deletion"), ("pose", "keypoint:0,1", "insertion")):
            with self.subTest(name=name), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                path, picture = FIXTURES / f"{name}.onnx", FIXTURES / "disc.png"
                seen = gradcam.Model(path, threads=2)(picture)
                made = [seen.explain(target=target), seen.explain(detection=0)]
                for one, arguments in zip(made, (("--target", target), ("--detection", "0")), strict=True):
                    own_map, heat = program(*arguments, model=path, picture=picture)
                    np.testing.assert_allclose(one.map, own_map, rtol=1e-5)
                    np.testing.assert_allclose(one.heat, heat, atol=1e-5)
                    self.assertEqual(one.method, "odam")
                swept = seen.sweep(target=target)
                self.assertEqual({one.method for one in swept}, {"odam"})
                self.assertEqual({one.target for one in swept}, {made[0].target})
                self.assertTrue(np.isfinite(seen.measure(made, metric)).all())

    def test_several_at_once(self) -> None:
        made = self.seen.explain_all(["star", 4], nodes=["layer1", "auto"], methods=["gradcam", "layercam"])
        self.assertEqual([(one.label, one.method) for one in made],
                         [(name, method) for name in ["star", "cross"] for _ in range(2)
                          for method in ["gradcam", "layercam"]])
        swept = self.seen.sweep("star")
        self.assertEqual(len(swept), sum(node.is_mappable for node in self.model.nodes))
        self.assertTrue({"layer1.0.relu:0", "layer3.0.relu:1"} <= {one.node for one in swept})
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
            wide = self.seen.explain("star").overlay("side-by-side", colormap="gray")
            self.assertEqual(wide.shape, (truth.shape[0], 2 * truth.shape[1], 3))
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
        self.assertIn("<td>star</td>", self.seen._repr_html_())
        self.assertIn("shapes-resnet", repr(self.model))
        self.assertIn("<figure", self.seen.explain()._repr_html_())
        self.assertEqual(repr(pickle.loads(pickle.dumps(self.model))), repr(self.model))

    def test_version_is_the_librarys(self) -> None:
        project = (ROOT / "python" / "pyproject.toml").read_text()
        self.assertIn(f'\nversion = "{gradcam.__version__}"\n', project)

    def test_notes_are_shown_once(self) -> None:
        model = gradcam.Model(MODEL)
        wrong = model(np.full(model.input_shape, np.nan, dtype=np.float32))
        with self.assertWarns(gradcam.NoteWarning) as caught:
            made = wrong.explain("star")
        self.assertEqual(caught.filename, __file__)
        self.assertIn(str(caught.warning), [note.text for note in made.notes])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            wrong.explain("star")
            self.assertTrue(self.model(PICTURE).sweep("star"))

    def test_metrics(self) -> None:
        explanation = self.seen.explain("cross")
        inside = self.seen.measure([explanation], "energy-inside", [gradcam.Box(0, 0, 240, 240)])[0]
        self.assertAlmostEqual(inside, 1, places=5)
        self.assertEqual(self.seen.measure([explanation], "energy-inside", [(0, 0, 240, 240)]), [inside])
        for maps, metric in [([self.model(OTHER).explain("cross")], "average-drop"), ([explanation], "pointing-game")]:
            with self.assertRaises(gradcam.UsageError):
                self.seen.measure(maps, metric)

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

    def test_many_pictures(self) -> None:
        fractions: list[float] = []
        made = self.model.explain_many([PICTURE, OTHER, "missing.png", PICTURE], ["star"], methods=["gradcam", "layercam"],
                                       progress=fractions.append)
        for picture, maps in zip([PICTURE, OTHER, None, PICTURE], made, strict=True):
            if picture is None:
                self.assertIsInstance(maps, gradcam.ReadError)
                self.assertIn("missing.png", str(maps))
                continue
            for one, method in zip(maps, ["gradcam", "layercam"], strict=True):
                np.testing.assert_array_equal(one.map, self.model(picture).explain("star", method=method).map)
        self.assertTrue(all(0 <= fraction <= 1 for fraction in fractions))
        self.assertEqual(self.model.explain_many([]), [])
        with self.assertRaises(gradcam.UsageError):
            self.model.explain_many([PICTURE], ["dog"])

        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.model.explain_many([PICTURE] * 8, methods=["scorecam"], progress=interrupt)

    def test_several_inputs(self) -> None:
        pair = gradcam.Model(FIXTURES / "two-pictures.onnx")
        self.assertEqual([(one.name, one.takes_image) for one in pair.inputs], [("left", True), ("right", True)])
        picture, other = FIXTURES / "disc.png", FIXTURES / "pixel.png"
        made = pair(picture, others={"right": other}).explain(node="right.relu2")
        truth, _ = program("--image", f"right={other}", "--node", "right.relu2", model=pair.path, picture=picture)
        np.testing.assert_array_equal(made.map, truth)
        with self.assertRaises(gradcam.UsageError):
            pair(picture)
        with self.assertRaises(gradcam.UsageError):
            pair(picture, others={"middle": other})

        image, offset = np.load(FIXTURES / "image.npy"), np.load(FIXTURES / "offset.npy")
        model = gradcam.Model(FIXTURES / "two-inputs.onnx", inputs={"offset": offset})
        self.assertEqual(model.inputs[1], gradcam.Input("offset", "float32", (1, 6), False))
        best = model(image).top(1)[0]
        shifted = gradcam.Model(FIXTURES / "two-inputs.onnx", inputs={"offset": offset + 100 * np.arange(6)})
        self.assertNotEqual(shifted(image).top(1)[0].logit, best.logit)
        truth, _ = program("--tensor", str(FIXTURES / "image.npy"), "--tensor", f"offset={FIXTURES / 'offset.npy'}",
                           model=model.path, picture=None)
        np.testing.assert_array_equal(model(image).explain(best.index).map, truth)
        with self.assertRaises(gradcam.UsageError):
            gradcam.Model(FIXTURES / "two-inputs.onnx", inputs={"image": image})

        two = gradcam.Model(FIXTURES / "two-images.onnx")
        both = np.concatenate([image, -image])
        first, second = two(both).explain(1), two(both, item=1).explain(1)
        self.assertFalse(np.array_equal(first.map, second.map))
        np.testing.assert_allclose(two(both[::-1], item=1).explain(1).map, first.map, rtol=1e-5)
        with self.assertRaises(gradcam.UsageError):
            two(both, item=2)

    def test_signals_and_volumes(self) -> None:
        networks = ROOT / "Tests" / "GradCAMTests" / "Fixtures" / "signals"
        generator = np.random.default_rng(3)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, shape in (("ecg", (1, 12, 70)), ("volume", (1, 1, 5, 9, 8)), ("bands", (1, 6, 12, 10))):
                given = generator.normal(size=shape).astype(np.float32)
                np.save(f"{folder}/{name}.npy", given)
                model = gradcam.Model(networks / f"{name}.onnx", threads=2)
                asked = "output[0,1]"
                seen = model(given).explain(target=asked)
                own_map, heat = program("--tensor", f"{folder}/{name}.npy", "--target", asked,
                                        model=networks / f"{name}.onnx", picture=None)
                np.testing.assert_array_equal(seen.map, own_map)
                np.testing.assert_array_equal(seen.heat, heat)
                self.assertEqual(seen.heat.shape, shape[2:])
                self.assertEqual(model(given[0]).explain(target=asked).heat.shape, shape[2:])
                self.assertEqual(seen.overlay().dtype, np.uint8)
                self.assertFalse(np.array_equal(seen.overlay(), seen.overlay(show=[1])) and name != "volume")
                self.assertEqual(seen.overlay("side-by-side").shape[1], 2 * seen.overlay().shape[1])
                with self.assertRaises(gradcam.UsageError):
                    seen.overlay(show=[99])
                with self.assertRaises(gradcam.DataError):
                    model(given[:, :, None])

    def test_axes_and_sizes_of_volumes(self) -> None:
        path = ROOT / "Tests" / "GradCAMTests" / "Fixtures" / "signals" / "volume.onnx"
        scan = ROOT / "Tests" / "GradCAMTests" / "Fixtures" / "numbers" / "nifti2.nii.gz"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for axes, shape in ((None, (4, 3, 5)), ("xyz", (4, 3, 5)), ("zyx", (5, 3, 4))):
                model = gradcam.Model(path, axes=axes, size=(12, 10, 6), threads=2)
                self.assertEqual(model.input_shape[2:], (6, 10, 12))
                seen = pickle.loads(pickle.dumps(model))(scan).explain()
                own_map, heat = program(*(() if axes is None else ("--axes", axes)), model=path, picture=scan)
                np.testing.assert_array_equal(seen.map, own_map)
                np.testing.assert_array_equal(seen.heat, heat)
                self.assertEqual(seen.heat.shape, shape)
            with self.assertRaises(gradcam.UsageError):
                gradcam.Model(path, axes="yxz")
            with self.assertRaises(ValueError):
                gradcam.Model(path, size=(1, 2, 3, 4))
            self.assertEqual(gradcam.Model(path.with_name("ecg.onnx"), size=(96,)).input_shape, (1, 12, 96))

    def test_drift(self) -> None:
        files = ROOT / "Tests" / "GradCAMTests" / "Fixtures" / "drift"
        found = gradcam.drift(gradcam.Model(files / "float.onnx", node="relu3"), files / "broken.onnx", [PICTURE, OTHER])
        self.assertEqual((found.breaks, found.nodes[0]["node"]), ("relu3", "relu3"))
        self.assertLess(found.nodes[0]["own_snr"], 10)
        self.assertIn("breaks at relu3", repr(found))
        honest = gradcam.drift(files / "float.onnx", files / "qdq.onnx", PICTURE)
        self.assertIsNone(honest.breaks)
        self.assertEqual(honest.summary["agreement"], 1)
        with tempfile.TemporaryDirectory() as folder:
            for name, start in [("r.html", b"<!"), ("r.json", b"{")]:
                found.save(Path(folder, name))
                self.assertTrue(Path(folder, name).read_bytes().startswith(start))
            with self.assertRaises(ValueError):
                found.save(Path(folder, "r.png"))
        with self.assertRaises(gradcam.UsageError):
            gradcam.drift(MODEL, files / "float.onnx", PICTURE)

    def test_comparison_and_evaluation(self) -> None:
        other = gradcam.Model(ROOT / "models" / "shapes-vgg.onnx", node="features.10")
        compared = gradcam.compare([self.model, other], [PICTURE, OTHER], cls="star", metric=["average-drop"])
        self.assertEqual([model["node"] for model in compared.models], ["layer3.0.relu", "features.10"])
        self.assertEqual({image["label"] for image in compared.images}, {"star"})
        self.assertIn("features.10", compared._repr_html_())
        with tempfile.TemporaryDirectory() as folder:
            for name, start in [("r.html", b"<!"), ("r.png", b"\x89PNG"), ("r.json", b"{")]:
                compared.save(Path(folder, name))
                self.assertTrue(Path(folder, name).read_bytes().startswith(start))
            with self.assertRaises(ValueError):
                compared.save(Path(folder, "r.txt"))
        with self.assertRaises(gradcam.ReadError) as caught:
            gradcam.compare(["missing.onnx"], [PICTURE])
        self.assertIn("missing.onnx", str(caught.exception))

        evaluated = self.model.evaluate(PICTURE.parent, metric=["average-drop"], method=["gradcam", "layercam"], limit=3)
        self.assertEqual((evaluated.images, evaluated.skipped, len(evaluated.lines)), (3, 0, 9))
        self.assertEqual([one.method for one in evaluated.means], ["gradcam", "layercam", "random"])
        self.assertEqual([(one.rank, one.beats_random) for one in evaluated.means], [(None, None)] * 3)
        told = self.model.evaluate(PICTURE.parent, metric=["insertion"], limit=6).means
        self.assertEqual([(one.rank, one.beats_random) for one in told], [((1, 1), True), ((2, 2), None)])
        with self.assertRaises(TypeError):
            self.model.evaluate(PICTURE.parent, fail_if="insertion<0.5")
        self.assertIn("<td>layercam</td>", evaluated._repr_html_())
        self.assertEqual(evaluated.clusters, [])
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "groups.html")
            grouped = self.model.evaluate(PICTURE.parent, metric=["none"], cls="star", limit=8, clusters=2, report=page)
            self.assertIn("<title>", page.read_text(encoding="utf-8"))
        self.assertEqual([(one["label"], one["method"]) for one in grouped.clusters], [("star", "gradcam")])
        self.assertEqual(sum(one["size"] for one in grouped.clusters[0]["groups"]), grouped.clusters[0]["maps"])
        line = evaluated.lines[0]
        seen = self.model(PICTURE.parent / line["image"])
        made = seen.explain(line["class"], method=line["method"])
        self.assertAlmostEqual(seen.measure([made], "average-drop")[0], line["metrics"]["average-drop"], places=4)

    def test_signals_end_the_work_with_what_their_handlers_raise(self) -> None:
        class Alarm(Exception):
            pass

        def ring(_: int, __: object) -> None:
            raise Alarm

        before = signal.signal(signal.SIGALRM, ring)
        # Whoever starts the tests may have blocked or ignored them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM, signal.SIGINT])
        interruption = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for work in [lambda: self.seen.explain(method="sscam"),
                         lambda: self.model.explain_many([PICTURE] * 40, methods=["scorecam"])]:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                with self.assertRaises(Alarm):
                    work()
            pid = os.getpid()
            timer = threading.Timer(0.05, os.kill, (pid, signal.SIGINT))
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                self.seen.explain(method="sscam")
            timer.join()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            signal.signal(signal.SIGINT, interruption)

    def test_what_users_give(self) -> None:
        pixels = np.zeros((96, 96, 3), dtype=np.float32)
        for array in [pixels, pixels[None], pixels.ravel(), np.zeros((2, 3, 96, 96), dtype=np.float32)]:
            with self.subTest(shape=array.shape), self.assertRaises(gradcam.UsageError) as caught:
                self.model(array)
            self.assertIn("1 x 3 x 96 x 96", str(caught.exception))
        self.assertEqual(self.model(pixels.transpose(2, 0, 1)).top(1)[0].index,
                         self.model(pixels.transpose(2, 0, 1)[None]).top(1)[0].index)
        best = self.seen.top(1)[0]
        truth = self.seen.explain(best.index).map
        node = next(one for one in self.model.nodes if one.is_auto)
        for one in [self.seen.explain(best), self.seen.explain(np.int64(best.index)),
                    self.seen.explain_all("cross", nodes=node, methods="gradcam")[0]]:
            np.testing.assert_array_equal(one.map, truth)
        for wrong in [lambda: self.seen.explain(top=2), lambda: self.seen.explain(nodes=["auto"]),
                      lambda: self.model.explain_many(PICTURE), lambda: gradcam.compare(MODEL, PICTURE, report="r.html")]:
            with self.assertRaises(TypeError):
                wrong()
        for wrong in [lambda: self.seen.explain(contrast=("star", "cross", "moon")), lambda: self.seen.explain("star\0"),
                      lambda: self.model(f"{PICTURE}\0"), lambda: self.seen.explain().save("map.jpg"),
                      lambda: gradcam.set_memory_limit(-1)]:
            with self.assertRaises(ValueError):
                wrong()
        with self.assertRaises(gradcam.UsageError) as misspelt:
            gradcam.compare([MODEL], [PICTURE], metrics=["road"])
        self.assertIn("--metrics", str(misspelt.exception))
        with self.assertRaises(gradcam.UsageError) as unknown:
            self.seen.explain("mooon")
        self.assertIn("cls 'mooon'", str(unknown.exception))
        sized = gradcam.Model(MODEL, resize=64, crop=(64, 64), preset="raw")
        self.assertEqual((sized.preprocessing.resize, sized.preprocessing.crop), ("64", "64x64"))

    def test_threads_take_turns(self) -> None:
        truth = {name: self.seen.explain(name).heat for name in ["star", "cross"]}

        def work(index: int) -> bool:
            name = ["star", "cross"][index % 2]
            mine, shared = self.model(PICTURE).explain(name), self.seen.explain(name)
            self.assertEqual(self.model._node(index % 8).index, index % 8)
            return np.array_equal(mine.heat, truth[name]) and np.array_equal(shared.heat, truth[name])

        with ThreadPoolExecutor(8) as pool:
            self.assertTrue(all(pool.map(work, range(64))))
            explanation = self.seen.explain("star")
            self.assertEqual(len({one.tobytes() for one in pool.map(lambda _: explanation.overlay(), range(16))}), 1)

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

    def test_maps_end_without_a_collection_of_garbage(self) -> None:
        explanation = self.seen.explain()
        _ = explanation.heat, explanation.map, explanation.activation, explanation.gradient
        ended = weakref.ref(explanation._handle)
        gc.disable()
        try:
            heat = explanation.heat
            del explanation, _
            self.assertIsNotNone(ended())
            del heat
            self.assertIsNone(ended())
        finally:
            gc.enable()

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
