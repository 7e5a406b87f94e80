"""Tests of `Model.from_torch` and of pytorch-grad-cam's call shape; most need PyTorch, and some pytorch-grad-cam.

They check that maps are those of PyTorch's own gradients, and those of pytorch-grad-cam where it is installed.
"""

import gc
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np

import gradcam
from gradcam import pytorch_grad_cam as cams
from gradcam.pytorch_grad_cam.utils import model_targets
from gradcam.pytorch_grad_cam.utils.image import deprocess_image, show_cam_on_image

HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "onnx"))
if HAS_TORCH:
    import torch
    from torch import nn

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytorch_grad_cam as peers
        import pytorch_grad_cam.utils.model_targets as peer_targets
except (ImportError, RuntimeError):  # its torchvision may not fit the PyTorch that is installed
    peers = None


class WithoutTorchTests(unittest.TestCase):
    def test_torch_is_not_imported(self) -> None:
        code = "import sys, gradcam, gradcam.pytorch_grad_cam; sys.exit('torch' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)

    def test_pictures_under_maps(self) -> None:
        heat = np.array([[0, 0.5, 1]], dtype=np.float32)
        black = np.zeros((1, 3, 3), dtype=np.float32)
        # Jet goes from dark blue over green to dark red; the maximum of what is drawn becomes 255.
        np.testing.assert_array_equal(show_cam_on_image(black, heat, use_rgb=True),
                                      [[[0, 0, 128], [126, 255, 130], [128, 0, 0]]])
        np.testing.assert_array_equal(show_cam_on_image(black, heat)[..., ::-1],
                                      show_cam_on_image(black, heat, use_rgb=True))
        picture = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32)
        own = show_cam_on_image(picture, np.zeros((4, 5)), use_rgb=True, image_weight=1)
        np.testing.assert_array_equal(own, (255 * (picture / picture.max())).astype(np.uint8))
        for arguments in [{"img": 2 * picture + 1}, {"image_weight": 1.5}]:
            with self.assertRaises(gradcam.UsageError):
                show_cam_on_image(**{"img": picture, "mask": np.zeros((4, 5)), **arguments})
        grey = deprocess_image(np.array([[-1.0, 0, 1]]))
        np.testing.assert_array_equal(grey, [[96, 127, 158]])

    def test_questions_of_targets(self) -> None:
        row = (1, 10)
        self.assertEqual(model_targets.ClassifierOutputTarget(np.int64(3)).question(row), {"target": "scores[0,3]"})
        self.assertEqual(model_targets.ClassifierOutputSoftmaxTarget(3).question(row), {"target": "softmax[0,3]"})
        self.assertTrue(model_targets.BinaryClassifierOutputTarget(0).question((1, 1))["counterfactual"])
        self.assertFalse(model_targets.BinaryClassifierOutputTarget(1).question((1, 1))["counterfactual"])
        mask = np.eye(8)
        asked = model_targets.SemanticSegmentationTarget(2, mask).question((1, 5, 8, 8))
        self.assertEqual(asked["classes"], [2])
        for target, shape in [
            (model_targets.ClassifierOutputTarget(10), row), (model_targets.ClassifierOutputTarget(1), (1, 5, 8, 8)),
            (model_targets.RawScoresOutputTarget(), row), (model_targets.SemanticSegmentationTarget(2, mask), row),
            (model_targets.SemanticSegmentationTarget(2, mask[1:]), (1, 5, 8, 8)),
            (model_targets.SemanticSegmentationTarget(2, mask / 2), (1, 5, 8, 8)),
        ]:
            with self.subTest(target=target, shape=shape), self.assertRaises(gradcam.Error) as caught:
                target.question(shape)
            self.assertTrue(caught.exception.what and caught.exception.advice)

    def test_what_is_missing_says_so(self) -> None:
        for kind in [cams.SESS, cams.GuidedBackpropReLUModel, cams.DeepFeatureFactorization]:
            with self.assertRaises(gradcam.UnsupportedError) as caught:
                kind(model=None, target_layers=[])
            self.assertIn(kind.__name__, str(caught.exception))
        with self.assertRaises(gradcam.UnsupportedError):
            cams.AblationCAM(None, [], ratio_channels_to_ablate=0.5)


