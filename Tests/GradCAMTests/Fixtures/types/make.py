"""Writes networks whose weights have narrow element types, and one that ends in labels, beside this script.

Each has a `.npy` file: the class scores, then the gradient of the highest at the activation r1, both computed in
float64 by PyTorch from the dequantised weights. Needs the packages onnx, numpy and torch.
"""

import os

import ml_dtypes
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)
x = random.standard_normal((1, 3, 8, 8)).astype(np.float32)
w1 = (random.standard_normal((8, 3, 3, 3)) / 4).astype(np.float32)
w2 = random.standard_normal((16, 8, 3, 3)) / 8
w3 = random.standard_normal((16, 5)) / 2

# The element type of weights with the range that they are scaled to, and that of scales.
TYPES = {
    "int4": (ml_dtypes.int4, 7, np.float32),
    "uint4": (ml_dtypes.uint4, 7, np.float32),
    "int2": (ml_dtypes.int2, 1, np.float32),
    "uint2": (ml_dtypes.uint2, 1, np.float32),
    "float8e4m3fn": (ml_dtypes.float8_e4m3fn, 400, np.float32),
    "float8e5m2fnuz": (ml_dtypes.float8_e5m2fnuz, 400, np.float32),
    "float6e3m2": (ml_dtypes.float6_e3m2fn, 28, np.float32),
    "float4e2m1": (ml_dtypes.float4_e2m1fn, 6, ml_dtypes.float8_e8m0fnu),
}


def quantised(weights, element_type, limit, scale_type, axis, block):
    """Weights, scales and zero points in blocks along an axis, and the weights that they stand for."""
    groups = np.add.reduceat(np.ones(weights.shape[axis]), np.arange(0, weights.shape[axis], block)).astype(int)
    largest = np.maximum.reduceat(np.abs(weights), np.arange(0, weights.shape[axis], block), axis=axis)
    scales = (largest / limit).astype(scale_type)
    if scale_type != np.float32:
        scales = np.exp2(np.ceil(np.log2(largest / limit))).astype(scale_type)
    wide = np.repeat(scales.astype(np.float64), groups, axis=axis)
    name = np.dtype(element_type).name
    zeros = None
    codes = weights / wide
    if "int" in name:
        codes = np.rint(codes)
    if name.startswith("uint"):
        zeros = np.full(scales.shape, limit + 1).astype(element_type)
        codes = codes + limit + 1
    codes = codes.astype(element_type)
    numbers = codes.astype(np.float64) - (0 if zeros is None else limit + 1)
    return codes, scales, zeros, numbers * wide


def network(name, tail=(), outputs=None):
    element_type, limit, scale_type = TYPES[name]
    initialisers, nodes, used = [numpy_helper.from_array(w1, "w1")], [], []
    for weight, array, axis, block in (("w2", w2, 1, 3), ("w3", w3, 0, 8)):
        codes, scales, zeros, numbers = quantised(array, element_type, limit, scale_type, axis, block)
        used.append(numbers)
        inputs = [weight + "q", weight + "s"]
        initialisers += [numpy_helper.from_array(codes, inputs[0]), numpy_helper.from_array(scales, inputs[1])]
        if zeros is not None:
            inputs.append(weight + "z")
            initialisers.append(numpy_helper.from_array(zeros, inputs[2]))
        # Three does not divide eight: the last block of w2 is cut short.
        nodes.append(
            helper.make_node(
                "DequantizeLinear", inputs, [weight], axis=axis, block_size=block, output_dtype=TensorProto.FLOAT
            )
        )
    nodes += [
        helper.make_node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w3"], ["logits"]),
        *tail,
    ]
    information = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    results = outputs or [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 5])]
    graph = helper.make_graph(nodes, name, information, results, initialisers)
    opsets = [helper.make_opsetid("", 25), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=13), used


def truth(weights2, weights3):
    first = torch.nn.functional.conv2d(torch.tensor(x).double(), torch.tensor(w1).double(), padding=1)
    activation = torch.relu(first).requires_grad_()
    second = torch.relu(torch.nn.functional.conv2d(activation, torch.tensor(weights2), padding=1, stride=2))
    logits = second.mean((2, 3)) @ torch.tensor(weights3)
    logits.max().backward()
    return np.concatenate([logits.detach().numpy().ravel(), activation.grad.numpy().ravel()]).astype(np.float32)


def write(name, model, used):
    onnx.save(model, os.path.join(FOLDER, name + ".onnx"))
    np.save(os.path.join(FOLDER, name + ".npy"), truth(*used))


for name in TYPES:
    write(name, *network(name))

labels = ["cat", "dog", "cow", "hen", "pig"]
tail = [
    helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    helper.make_node("Constant", [], ["labels"], value_strings=labels),
    helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=1),
    helper.make_node("ArrayFeatureExtractor", ["labels", "best"], ["label"], domain="ai.onnx.ml"),
    helper.make_node("ZipMap", ["probabilities"], ["scores"], domain="ai.onnx.ml", classlabels_strings=labels),
]
pair = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
outputs = [
    helper.make_value_info("scores", helper.make_sequence_type_proto(pair)),
    helper.make_tensor_value_info("label", TensorProto.STRING, [1, 1]),
]
write("labels", *network("int4", tail, outputs))
np.save(os.path.join(FOLDER, "x.npy"), x)
