"""Makes runtime.json: nodes of ONNX Runtime's own operators with what ONNX Runtime computes for them.

Weights of eight bits stay within 60: with larger ones, ONNX Runtime's sums of pairs saturate on some processors.

usage: make.py        needs numpy, onnx and onnxruntime
"""
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

rng = np.random.default_rng(1)
rows = []


def f(*shape):
    return rng.uniform(-1, 1, shape).round(3).astype(np.float32)


def pack(q, bits):
    """Integers along the last axis, several to a byte, the lowest bits first."""
    per_byte = 8 // bits
    padding = -q.shape[-1] % per_byte
    q = np.pad(q, [(0, 0)] * (q.ndim - 1) + [(0, padding)]).reshape(*q.shape[:-1], -1, per_byte).astype(np.uint8)
    return np.bitwise_or.reduce(q << (np.arange(per_byte, dtype=np.uint8) * bits), axis=-1).astype(np.uint8)


def tagged(value):
    """As Swift decodes an enumeration."""
    kind = {int: "int", float: "float", str: "string", list: "floats" if isinstance(value, list) and isinstance(value[0], float) else "ints"}[type(value)]
    return {kind: {"_0": value}}


def listed(array):
    types = {"float32": "float", "int64": "int64", "int32": "int32", "uint8": "uint8", "int8": "int8", "bool": "bool"}
    return None if array is None else {
        "type": types[str(array.dtype)], "shape": list(array.shape),
        "values": [round(v, 5) if isinstance(v, float) else int(v) for v in array.flatten().tolist()]}


def row(name, type, inputs, outputs=1, domain="com.microsoft", skipped=(), **attributes):
    inputs = [None if x is None else np.asarray(x) for x in inputs]
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    results = ["" if i in skipped else f"y{i}" for i in range(outputs)]
    node = helper.make_node(type, names, results, domain=domain, **attributes)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in zip(names, inputs) if n],
        [onnx.ValueInfoProto(name=n) for n in results if n])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found = iter(session.run(None, {n: x for n, x in zip(names, inputs) if n}))
    except Exception as error:
        print(name, type, "cannot run:", str(error)[:300])
        return
    rows.append({
        "name": name, "type": type, "domain": domain, "attributes": {k: tagged(v) for k, v in attributes.items()},
        "inputs": [listed(x) for x in inputs], "outputs": [listed(next(found)) if n else None for n in results]})


