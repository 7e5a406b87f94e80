"""Writes small models that ask for too much: python make.py

Each computes scores from a convolution of the image, plus the number of elements of a value `w` that a node of the kind
under test computes, from constants or from the convolution. Needs numpy and onnx.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILTERS = numpy_helper.from_array(np.random.RandomState(0).randn(4, 3, 3, 3).astype(np.float32), "filters")


def integers(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def numbers(name, values):
    return numpy_helper.from_array(np.array(values, np.float32), name)


def empty(name, shape):
    return helper.make_tensor(name, TensorProto.FLOAT, shape, b"", raw=True)


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def node(kind, *inputs, to="w", **attributes):
    return helper.make_node(kind, list(inputs), [to], "odd", **attributes)


def write(name, nodes, constants=(), functions=(), opset=21):
    first = [
        helper.make_node("Conv", ["x", "filters"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
    ]
    last = [
        helper.make_node("Size", ["w"], ["size"]),
        helper.make_node("Cast", ["size"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["f", "count"], ["scores"]),
    ]
    graph = helper.make_graph(
        first + nodes + last, "g", [tensor("x", [1, 3, 8, 8])], [tensor("scores", [1, 4])], [FILTERS, *constants])
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid("f", 1)] * bool(functions)
    onnx.save(helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=9), f"{name}.onnx")


def loop(rounds, length):
    body, last = [helper.make_node("Identity", ["going"], ["goes"])], "state"
    for index in range(length):
        body.append(helper.make_node("Add", [last, "one"], [f"s{index}"]))
        last = f"s{index}"
    inputs = [tensor("round", [], TensorProto.INT64), tensor("going", [], TensorProto.BOOL), tensor("state", [1])]
    graph = helper.make_graph(body, "b", inputs, [tensor("goes", [], TensorProto.BOOL), tensor(last, [1])])
    constants = [integers("rounds", rounds), numpy_helper.from_array(np.array(True), "yes"), numbers("one", [1])]
    return [node("Loop", "rounds", "yes", "one", body=graph)], constants


HUGE = 2**62

# More inputs than an operator knows, some of other sizes than its result.
write("surplus-relu", [node("Relu", "r", "g")])
write("surplus-resize", [node("Resize", "r", "", "", "s", "g", axes=[2, 3])], [integers("s", [4, 4])])
write("surplus-dropout", [node("Dropout", "r", "ratio", "no", "g")],
      [numbers("ratio", 0.5), numpy_helper.from_array(np.array(False), "no")])

# Numbers whose products do not fit in 64 bits.
write("group", [node("Conv", "r", "v", group=HUGE)], [numbers("v", np.ones((4, 4, 3, 3)))])
write("pads", [node("MaxPool", "r", kernel_shape=[2, 2], pads=[HUGE, 0, 0, 0])])
write("block", [node("DepthToSpace", "r", blocksize=2**40)])
write("reshape", [node("Reshape", "r", "s")], [integers("s", [HUGE, HUGE])])
write("expand", [node("Expand", "one", "s")], [numbers("one", [1]), integers("s", [2**31, 2**31, 2**31])])
write("gather-index", [node("Gather", "r", "i")], [integers("i", [2**63 - 1])])
write("empty-concat", [node("Concat", "z", "z", axis=1)], [empty("z", [0, 2**40, 2**40])])
write("empty-product", [node("MatMul", "a", "b")], [empty("a", [2**30, 0]), empty("b", [0, 2**30])])
write("empty-rows", [node("TopK", "z", "k", axis=1)], [empty("z", [0, 2**31]), integers("k", [1])])

# Gigabytes.
write("constant", [node("ConstantOfShape", "s")], [integers("s", [2**30])])
write("tile", [node("Tile", "one", "s")], [numbers("one", [1]), integers("s", [2**28])])
write("doubling",
      [node("Identity", "one", to="d0")] + [node("Concat", f"d{i}", f"d{i}", to=f"d{i + 1}", axis=0) for i in range(30)]
      + [node("Identity", "d30")], [numbers("one", np.ones(16))])

# Work without an end.
write("loop-long", *loop(2**63 - 1, 1))
write("loop-wide", *loop(2_000, 200))
write("recurrence",
      [node("Expand", "seed", "long", to="s"), node("GRU", "s", "a", "b", hidden_size=1)],
      [numbers("seed", np.ones((1, 1, 1))), integers("long", [200_000, 1, 1]), numbers("a", np.ones((1, 3, 1))),
       numbers("b", np.ones((1, 3, 1)))])
write("sums",
      [node("ConstantOfShape", "s", to="big")]
      + [node("ReduceSum", "big", to=f"s{i}", keepdims=0) for i in range(400)]
      + [node("Sum", *(f"s{i}" for i in range(400)))], [integers("s", [2**25])])

# Calls of functions in functions whose local names are the same.
inner = helper.make_function(
    "f", "Inner", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["m"]), helper.make_node("Neg", ["m"], ["b"])],
    [helper.make_opsetid("", 21)])
outer = helper.make_function(
    "f", "Outer", ["a"], ["b"],
    [helper.make_node("Neg", ["a"], ["m"]), helper.make_node("Inner", ["m"], ["b"], domain="f")],
    [helper.make_opsetid("", 21), helper.make_opsetid("f", 1)])
write("nested-names", [helper.make_node("Outer", ["r"], ["w"], domain="f")], functions=[inner, outer])

# No elements, which is no fault.
write("no-elements", [node("Slice", "r", "end", "end", to="z"), node("Softmax", "z", axis=1)], [integers("end", [9])])