if HAS_TORCH:
    class Block(nn.Module):
        """A residual block, whose only Relu runs twice and in place."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
            self.norm = nn.BatchNorm2d(channels)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            return self.relu(x + self.conv2(self.relu(self.norm(self.conv1(x)))))

    class Net(nn.Module):
        """A classifier whose features end in a BatchNorm, which a Relu in place then overwrites, as in DenseNet."""

        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.ReLU())
            self.blocks = nn.ModuleList([Block(12), Block(12)])
            self.last = nn.BatchNorm2d(12)
            self.head = nn.Linear(12, 7)
            self.eval()
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    nn.init.normal_(module.running_mean, 0, 0.2)
                    nn.init.uniform_(module.weight, 0.5, 1.5)
                    nn.init.normal_(module.bias, 0, 0.3)

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            x = self.stem(x)
            for block in self.blocks:
                x = block(x)
            return self.head(torch.relu_(self.last(x)).mean((2, 3)) * 20)

    class Tokens(nn.Module):
        """A small transformer: a class token before 4 x 4 patches."""

        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 16, 8, stride=8)
            self.token = nn.Parameter(torch.randn(1, 1, 16))
            self.norm = nn.LayerNorm(16)
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
            self.head = nn.Linear(16, 5)

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            x = torch.cat([self.token, self.patches(x).flatten(2).transpose(1, 2)], 1)
            y = self.norm(x)
            return self.head((x + self.attention(y, y, y, need_weights=False)[0])[:, 0])


def reference(net: "nn.Module", layer: "nn.Module", image: "torch.Tensor", category: int) -> np.ndarray:
    """Grad-CAM at a layer by PyTorch's gradients: rows x columns, not scaled."""
    kept = {}

    def keep(_: object, __: object, output: "torch.Tensor") -> "torch.Tensor":
        kept["value"] = output.detach().clone().requires_grad_()
        return kept["value"].clone()

    hook = layer.register_forward_hook(keep)
    score = net(image)[0, category]
    hook.remove()
    (gradient,) = torch.autograd.grad(score, kept["value"])
    return torch.relu((gradient.mean((2, 3), keepdim=True) * kept["value"]).sum(1))[0].detach().numpy()


