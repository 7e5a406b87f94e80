#!/usr/bin/env python3
"""Writes metrics.json: what scipy, scikit-image, TorchCAM and pytorch-grad-cam say of fixed maps.

Needs what methods/make_trained.py needs, scipy and scikit-image.
"""
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.stats
import skimage.measure
import skimage.metrics
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "methods"))

import make_trained  # noqa: E402
from pytorch_grad_cam.metrics import road  # noqa: E402
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget  # noqa: E402
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric  # noqa: E402

RANDOM = np.random.default_rng(1)


def smooth(height, width, sigma):
    noise = scipy.ndimage.gaussian_filter(RANDOM.normal(size=(height, width)), sigma)
    return np.round((noise - noise.min()) / (noise.max() - noise.min()), 4).astype(np.float32)


def numbers(values):
    return [round(float(each), 6) for each in values.ravel()]


def rectified(values):
    return np.round(np.maximum(values - 0.4, 0) / 0.6, 4).astype(np.float32)


def top(values):
    order = np.argsort(-values.ravel(), kind="stable")[:round(0.2 * values.size)]
    mask = np.zeros(values.size, bool)
    mask[order] = True
    return mask & (values.ravel() > 0)


def agreement(first, second):
    one, other = top(first), top(second)
    doubles = [each.astype(np.float64).ravel() for each in (first, second)]
    return {
        "height": first.shape[0], "width": first.shape[1], "first": numbers(first), "second": numbers(second),
        "pearson": float(scipy.stats.pearsonr(*doubles)[0]),
        "spearman": float(scipy.stats.spearmanr(*doubles)[0]),
        "ssim": float(skimage.metrics.structural_similarity(first.astype(np.float64), second.astype(np.float64), data_range=1)),
        "iou": float((one & other).sum() / (one | other).sum()),
    }


def component(values):
    labels = skimage.measure.label(values > np.float32(0.15) * values.max())
    largest = max(skimage.measure.regionprops(labels), key=lambda region: region.area)
    top, left, bottom, right = (int(each) for each in largest.bbox)
    return {"height": values.shape[0], "width": values.shape[1], "map": numbers(values),
            "box": [left, top, right, bottom]}


def imputation():
    """An image of three channels of which a part is not known, and what pytorch-grad-cam puts there."""
    image = np.stack([smooth(19, 26, 1.5) for _ in range(3)])
    known = (smooth(19, 26, 2.5) > 0.62).astype(np.float32)
    imputer = NoisyLinearImputer(noise=0)
    filled = imputer(torch.from_numpy(image), torch.from_numpy(known)).numpy()
    return {"width": 26, "planes": [numbers(plane) for plane in image], "known": numbers(known),
            "imputed": [numbers(plane) for plane in filled]}


class Extractor:
    """Gives a map that is there already, as TorchCAM's extractors give theirs."""

    def __init__(self, model, map):
        self.model, self.map = model, map

    def __call__(self, class_idx, scores, **_):
        return [self.map]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return torch.no_grad()


def blurred(image):
    """RISE's blur."""
    at = torch.arange(11) - 5.0
    bell = torch.exp(-at**2 / 50)
    kernel = torch.outer(bell, bell)
    weight = (kernel / kernel.sum()).expand(image.shape[1], 1, 11, 11)
    return torch.nn.functional.conv2d(image, weight, padding=5, groups=image.shape[1])


def faithfulness(model, picture, target):
    network = {"shapes-vgg.onnx": make_trained.vgg, "shapes-resnet.onnx": make_trained.resnet}[model]()
    image = make_trained.prepared(picture)
    # A bell round a centre; no two values are equal, as pytorch-grad-cam's thresholds need it.
    y, x = np.mgrid[:96, :96]
    center = np.round(RANDOM.uniform(20, 76, 2), 4)
    values = np.exp(-((x - center[0])**2 + (y - center[1])**2) / 900).astype(np.float32)
    map, softmax = torch.from_numpy(values)[None], partial(torch.softmax, dim=-1)
    found = {}
    metric = ClassificationMetric(Extractor(network, map), softmax)
    metric.update(image, target)
    found["average-drop"], found["increase"] = metric.summary()["avg_drop"], metric.summary()["conf_increase"]
    for name, baseline in ("deletion", None), ("insertion", blurred):
        metric = DeletionInsertionMetric(Extractor(network, map), softmax, baseline=baseline)
        metric.update(image, target)
        found[name] = metric.summary()[f"{name}_auc"]
    road.NoisyLinearImputer.__init__.__defaults__ = (0.0, *road.NoisyLinearImputer.__init__.__defaults__[1:])
    with torch.no_grad():
        found["road"] = float(ROADCombined()(image, values[None], [ClassifierOutputSoftmaxTarget(target)], network)[0])
    return {"model": model, "picture": picture, "class": target, "center": center.tolist(),
            "metrics": {name: float(value) for name, value in found.items()}}


def main():
    first, second = smooth(24, 30, 3), smooth(24, 30, 3)
    near = np.round(np.clip(first + 0.2 * second, 0, 1), 2).astype(np.float32)
    contents = {
        "agreement": [agreement(first, second), agreement(first, near), agreement(rectified(first), rectified(near)),
                      agreement(rectified(first), rectified(second))],
        "components": [component(rectified(smooth(20, 25, 2))) for _ in range(3)],
        "imputation": imputation(),
        "faithfulness": [
            faithfulness("shapes-vgg.onnx", "samples/single-003-star.png", 3),
            faithfulness("shapes-resnet.onnx", "samples/single-003-star.png", 3),
            faithfulness("shapes-resnet.onnx", "samples/pair-006-star-cross.png", 4),
        ],
    }
    (HERE / "metrics.json").write_text(json.dumps(contents, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
