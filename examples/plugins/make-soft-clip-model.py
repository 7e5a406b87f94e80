"""Makes soft-clip.onnx, a small network with two nodes of the custom operator example.SoftClip.

Run with a Python that has onnx and numpy; the file is written beside this script, identical every time.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)
weights, nodes = [], []


def weight(name, *shape):
    fan_in = int(np.prod(shape[1:]))
    drawn = random.standard_normal(shape) * np.sqrt(2 / fan_in)
    weights.append(numpy_helper.from_array(drawn.astype(np.float32), name))
    return name


def add(operator, inputs, output, **attributes):
    nodes.append(helper.make_node(operator, inputs, [output], name=f"/{output}/{operator}", **attributes))
    return output


x = add("Conv", ["image", weight("conv1.weight", 8, 3, 3, 3)], "conv1", pads=[1, 1, 1, 1], strides=[2, 2])
x = add("SoftClip", [x], "clip1", domain="example", limit=1.5)
x = add("Conv", [x, weight("conv2.weight", 12, 8, 3, 3)], "conv2", pads=[1, 1, 1, 1])
x = add("SoftClip", [x], "clip2", domain="example")
x = add("GlobalAveragePool", [x], "pool")
x = add("Flatten", [x], "flat")
x = add("Gemm", [x, weight("fc.weight", 4, 12)], "logits", transB=1)

graph = helper.make_graph(
    nodes, "soft-clip",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
    [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 4])],
    weights)
opsets = [helper.make_opsetid("", 17), helper.make_opsetid("example", 1)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="make-soft-clip-model.py")
helper.set_model_props(model, {
    "gradcam.mean": "0.5,0.5,0.5",
    "gradcam.std": "0.5,0.5,0.5",
    "gradcam.range": "1",
    "gradcam.channels": "rgb",
    "gradcam.resize": "32x32",
    "gradcam.labels": "circle\nsquare\nstar\ncross",
})
Path(__file__).with_suffix("").with_name("soft-clip.onnx").write_bytes(model.SerializeToString())