@unittest.skipUnless(HAS_TORCH, "needs torch and onnx")
class TorchTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        torch.manual_seed(0)
        cls.net = Net()
        cls.images = torch.randn(2, 3, 32, 32)

    def test_nodes_are_modules(self) -> None:
        model = gradcam.Model.from_torch(self.net, self.images[:1])
        for name in ["stem", "blocks.0", "blocks.1.norm", "blocks.0.conv1", "last"]:
            with self.subTest(name=name):
                found = model(self.images[:1]).explain(4, node=name).map
                wanted = reference(self.net, self.net.get_submodule(name), self.images[:1], 4)
                np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted.max())

    def test_the_network_is_left_as_it_was(self) -> None:
        net = Net().train()
        net.last.eval()
        before = {name: value.clone() for name, value in net.state_dict().items()}
        model = gradcam.Model.from_torch(net, self.images[:1])
        self.assertTrue(net.training and net.blocks[0].norm.training and not net.last.training)
        self.assertTrue(all(torch.equal(value, before[name]) for name, value in net.state_dict().items()))
        self.assertTrue(all(value.grad is None for value in net.parameters()))
        self.assertFalse(net._forward_hooks)
        net.eval()
        logits = net(self.images[:1])[0].detach()
        best = model(self.images[:1]).top(1)[0]
        self.assertEqual(best.index, int(logits.argmax()))
        self.assertAlmostEqual(best.logit, float(logits.max()), places=4)

    def test_files_of_models(self) -> None:
        model = gradcam.Model.from_torch(self.net, self.images[:1])
        folder = Path(model.path).parent
        self.assertTrue(folder.exists())
        with self.assertRaises(gradcam.UsageError):
            pickle.dumps(model)
        seen = model(self.images[:1])
        model.close()
        self.assertFalse(folder.exists())
        self.assertEqual(seen.explain(3).class_index, 3)
        folder = Path(gradcam.Model.from_torch(self.net, self.images[:1]).path).parent
        gc.collect()
        self.assertFalse(folder.exists())
        with tempfile.TemporaryDirectory() as kept:
            model = gradcam.Model.from_torch(self.net, self.images[:1], path=os.path.join(kept, "net.onnx"))
            self.assertEqual(repr(pickle.loads(pickle.dumps(model))), repr(model))
            model.close()
            self.assertTrue(Path(model.path).exists())

    def test_errors_of_the_export(self) -> None:
        class Sorted(nn.Module):
            def forward(self, x: "torch.Tensor") -> "torch.Tensor":
                return torch.tensor([x.mean((2, 3)).sum().item()])

        for example in [self.images, self.images[0], [1.0]]:
            with self.assertRaises(gradcam.UsageError) as usage:
                gradcam.Model.from_torch(self.net, example)
            self.assertIn("channels x height x width", usage.exception.advice)
        with self.assertRaises(gradcam.Error), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gradcam.Model.from_torch(Sorted(), self.images[:1])

    def test_half_precision(self) -> None:
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).half()
        model = gradcam.Model.from_torch(net, self.images[:1])
        self.assertEqual(model(self.images[:1]).explain(2, node="1").class_index, 2)
        self.assertEqual(net[0].weight.dtype, torch.float16)
        self.assertEqual(cams.GradCAM(net, [net[1]])(self.images.half()).shape, (2, 32, 32))

    def test_maps_are_those_of_each_image(self) -> None:
        with cams.GradCAM(model=self.net, target_layers=[self.net.blocks[1]]) as cam:
            both = cam(input_tensor=self.images)
            self.assertEqual((both.shape, both.dtype), ((2, 32, 32), np.float32))
            np.testing.assert_allclose(both.max(axis=(1, 2)), 1, atol=1e-5)
            self.assertTrue(torch.equal(cam.outputs, self.net(self.images)))
            best = cam.outputs.argmax(-1).tolist()
            self.assertTrue(both.flags.writeable)
            targets = [model_targets.ClassifierOutputTarget(index) for index in best]
            np.testing.assert_array_equal(cam(self.images, targets), both)
            np.testing.assert_array_equal(cam(self.images[1:], targets[1:])[0], both[1])
            with self.assertRaises(gradcam.UsageError):
                cam(self.images, targets[:1])

    def test_networks_are_exported_once_and_when_they_change(self) -> None:
        net = Net()
        cam = cams.GradCAM(net, [net.blocks[0]])
        before = cam(self.images[:1])
        model = cam._prepared.model
        other = cams.LayerCAM(net, [net.blocks[1]])
        other(self.images[:1])
        self.assertIs(other._prepared.model, model)
        with torch.no_grad():
            net.head.weight.mul_(-1)
        self.assertFalse(np.array_equal(cam(self.images[:1]), before))
        self.assertIsNot(cam._prepared.model, model)
        self.assertEqual(cam(self.images[:1, :, :24]).shape, (1, 24, 32))

    def test_layers_that_cannot_be_used(self) -> None:
        with self.assertRaises(gradcam.UsageError):
            cams.GradCAM(self.net, [nn.ReLU()])
        with self.assertRaises(gradcam.UsageError):
            cams.GradCAM(self.net, [])
        with self.assertRaises(gradcam.UsageError):  # a list is never called
            cams.GradCAM(self.net, [self.net.blocks])(self.images)
        with self.assertRaises(gradcam.UnsupportedError) as caught:
            cams.GradCAM(self.net, [self.net.last])(self.images[:1], [lambda output: output[0]])
        self.assertIn("ClassifierOutputTarget", caught.exception.advice)

    def test_overwritten_values(self) -> None:
        class Scaled(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)

            def forward(self, x: "torch.Tensor") -> "torch.Tensor":
                return self.head(self.conv(x).mul_(3).sigmoid().mean((2, 3)))

        net = Scaled().eval()
        with self.assertWarnsRegex(UserWarning, "conv: the network overwrites"):
            found = cams.GradCAM(net, [net.conv])(self.images[:1], [model_targets.ClassifierOutputTarget(1)])
        own = gradcam.Model.from_torch(net, self.images[:1])(self.images[:1]).explain(1, node="conv").heat
        np.testing.assert_allclose(found[0], own, atol=1e-5)
        self.assertIsInstance(self.net.last, nn.BatchNorm2d)  # put back, after Relus were put behind it

    def test_transforms_are_checked(self) -> None:
        torch.manual_seed(1)
        net = Tokens().eval()

        def transform(tokens: "torch.Tensor") -> "torch.Tensor":
            return tokens[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)

        image = self.images[:1]
        found = cams.GradCAM(net, [net.norm], transform)(image, [model_targets.ClassifierOutputTarget(2)])
        own = gradcam.Model.from_torch(net, image)(image).explain(2, node="norm").heat
        np.testing.assert_allclose(found[0], own, atol=1e-5)
        for wrong in [None, lambda tokens: transform(tokens).abs(), lambda tokens: transform(tokens).mT,
                      lambda tokens: 2 * transform(tokens), lambda tokens: transform(tokens)[:, :, :3]]:
            with self.assertRaises(gradcam.UnsupportedError):
                cams.GradCAM(net, [net.norm], wrong)(image)