x, skip, gamma, beta, bias = f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)
row("all inputs", "SkipLayerNormalization", [x, skip, gamma, beta, bias], 4, skipped=(1, 2), epsilon=1e-5)
row("no shift, no bias", "SkipLayerNormalization", [x, skip, gamma], 1)
row("one skip for the batch", "SkipLayerNormalization", [x, f(1, 3, 8), gamma, beta], 1)
row("all inputs", "SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], 4, skipped=(1, 2), epsilon=1e-5)
row("last axis", "SimplifiedLayerNormalization", [x, gamma], 1, domain="", axis=-1, epsilon=1e-5)
row("last axis", "LayerNormalization", [x, gamma, beta], 1, domain="", axis=-1)

a, b = f(2, 3, 4, 5), f(2, 3, 5, 6)
row("scaled", "FusedMatMul", [a, b], alpha=0.25)
row("both transposed", "FusedMatMul", [a.swapaxes(-1, -2).copy(), b.swapaxes(-1, -2).copy()], transA=1, transB=1)
row("batch first", "FusedMatMul", [np.moveaxis(a, -2, 0).copy(), b], transBatchA=1)
row("batch first, both", "FusedMatMul", [np.moveaxis(a, -2, 0).copy(), np.moveaxis(b, -2, 0).copy()], transBatchA=1, transBatchB=1)
row("batch first, transposed", "FusedMatMul", [a, np.moveaxis(b.swapaxes(-1, -2), -2, 0).copy()], transB=1, transBatchB=1)

for bits in (2, 4, 8):
    for has_zeros in (False, True):
        n, k, block = 5, 40, 16
        blocks = -(-k // block)
        q = rng.integers(0, 1 << bits, (n, blocks, block))
        zeros = pack(rng.integers(0, 1 << bits, (n, blocks)), bits) if has_zeros else None
        row(f"{bits} bits{', zero points' if has_zeros else ''}", "MatMulNBits", [f(2, 3, k), pack(q, bits), f(n, blocks), zeros],
            K=k, N=n, bits=bits, block_size=block)
row("zero points of numbers, a bias", "MatMulNBits",
    [f(3, 32), pack(rng.integers(0, 16, (4, 2, 16)), 4), f(4, 2), (f(4, 2) + 8).astype(np.float32), None, f(4)], K=32, N=4, bits=4, block_size=16)

heads, width = 2, 8
q, key, value = f(2, 3, width), f(2, 5, width), f(2, 5, width)
row("plain", "MultiHeadAttention", [q, key, value], num_heads=heads)
row("bias, scale", "MultiHeadAttention", [q, key, value, f(3 * width)], num_heads=heads, scale=0.3)
row("key mask, bias of products", "MultiHeadAttention",
    [q, key, value, None, np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32), f(1, heads, 3, 5)], num_heads=heads)
row("lengths", "MultiHeadAttention", [q, key, value, None, np.array([3, 5], np.int32)], num_heads=heads)
row("heads apart", "MultiHeadAttention", [q, f(2, heads, 5, 4), f(2, heads, 5, 4)], num_heads=heads)
row("past", "MultiHeadAttention", [q, f(2, 3, width), f(2, 3, width), None, None, None, f(2, heads, 2, 4), f(2, heads, 2, 4)], 3, num_heads=heads)
row("causal", "MultiHeadAttention", [q, f(2, 3, width), f(2, 3, width)], num_heads=heads, unidirectional=1)

x, weights, bias = f(2, 3, 6), f(6, 24), f(24)
row("plain", "Attention", [x, weights, bias], num_heads=heads)
row("lengths", "Attention", [x, weights, bias, np.array([2, 3], np.int32)], num_heads=heads)
row("ends and starts", "Attention", [x, weights, bias, np.array([2, 3, 0, 1], np.int32)], num_heads=heads)
row("key mask", "Attention", [x, weights, bias, np.array([[1, 0, 1], [1, 1, 1]], np.int32)], num_heads=heads)
row("mask of queries", "Attention", [x, weights, bias, rng.integers(0, 2, (2, 3, 3)).astype(np.int32) | np.eye(3, dtype=np.int32)], num_heads=heads)
row("causal, past", "Attention", [x, weights, bias, None, f(2, 2, heads, 2, 4)], 2, num_heads=heads, unidirectional=1)
row("bias of products", "Attention", [x, weights, bias, None, None, f(2, heads, 3, 3)], num_heads=heads)
row("values of another width", "Attention", [x, f(6, 20), f(20)], num_heads=heads, qkv_hidden_sizes=[8, 8, 4])
row("all", "QAttention",
    [rng.integers(0, 255, (2, 3, 6)).astype(np.uint8), rng.integers(-60, 60, (6, 24)).astype(np.int8), bias, np.float32(0.01), np.float32(0.008),
     np.array([[1, 0, 1], [1, 1, 1]], np.int32), np.uint8(120), np.int8(0)], num_heads=heads)

angles = rng.uniform(0, 3, (8, 2)).astype(np.float32)
cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
row("from a position", "RotaryEmbedding", [f(2, 3, 8), np.array([2], np.int64), cos, sin])
row("positions, interleaved", "RotaryEmbedding", [f(2, 2, 3, 4), rng.integers(0, 8, (2, 3)).astype(np.int64), cos, sin], interleaved=1)

row("words, segments, mask", "EmbedLayerNormalization",
    [rng.integers(0, 9, (2, 4)).astype(np.int32), rng.integers(0, 2, (2, 4)).astype(np.int32), f(9, 6), f(5, 6), f(2, 6), f(6), f(6),
     np.array([[1, 1, 1, 0], [1, 1, 1, 1]], np.int32)], 3, mask_index_type=1)
row("words, given positions", "EmbedLayerNormalization",
    [rng.integers(0, 9, (2, 4)).astype(np.int32), None, f(9, 6), f(5, 6), None, f(6), f(6), None, np.array([[0, 2, 1, 4]], np.int32)], 3, skipped=(1,))

image, kernel = f(1, 3, 6, 5), f(4, 3, 3, 3)
for activation, parameters in (("Relu", []), ("Sigmoid", []), ("Tanh", []), ("LeakyRelu", [0.2]), ("Clip", [-0.5, 0.5]), ("HardSigmoid", [0.3, 0.4])):
    row(activation, "FusedConv", [image, kernel, f(4)], activation=activation, pads=[1, 1, 1, 1], kernel_shape=[3, 3],
        **({"activation_params": [float(p) for p in parameters]} if parameters else {}))
row("a sum", "FusedConv", [image, kernel, f(4), f(1, 4, 4, 3)], activation="Relu")
for activation in ("Relu", "LeakyRelu", "Tanh"):
    row(activation, "FusedGemm", [f(3, 4), f(5, 4), f(5)], activation=activation, transB=1, alpha=0.5,
        **({"activation_alpha": 0.1} if activation == "LeakyRelu" else {}))
row("bias", "BiasGelu", [f(2, 3, 4), f(4)])

codes = rng.integers(0, 255, (2, 4)).astype(np.uint8)
row("last axis", "QLinearSoftmax", [codes, np.float32(0.05), np.uint8(100), np.float32(1 / 256), np.uint8(0)], axis=-1, opset=13)
row("two scales", "QLinearWhere",
    [rng.integers(0, 2, (2, 4)).astype(bool), codes, np.float32(0.02), np.uint8(10), codes[::-1].copy(), np.float32(0.03), np.uint8(20), np.float32(0.025), np.uint8(5)])
row("last", "QLinearAveragePool", [rng.integers(0, 255, (1, 5, 4, 3)).astype(np.uint8), np.float32(0.02), np.uint8(10), np.float32(0.02), np.uint8(10)],
    kernel_shape=[2, 2], strides=[2, 2], channels_last=1)
row("last", "QLinearGlobalAveragePool", [rng.integers(0, 255, (1, 5, 4, 3)).astype(np.uint8), np.float32(0.02), np.uint8(10), np.float32(0.02), np.uint8(10)], channels_last=1)
row("bias", "DynamicQuantizeMatMul", [f(3, 4), rng.integers(-60, 60, (4, 5)).astype(np.int8), np.full(5, 0.01, np.float32), None, f(5)])
row("bias", "MatMulIntegerToFloat",
    [rng.integers(0, 255, (3, 4)).astype(np.uint8), rng.integers(-60, 60, (4, 5)).astype(np.int8), np.float32(0.02), rng.uniform(0.01, 0.02, 5).round(3).astype(np.float32),
     np.uint8(99), None, f(5)])
row("channels last", "NhwcMaxPool", [rng.integers(0, 255, (1, 6, 5, 3)).astype(np.uint8)], kernel_shape=[2, 2], strides=[2, 2])
row("border", "GridSample", [f(1, 2, 4, 5), f(1, 3, 2, 2)], mode="bilinear", padding_mode="border", align_corners=1)
row("one direction", "DynamicQuantizeLSTM",
    [f(3, 2, 4), rng.integers(-60, 60, (1, 4, 12)).astype(np.int8), rng.integers(-60, 60, (1, 3, 12)).astype(np.int8), f(1, 24), None, None, None, None,
     np.array([0.004], np.float32), np.array([0], np.int8), np.array([0.004], np.float32), np.array([0], np.int8)], 3, hidden_size=3)

lines = ",\n".join(json.dumps(row) for row in rows)
(Path(__file__).parent / "runtime.json").write_text(f"[\n{lines}\n]\n")
print(len(rows), "rows")
