"""Makes the backend-test cases that 'gradcam check --plugin' is tested with: one that needs example.SoftClip, one not.

Run with a Python that has onnx and numpy; the files are written beside this script, the same ones every time.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent / "cases"


def case(name, node, x, y):
    tensors = [helper.make_tensor_value_info(each, TensorProto.FLOAT, x.shape) for each in "xy"]
    graph = helper.make_graph([node], name, tensors[:1], tensors[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("example", 1)]
    data = HERE / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (HERE / name / "model.onnx").write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    (data / "output_0.pb").write_bytes(numpy_helper.from_array(y, "y").SerializeToString())


x = np.linspace(-3, 3, 24, dtype=np.float32).reshape(1, 2, 3, 4)
case("relu", helper.make_node("Relu", ["x"], ["y"], name="rectify"), x, np.maximum(x, 0))
case(
    "soft-clip", helper.make_node("SoftClip", ["x"], ["y"], name="clip", domain="example", limit=2.0), x,
    (2 * np.tanh(x / 2)).astype(np.float32))