def with_sign(projection):
    """The first principal component, whose sign is arbitrary in pytorch-grad-cam, with the sign of the channels' sum."""
    def signed(activations: np.ndarray) -> np.ndarray:
        found, total = projection(activations), activations.sum(axis=1)
        agreement = (found * (total - total.mean(axis=(1, 2), keepdims=True))).sum(axis=(1, 2), keepdims=True)
        return np.where(agreement < 0, -found, found)
    return signed


@unittest.skipUnless(HAS_TORCH and peers, "needs torch, onnx and grad-cam")
class PeerTests(unittest.TestCase):
    """Maps are those of pytorch-grad-cam."""

    @classmethod
    def setUpClass(cls) -> None:
        torch.manual_seed(0)
        cls.net = Net()
        cls.images = torch.randn(2, 3, 32, 32)
        for name, module in list(sys.modules.items()):
            if name.startswith("pytorch_grad_cam.") and hasattr(module, "get_2d_projection"):
                module.get_2d_projection = with_sign(module.get_2d_projection)

    def expect_equal(self, name: str, layers: list["nn.Module"], *, net: "nn.Module | None" = None,
                     target: str | None = None, arguments: tuple = (1,), **options: object) -> None:
        net = net or self.net
        images = self.images
        own, theirs = (getattr(library, name)(net, layers) for library in (cams, peers))
        targets = [None, None] if target is None else [
            [getattr(library, target)(*arguments) for _ in images] for library in (model_targets, peer_targets)]
        found, wanted = own(images, targets[0], **options), theirs(images, targets[1], **options)
        self.assertGreater(wanted.max(), 0.3)
        np.testing.assert_allclose(found, wanted, atol=1e-3)

    def test_methods(self) -> None:
        for name in ["GradCAM", "HiResCAM", "GradCAMElementWise", "GradCAMPlusPlus", "XGradCAM", "LayerCAM", "EigenCAM",
                     "EigenGradCAM", "SegEigenCAM", "KPCA_CAM", "FEM", "ShapleyCAM", "ScoreCAM", "AblationCAM", "FullGrad",
                     "FinerCAM", "RefineCAM"]:
            for layer in ["blocks.1", "last", "blocks.0.norm", "blocks.1.relu"]:
                if name == "AblationCAM" and layer != "blocks.1":
                    continue  # it replaces every call of a module, and the values before they are overwritten
                with self.subTest(name=name, layer=layer):
                    self.expect_equal(name, [self.net.get_submodule(layer)])

    def test_several_layers(self) -> None:
        for name in ["GradCAM", "LayerCAM", "RefineCAM"]:
            with self.subTest(name=name):
                self.expect_equal(name, [self.net.stem, self.net.blocks[0], self.net.last])

    def test_targets(self) -> None:
        layers = [self.net.blocks[1]]
        best = int(self.net(self.images)[0].argsort()[-2])
        for target in ["ClassifierOutputTarget", "ClassifierOutputSoftmaxTarget", "ClassifierOutputReST"]:
            with self.subTest(target=target):
                self.expect_equal("GradCAM", layers, target=target, arguments=(best,))

    def test_probabilities_are_explained_as_they_are(self) -> None:
        net = nn.Sequential(self.net, nn.Softmax(-1)).eval()
        self.expect_equal("GradCAM", [self.net.blocks[1]], net=net, target="ClassifierOutputTarget", arguments=(2,))
        self.expect_equal("GradCAM", [self.net.blocks[1]], net=net, target="ClassifierOutputSoftmaxTarget", arguments=(2,))

    def test_single_scores(self) -> None:
        net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 1)).eval()
        self.expect_equal("GradCAM", [net[1]], net=net, target="BinaryClassifierOutputTarget", arguments=(0,))
        self.expect_equal("GradCAM", [net[1]], net=net, target="BinaryClassifierOutputTarget", arguments=(1,))
        self.expect_equal("GradCAM", [net[1]], net=net)

    def test_segmentation(self) -> None:
        net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1)).eval()
        mask = np.zeros((32, 32), dtype=np.float32)
        mask[4:20, 8:] = 1
        self.expect_equal("GradCAM", [net[1]], net=net, target="SemanticSegmentationTarget", arguments=(2, mask))

    def test_smoothing(self) -> None:
        for name, options in [("GradCAM", {"aug_smooth": True}), ("LayerCAM", {"eigen_smooth": True}),
                              ("GradCAMPlusPlus", {"aug_smooth": True, "eigen_smooth": True})]:
            with self.subTest(name=name, options=options):
                self.expect_equal(name, [self.net.blocks[1]], **options)


if __name__ == "__main__":
    unittest.main()
