"""Makes mix.onnx, a network for plugin.c: one node v1.Mix with every kind of attribute, an input left out, an unused
output of two, and a constant input.

Run with a Python that has onnx and numpy; the file is written beside this script, the same one every time.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(3)


def weight(name, *shape):
    return numpy_helper.from_array((random.standard_normal(shape) / 3).astype(np.float32), name)


offset = numpy_helper.from_array(np.arange(8, dtype=np.float32) / 8, "offset")
nodes = [
    helper.make_node("Conv", ["image", "conv.weight"], ["conv"], name="conv", pads=[1, 1, 1, 1]),
    helper.make_node(
        "Mix", ["conv", "", "gain"], ["mix", "extents"], name="mix", domain="v1", gain=2, shift=0.25, mode="negated",
        powers=[3, 1], scales=[0.5], offset=offset),
    helper.make_node("Tanh", ["mix"], ["tanh"], name="tanh"),
    helper.make_node("GlobalAveragePool", ["tanh"], ["pool"], name="pool"),
    helper.make_node("Flatten", ["pool"], ["flat"], name="flat"),
    helper.make_node("Gemm", ["flat", "fc.weight"], ["logits"], name="fc", transB=1),
]
graph = helper.make_graph(
    nodes, "mix", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
    [weight("conv.weight", 8, 3, 3, 3), numpy_helper.from_array(np.array([0.5], np.float32), "gain"),
     weight("fc.weight", 3, 8)])
opsets = [helper.make_opsetid("", 17), helper.make_opsetid("v1", 3)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
helper.set_model_props(
    model, {"gradcam.mean": "0.5,0.5,0.5", "gradcam.std": "0.5,0.5,0.5", "gradcam.resize": "16x16",
            "gradcam.labels": "circle\nsquare\nstar"})
(Path(__file__).parent / "mix.onnx").write_bytes(model.SerializeToString())
