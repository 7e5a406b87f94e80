"""Makes the networks, pictures and conformance cases that the command's tests run on.

Run with a Python that has onnx, numpy and pillow; the files are written beside this script, the same ones every time.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = Path(__file__).parent
OPSET = 17


class Network:
    """A graph in the making; weights are drawn from a seeded generator."""

    def __init__(self, inputs):
        self.random = np.random.default_rng(1)
        self.inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"/{output}/{operator}", **attributes))
        return output

    def convolution(self, x, output, channels_in, channels_out, scale=0.5, stride=1):
        drawn = self.random.standard_normal((channels_out, channels_in, 3, 3)) * scale
        w = self.weight(f"{output}.weight", drawn.astype(np.float32))
        return self.add("Conv", [x, w], output, pads=[1, 1, 1, 1], strides=[stride, stride])

    def dense(self, x, output, features, classes):
        drawn = self.random.standard_normal((classes, features)).astype(np.float32)
        return self.add("Gemm", [x, self.weight(f"{output}.weight", drawn)], output, transB=1)

    def save(self, name, output, shape, metadata=None):
        self.save_all(name, [(output, shape)], metadata)

    def save_all(self, name, outputs, metadata=None):
        outputs = [
            helper.make_tensor_value_info(output, *(kind or [TensorProto.FLOAT]), shape)
            for output, shape, *kind in outputs
        ]
        graph = helper.make_graph(self.nodes, name, self.inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        helper.set_model_props(model, metadata or {})
        path = HERE / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())


METADATA = {
    "gradcam.mean": "0.5,0.5,0.5",
    "gradcam.std": "0.5,0.5,0.5",
    "gradcam.range": "1",
    "gradcam.channels": "rgb",
    "gradcam.resize": "16x16",
    "gradcam.crop": "16x16",
    "gradcam.labels": "circle\nsquare\nstar",
}


def features(network, x="image", channels=3):
    x = network.convolution(x, "conv1", channels, 4)
    x = network.add("Relu", [x], "relu1")
    x = network.convolution(x, "conv2", 4, 6, stride=2)
    return network.add("Relu", [x], "relu2")


def head(network, x, classes=3):
    x = network.add("GlobalAveragePool", [x], "pool")
    x = network.add("Flatten", [x], "flat")
    return network.dense(x, "scores", 6, classes)


def two_pictures():
    """Two pictures through the same layers; the score sees both."""
    network = Network([("left", [1, 3, 16, 16]), ("right", [1, 3, 16, 16])])
    first = network.weight("first", (network.random.standard_normal((4, 3, 3, 3)) * 0.5).astype(np.float32))
    second = network.weight("second", (network.random.standard_normal((6, 4, 3, 3)) * 0.5).astype(np.float32))
    pooled = []
    for side in ("left", "right"):
        x = network.add("Conv", [side, first], f"{side}.conv1", pads=[1, 1, 1, 1])
        x = network.add("Relu", [x], f"{side}.relu1")
        x = network.add("Conv", [x, second], f"{side}.conv2", pads=[1, 1, 1, 1], strides=[2, 2])
        x = network.add("Relu", [x], f"{side}.relu2")
        pooled.append(network.add("GlobalAveragePool", [x], f"{side}.pool"))
    x = network.add("Flatten", [network.add("Concat", pooled, "both", axis=1)], "flat")
    network.save("two-pictures", network.dense(x, "scores", 12, 3), [1, 3], METADATA)


def classifiers():
    network = Network([("image", [1, 3, 16, 16])])
    network.save("plain", head(network, features(network)), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    network.save("undescribed", head(network, features(network), 1000), [1, 1000])

    network = Network([("image", [1, 3, 16, 16])])
    network.save("wrong-metadata", head(network, features(network)), [1, 3], {**METADATA, "gradcam.mean": "0.5,half"})

    network = Network([("image", ["batch", 3, "height", "width"])])
    network.save("dynamic", head(network, features(network)), ["batch", 3], {"gradcam.mean": "0.5"})

    network = Network([("image", [1, 1, 16, 16])])
    network.save("grey", head(network, features(network, channels=1)), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    unnamed = {key: value for key, value in METADATA.items() if key != "gradcam.labels"}
    network.save("binary", head(network, features(network), 1), [1, 1], unnamed)

    network = Network([("image", [2, 3, 16, 16])])
    network.save("two-images", head(network, features(network)), [2, 3], METADATA)

    network = Network([("image", [2, 3, 16, 16])])
    x = network.add("Flatten", [network.add("GlobalAveragePool", [features(network)], "pool")], "flat")
    x = network.add("ReduceMean", [x], "film", axes=[0], keepdims=1)
    network.save("frames", network.dense(x, "scores", 6, 3), [1, 3], METADATA)

    for operator in ["Softmax", "Sigmoid"]:
        network = Network([("image", [1, 3, 16, 16])])
        scores = head(network, features(network))
        network.save(operator.lower(), network.add(operator, [scores], "probabilities"), [1, 3], METADATA)

    network = Network([("image", [1, 16, 16, 3])])
    x = network.add("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    x = network.add("Transpose", [features(network, x)], "pixels", perm=[0, 2, 3, 1])
    x = network.add("ReduceMean", [x], "mean", axes=[1, 2], keepdims=0)
    network.save("channels-last", network.dense(x, "scores", 6, 3), [1, 3], METADATA)

    # As in ConvNeXt: channels last inside a block, and again behind the global pool, which the dynamo exporter
    # follows with a detour over a vector.
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Transpose", [features(network)], "last", perm=[0, 2, 3, 1])
    x = network.add("Mul", [x, network.weight("scale", np.full(6, 2, np.float32))], "scaled")
    x = network.add("Transpose", [x], "first", perm=[0, 3, 1, 2])
    x = network.add("GlobalAveragePool", [x], "pool")
    x = network.add("Reshape", [x, network.weight("vector.shape", np.array([6], np.int64))], "vector")
    x = network.add("Gather", [x, network.weight("indices", np.arange(6).reshape(1, 6, 1, 1))], "pooled", axis=0)
    x = network.add("Transpose", [x], "pooled.last", perm=[0, 2, 3, 1])
    x = network.add("Relu", [x], "pooled.relu")
    x = network.add("Flatten", [x], "flat")
    network.save("channels-last-inside", network.dense(x, "scores", 6, 3), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16]), ("offset", [1, 6])])
    x = network.add("GlobalAveragePool", [features(network)], "pool")
    x = network.add("Flatten", [x], "flat")
    x = network.add("Add", [x, "offset"], "sum")
    network.save("two-inputs", network.dense(x, "scores", 6, 3), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    network.add("Relu", [network.convolution(x, "side.conv", 6, 2)], "side")
    network.save("side-branch", head(network, x), [1, 3], METADATA)


def quantized():
    # Rounded to eighths between its two convolutions.
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Relu", [network.convolution("image", "conv1", 3, 4)], "relu1")
    scale = network.weight("scale", np.float32(0.125))
    zero = network.weight("zero", np.uint8(0))
    x = network.add("QuantizeLinear", [x, scale, zero], "rounded")
    x = network.add("DequantizeLinear", [x, scale, zero], "steps")
    x = network.add("Relu", [network.convolution(x, "conv2", 4, 6, stride=2)], "relu2")
    network.save("quantized", head(network, x), [1, 3], METADATA)

    # A staircase so fine that its score moves like a slope, though its derivative is zero.
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Mul", [features(network), network.weight("fine", np.float32(4096))], "enlarged")
    x = network.add("Mul", [network.add("Round", [x], "rounded"), network.weight("back", np.float32(1 / 4096))], "stairs")
    network.save("staircase", head(network, x), [1, 3], METADATA)


def empty_maps():
    # A last map that is zero: every bias is so low that Relu lets nothing through.
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Sub", [features(network), network.weight("floor", np.float32(1e6))], "lowered")
    network.save("zero-map", head(network, network.add("Relu", [x], "silent")), [1, 3], METADATA)

    # A last map that speaks against class 0 everywhere and for class 1 everywhere.
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Abs", [features(network)], "positive")
    x = network.add("GlobalAveragePool", [x], "pool")
    x = network.add("Flatten", [x], "flat")
    signs = np.outer([-1, 1], np.ones(6)).astype(np.float32)
    x = network.add("Gemm", [x, network.weight("signs", signs)], "scores", transB=1)
    network.save("negative-map", x, [1, 2], {**METADATA, "gradcam.labels": "against\nfor"})

    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Mul", [features(network), network.weight("nan", np.float32(np.nan))], "broken")
    network.save("nan-weights", head(network, x), [1, 3], METADATA)


def detectors():
    # Boxes of two feature maps: on each branch a convolution gives 4 + 1 + 3 numbers for every position.
    def branches(network, numbers):
        x = features(network)
        small = network.add("MaxPool", [x], "small", kernel_shape=[2, 2], strides=[2, 2])
        lists = []
        for name, source, count in [("fine", x, 64), ("coarse", small, 16)]:
            y = network.convolution(source, name, 6, numbers, scale=0.1)
            y = network.add("Sigmoid", [y], f"{name}.sigmoid")
            shape = network.weight(f"{name}.shape", np.array([1, numbers, count], np.int64))
            lists.append(network.add("Reshape", [y, shape], f"{name}.list"))
        return network.add("Concat", lists, "lists", axis=2)

    network = Network([("image", [1, 3, 16, 16])])
    boxes = network.add("Transpose", [branches(network, 8)], "boxes", perm=[0, 2, 1])
    network.save("boxes-by-box", boxes, [1, 80, 8], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    network.save("boxes-by-number", branches(network, 7), [1, 7, 80], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    lists = network.add("Transpose", [branches(network, 7)], "boxes-and-scores", perm=[0, 2, 1])
    parts = network.weight("parts", np.array([4, 3], np.int64))
    network.nodes.append(helper.make_node("Split", [lists, parts], ["boxes", "scores"], name="/split/Split", axis=2))
    network.save_all("boxes-and-scores", [("boxes", [1, 80, 4]), ("scores", [1, 80, 3])], METADATA)


def meanings():
    """Networks whose outputs cannot be told by their shapes."""
    integer = TensorProto.INT64

    def rows(network, x, name, count):
        shape = network.weight(f"{name}.shape", np.array([1, count, 64], np.int64))
        return network.add("Reshape", [network.convolution(x, f"{name}.map", 6, count, scale=0.1), shape], name)

    def pixels(network, x, name, count):
        y = network.add("Sigmoid", [rows(network, x, f"{name}.raw", count)], f"{name}.share")
        return network.add("Mul", [y, network.weight(f"{name}.size", np.float32(16))], name)

    def by_box(network, x, name):
        return network.add("Transpose", [x], name, perm=[0, 2, 1])

    # As Ultralytics exports poses: a box, the score of a person, and two key points of three numbers.
    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    person = network.add("Sigmoid", [rows(network, x, "person.raw", 1)], "person")
    parts = [pixels(network, x, "corners", 4), person, pixels(network, x, "keypoints", 6)]
    pose = network.add("Concat", parts, "output0", axis=1)
    named = {**METADATA, "gradcam.labels": "person"}
    network.save("pose", pose, [1, 11, 64], {**named, "task": "pose", "kpt_shape": "[2, 3]"})
    network.save("pose-untold", pose, [1, 11, 64], {k: v for k, v in METADATA.items() if k != "gradcam.labels"})

    # As Ultralytics exports masks: a box, its score, and what its mask has of each of two prototypes.
    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    person = network.add("Sigmoid", [rows(network, x, "person.raw", 1)], "person")
    parts = [pixels(network, x, "corners", 4), person, rows(network, x, "coefficients", 2)]
    network.add("Concat", parts, "output0", axis=1)
    network.convolution(x, "output1", 6, 2)
    network.save_all("masks", [("output0", [1, 7, 64]), ("output1", [1, 2, 8, 8])], {**named, "task": "segment"})

    # Detections that were selected inside of the network: corners, score, class.
    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    scores = by_box(network, network.add("Sigmoid", [rows(network, x, "scores.raw", 3)], "scores.rows"), "scores")
    corners = by_box(network, pixels(network, x, "corners.rows", 4), "corners")
    best = network.add("ReduceMax", [scores], "best", axes=[2])
    which = network.add("ArgMax", [scores], "which", axis=2)
    count = network.weight("count", np.array([10], np.int64))
    network.nodes.append(helper.make_node("TopK", [best, count], ["top", "places"], name="/top/TopK", axis=1))
    four = network.weight("four", np.array([1, 1, 4], np.int64))
    places = network.add("Expand", ["places", four], "places4")
    boxes = network.add("GatherElements", [corners, places], "selected", axis=1)
    names = network.add("GatherElements", [which, "places"], "selected.classes", axis=1)
    names = network.add("Cast", [names], "class", to=1)
    network.save("finished", network.add("Concat", [boxes, "top", names], "output0", axis=2), [1, 10, 6], METADATA)

    # The same scores and boxes, selected by an operator whose result has no extents before it runs.
    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    scores = network.add("Sigmoid", [rows(network, x, "scores.raw", 3)], "scores")
    corners = by_box(network, pixels(network, x, "corners.rows", 4), "corners")
    limits = [network.weight(f"limit{i}", v) for i, v in enumerate([np.array([9], np.int64), np.float32([0.5]), np.float32([0.1])])]
    network.add("NonMaxSuppression", [corners, scores, *limits], "selected")
    network.save_all("selecting", [("selected", ["count", 3], integer)], METADATA)

    # DETR: raw scores of three classes and of nothing.
    network = Network([("image", [1, 3, 16, 16])])
    x = features(network)
    by_box(network, rows(network, x, "scores.rows", 4), "pred_logits")
    by_box(network, network.add("Sigmoid", [rows(network, x, "corners.rows", 4)], "corners"), "pred_boxes")
    network.save_all("queries", [("pred_logits", [1, 64, 4]), ("pred_boxes", [1, 64, 4])], METADATA)

    # Class scores that are not the first output.
    network = Network([("image", [1, 3, 16, 16])])
    scores = head(network, features(network))
    network.add("Softmax", [scores], "probabilities", axis=1)
    network.add("ArgMax", ["probabilities"], "label", axis=1, keepdims=0)
    count = network.weight("count", np.array([2], np.int64))
    network.nodes.append(helper.make_node("TopK", ["probabilities", count], ["values", "indices"], name="/top/TopK"))
    network.add("Frobnicate", ["relu2"], "strange")
    network.add("Identity", ["flat"], "image_embeds")
    network.save_all("embedding-first", [("flat", [1, 6]), ("scores", [1, 3])], METADATA)
    network.save_all("label-first", [("label", [1], integer), ("probabilities", [1, 3])], METADATA)
    network.save_all("top-two", [("values", [1, 2]), ("indices", [1, 2], integer)], METADATA)
    network.save_all("strange-first", [("strange", [1, 6, 8, 8]), ("scores", [1, 3])], METADATA)
    unnamed = {key: value for key, value in METADATA.items() if key != "gradcam.labels"}
    network.save_all("embedding", [("image_embeds", [1, 6])], unnamed)

    # A measurement, and three of them.
    for name, count in [("angle", 1), ("angles", 3)]:
        network = Network([("image", [1, 3, 16, 16])])
        x = network.add("Flatten", [network.add("GlobalAveragePool", [features(network)], "pool")], "flat")
        network.save(name, network.dense(x, name, 6, count), [1, count], unnamed)


def no_classifiers():
    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Flatten", ["image"], "flat")
    x = network.add("Relu", [network.dense(x, "hidden", 768, 4)], "relu")
    network.save("perceptron", network.dense(x, "scores", 4, 3), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    network.save("segmentation", network.convolution(features(network), "classes", 6, 5), [1, 5, 8, 8], {**METADATA, "gradcam.labels": "background\ncircle\nsquare\nstar\nblack, white"})

    network = Network([("image", [1, 3, 16, 16])])
    shape = network.weight("boxes.shape", np.array([1, 6, 64], np.int64))
    network.save("boxes", network.add("Reshape", [features(network), shape], "boxes"), [1, 6, 64], METADATA)

    network = Network([("vector", [1, 6])])
    network.save("no-image", network.dense("vector", "scores", 6, 3), [1, 3])

    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("Frobnicate", [features(network)], "strange")
    network.save("unknown-operator", head(network, x), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("SoftClip", [features(network)], "clipped", domain="example")
    x = network.add("SoftClip", [x], "clipped_again", domain="example")
    network.save("foreign-operator", head(network, x), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    x = network.add("LeakyRelu", [features(network)], "strange", alpha=0.1, leakiness=3)
    network.save("unknown-attribute", head(network, x), [1, 3], METADATA)

    network = Network([("image", [1, 3, 16, 16])])
    x = network.convolution("image", "conv1", 4, 6)
    network.save("wrong-shape", head(network, x), [1, 3], METADATA)

    (HERE / "cut-short.onnx").write_bytes((HERE / "plain.onnx").read_bytes()[:700])
    (HERE / "text.onnx").write_text("This is not a network.\n")


def cases():
    """Three backend-test cases: one right, one with a wrong output, one with an operator that nobody has."""
    x = np.array([-1, 0, 2], np.float32)
    for name, operator, y in [
        ("relu", "Relu", np.maximum(x, 0)),
        ("relu-wrong", "Relu", x),
        ("frobnicate", "Frobnicate", x),
    ]:
        network = Network([("x", [3])])
        network.save(f"cases/{name}/model", network.add(operator, ["x"], "y"), [3])
        folder = HERE / "cases" / name / "test_data_set_0"
        folder.mkdir(exist_ok=True)
        (folder / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
        (folder / "output_0.pb").write_bytes(numpy_helper.from_array(y, "y").SerializeToString())


def pictures():
    y, x = np.mgrid[0:20, 0:30]
    disc = (x - 20) ** 2 + (y - 8) ** 2 < 30
    colours = np.stack([x * 8, y * 12, np.where(disc, 255, 40)], axis=2).astype(np.uint8)
    Image.fromarray(colours).save(HERE / "disc.png")
    Image.fromarray(colours[:, ::-1].copy()).save(HERE / "flipped.jpg", quality=95)
    Image.fromarray(colours[:1, :1].copy()).save(HERE / "pixel.png")
    (HERE / "cut-short.png").write_bytes((HERE / "disc.png").read_bytes()[:90])

    tensor = ((colours[:16, 14:30] / 255 - 0.5) / 0.5).astype(np.float32).transpose(2, 0, 1)[None]
    np.save(HERE / "image.npy", tensor)
    np.save(HERE / "wrong-size.npy", tensor[:, :, :15].copy())
    # White over the upper left quarter of the picture, and over the two upper rows of an output of 8 × 8.
    Image.fromarray(np.where((y < 10) & (x < 15), 255, 0).astype(np.uint8)).save(HERE / "mask.png")
    Image.fromarray(np.where(y[:8, :8] < 2, 255, 0).astype(np.uint8)).save(HERE / "mask-of-output.png")
    np.save(HERE / "offset.npy", np.linspace(-1, 1, 6, dtype=np.float32)[None])


if __name__ == "__main__":
    classifiers()
    quantized()
    empty_maps()
    detectors()
    meanings()
    no_classifiers()
    two_pictures()
    cases()
    pictures()
