"""Writes the models beside this script. Needs the packages onnx and numpy."""

import os

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(FOLDER, name)


def value(name, shape=(2, 3), element_type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element_type, shape)


def model(nodes, initializers=(), inputs=None, outputs=None, opset=17, ir_version=8, **options):
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("x")] if inputs is None else inputs,
        [value("y")] if outputs is None else outputs,
        list(initializers),
    )
    opsets = options.pop("opset_imports", [helper.make_opsetid("", opset)])
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=ir_version, producer_name="make", producer_version="1", **options
    )


def write(name, message):
    with open(path(name), "wb") as file:
        file.write(message.SerializeToString(deterministic=True))


def relu(**options):
    return helper.make_node("Relu", ["x"], ["y"], name="relu", **options)


def weight(name="w", shape=(2, 3)):
    return numpy_helper.from_array(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), name)


# Tensors of every type, in raw bytes and in typed fields.
SIGNED = [-3, 0, 1, 100]
UNSIGNED = [0, 1, 100, 200]
TYPES = {
    "float32": (np.float32, [-1.5, 0, 0.25, 3]),
    "float16": (np.float16, [-1.5, 0, 0.25, 3]),
    "bfloat16": (ml_dtypes.bfloat16, [-1.5, 0, 0.25, 3]),
    "float64": (np.float64, [-1.5, 0, 0.25, 3]),
    "int8": (np.int8, SIGNED),
    "int16": (np.int16, SIGNED),
    "int32": (np.int32, SIGNED),
    "int64": (np.int64, SIGNED),
    "uint8": (np.uint8, UNSIGNED),
    "uint16": (np.uint16, UNSIGNED),
    "uint32": (np.uint32, UNSIGNED),
    "uint64": (np.uint64, [0, 1, 100, 2**64 - 1]),
    "bool": (np.bool_, [True, False, False, True]),
}

# Types of at most 8 bits.
NARROW = {
    "int2": ml_dtypes.int2,
    "uint2": ml_dtypes.uint2,
    "int4": ml_dtypes.int4,
    "uint4": ml_dtypes.uint4,
    "float4e2m1": ml_dtypes.float4_e2m1fn,
    "float6e2m3": ml_dtypes.float6_e2m3fn,
    "float6e3m2": ml_dtypes.float6_e3m2fn,
    "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8e8m0": ml_dtypes.float8_e8m0fnu,
}


def raw_and_typed():
    raw, typed = [], []
    for name, (element_type, numbers) in TYPES.items():
        array = np.array(numbers, dtype=element_type).reshape(2, 2)
        tensor = numpy_helper.from_array(array, name)
        assert tensor.HasField("raw_data")
        raw.append(tensor)
        if name in ("float16", "bfloat16"):
            fields = TensorProto(name=name, data_type=tensor.data_type, dims=[2, 2])
            fields.int32_data.extend(int(bits) for bits in array.view(np.uint16).flatten())
            typed.append(fields)
        else:
            typed.append(helper.make_tensor(name, tensor.data_type, [2, 2], array.flatten().tolist()))
    raw.append(helper.make_tensor("string", TensorProto.STRING, [2, 2], ["cat", "", "Dög", "cat"]))
    typed.append(raw[-1])
    write("types_raw.onnx", model([relu()], raw))
    write("types_typed.onnx", model([relu()], typed))


def narrow():
    """Every number of each narrow type but the last: packed, in typed fields, and as float32."""
    tensors = []
    for name, element_type in NARROW.items():
        bits = int("".join(filter(str.isdigit, name.replace("float", "").replace("uint", "").replace("int", "")))[0])
        codes = np.arange(2**bits - 1, dtype=np.uint8)
        numbers = codes.view(element_type)
        if bits < 8 and name.startswith("int"):
            numbers = np.array([c if c < 2 ** (bits - 1) else c - 2**bits for c in range(len(codes))], element_type)
        packed = numpy_helper.from_array(numbers, name)
        typed = TensorProto(name=name + "_typed", data_type=packed.data_type, dims=packed.dims)
        typed.int32_data.extend(codes.tolist() if bits == 6 else list(packed.raw_data))
        tensors += [packed, typed, numpy_helper.from_array(numbers.astype(np.float32), name + "_numbers")]
    write("narrow.onnx", model([relu()], tensors))


def external(name, location, offset=None, length=None, shape=(2, 3)):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, entry in (("location", location), ("offset", offset), ("length", length)):
        if entry is not None:
            tensor.external_data.add(key=key, value=str(entry))
    return tensor


def external_data():
    add = [helper.make_node("Add", ["x", "a"], ["s"]), helper.make_node("Add", ["s", "b"], ["y"])]
    with open(path("external.onnx.data"), "wb") as file:
        file.write(np.arange(12, dtype=np.float32).tobytes())
    write("external.onnx", model(add, [external("a", "external.onnx.data"), external("b", "external.onnx.data", 24, 24)]))
    one = [helper.make_node("Add", ["x", "a"], ["y"])]
    for name, tensor in {
        "missing": external("a", "nowhere.data"),
        "escape": external("a", "../ONNXLoaderTests.swift"),
        "absolute": external("a", "/etc/passwd"),
        "short": external("a", "external.onnx.data", 32),
        "overflow": external("a", "external.onnx.data", 2**63 - 8),
        "length": external("a", "external.onnx.data", 0, 20),
        "unnamed": external("a", None),
    }.items():
        write(f"external_{name}.onnx", model(one, [tensor]))


def structure():
    add = helper.make_node("Add", ["x", "w"], ["y"])
    write("listed.onnx", model([add], [weight()], inputs=[value("x"), value("w")], ir_version=3, opset=8))
    dynamic = [value("x", ["batch", 3, None, -1])]
    write("dynamic.onnx", model([relu()], inputs=dynamic, outputs=[value("y", ["batch", 3, None, None])]))
    unsorted = [
        helper.make_node("Relu", ["b"], ["y"], name="third"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Relu", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["x"], ["unused"], name="fourth"),
    ]
    write("unsorted.onnx", model(unsorted))
    optional = helper.make_node("Clip", ["x", "", "w"], ["y", "", "z"], name="clip")
    write("optional.onnx", model([optional], [weight()]))
    cycle = [
        helper.make_node("Relu", ["x"], ["s"], name="outside"),
        helper.make_node("Add", ["s", "c"], ["a"], name="one"),
        helper.make_node("Relu", ["a"], ["b"], name="two"),
        helper.make_node("Relu", ["b"], ["c"], name="three"),
        helper.make_node("Relu", ["c"], ["y"], name="after"),
    ]
    write("cycle.onnx", model(cycle))
    write("dangling.onnx", model([helper.make_node("Add", ["x", "ghost"], ["y"], name="add")]))
    write("dangling_output.onnx", model([relu()], outputs=[value("ghost")]))
    write("twice.onnx", model([relu(), helper.make_node("Relu", ["x"], ["y"], name="again")]))
    write("no_opset.onnx", model([relu()], opset_imports=[]))
    first = model([relu()], opset_imports=[], ir_version=2)
    write("first_version.onnx", first)
    newest = model([relu()], ir_version=99)
    write("newest_version.onnx", newest)

    large = model([helper.make_node("Add", ["x", "w"], ["y"])], [weight(shape=(128, 129))])
    write("large.onnx", large)
    write("tensor.pb", weight("some tensor"))


def wrong_tensors():
    add = [helper.make_node("Add", ["x", "w"], ["y"])]
    short = weight()
    short.raw_data = short.raw_data[:-4]
    write("wrong_length.onnx", model(add, [short]))
    count = helper.make_tensor("w", TensorProto.FLOAT, [2, 3], range(6))
    del count.float_data[5]
    write("wrong_count.onnx", model(add, [count]))
    for name, dimensions in {"negative": [-2, 3], "overflow": [2**62, 2**62], "overflow_zero": [0, 2**62, 2**62]}.items():
        tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dimensions, raw_data=b"\0" * 24)
        write(f"dimension_{name}.onnx", model(add, [tensor]))
    write("dimension_declared.onnx", model([relu()], inputs=[value("x", ["N", 2**40, 2**40])]))
    empty = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[0, 3], raw_data=b"")
    write("no_elements.onnx", model(add, [empty]))
    numbers = helper.make_tensor("w", TensorProto.COMPLEX64, [2], [1j, 2])
    write("complex_used.onnx", model(add, [numbers]))
    write("complex_unused.onnx", model([relu()], [numbers]))
    sparse = model(add)
    sparse.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            weight("w", (2,)), numpy_helper.from_array(np.array([0, 4], dtype=np.int64), "indices"), [2, 3]
        )
    )
    write("sparse.onnx", sparse)


def attributes():
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "inner", [], [value("r")])
    node = helper.make_node(
        "Everything",
        ["x"],
        ["y"],
        name="everything",
        domain="test",
        int=-7,
        float=0.5,
        string="text",
        tensor=weight("t"),
        graph=inner,
        ints=[1, -2, 3],
        floats=[0.5, 1.5],
        strings=["a", "bc"],
        tensors=[weight("t0", (2,)), weight("t1", (1,))],
        graphs=[inner, inner],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("test", 2)]
    everything = model([node], opset_imports=opsets)
    write("attributes.onnx", everything)
    for attribute in everything.graph.node[0].attribute:
        attribute.ClearField("type")
    write("attributes_untyped.onnx", everything)
    typed = helper.make_node("Optional", ["x"], ["y"], name="optional")
    typed.attribute.append(helper.make_attribute("type", helper.make_tensor_type_proto(TensorProto.FLOAT, [1])))
    write("attribute_type.onnx", model([typed]))
    twice = relu()
    twice.attribute.extend([helper.make_attribute("a", 1), helper.make_attribute("a", 2)])
    write("attribute_twice.onnx", model([twice]))
    missing = relu()
    missing.attribute.add(name="a", type=onnx.AttributeProto.TENSOR)
    write("attribute_empty.onnx", model([missing]))


def subgraphs():
    condition = value("condition", [], TensorProto.BOOL)
    innermost = helper.make_graph(
        [helper.make_node("Add", ["early", "late"], ["i"])], "innermost", [], [value("i")]
    )
    then = helper.make_graph(
        [helper.make_node("If", ["condition"], ["t"], then_branch=innermost, else_branch=innermost)],
        "then",
        [],
        [value("t")],
    )
    other = helper.make_graph([helper.make_node("Add", ["early", "w"], ["e"])], "else", [], [value("e")], [weight()])
    nodes = [
        helper.make_node("If", ["condition"], ["y"], name="if", then_branch=then, else_branch=other),
        helper.make_node("Relu", ["x"], ["early"], name="early"),
        helper.make_node("Relu", ["early"], ["late"], name="late"),
    ]
    write("subgraph.onnx", model(nodes, inputs=[value("x"), condition]))
    nodes[0] = helper.make_node("If", ["condition"], ["y"], name="if", then_branch=other, else_branch=innermost)
    dangling = model([nodes[0]], inputs=[value("x"), condition])
    write("subgraph_dangling.onnx", dangling)
    around = helper.make_graph([helper.make_node("Relu", ["y"], ["t"])], "around", [], [value("t")])
    node = helper.make_node("If", ["condition"], ["y"], name="if", then_branch=around, else_branch=around)
    write("subgraph_cycle.onnx", model([node], inputs=[value("x"), condition]))


def functions():
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("test", 1)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["t"], name="leaky")
    leaky.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    axis = helper.make_node("Softmax", ["t"], ["b"])
    axis.attribute.append(onnx.AttributeProto(name="axis", ref_attr_name="axis", type=onnx.AttributeProto.INT))
    inner = helper.make_function(
        "test", "Inner", ["a"], ["b"], [leaky, axis], opsets[:1], ["axis"], [helper.make_attribute("slope", 0.25)]
    )
    call = helper.make_node("Inner", ["p"], ["m"], domain="test", name="call")
    call.attribute.append(onnx.AttributeProto(name="slope", ref_attr_name="outer_slope", type=onnx.AttributeProto.FLOAT))
    branch = helper.make_graph([helper.make_node("Add", ["m", "q"], ["branch"])], "branch", [], [value("branch")])
    choose = helper.make_node("If", ["c"], ["r"], name="choose", then_branch=branch, else_branch=branch)
    outer = helper.make_function("test", "Outer", ["p", "q", "c"], ["r"], [call, choose], opsets, ["outer_slope"])
    nodes = [
        helper.make_node("Outer", ["x", "w", "condition"], ["s"], domain="test", name="first", outer_slope=0.5),
        helper.make_node("Outer", ["s", "w", "condition"], ["y"], domain="test", name="second"),
    ]
    inputs = [value("x"), value("condition", [], TensorProto.BOOL)]
    message = model(nodes, [weight()], inputs=inputs, opset_imports=opsets, functions=[inner, outer])
    write("functions.onnx", message)
    itself = helper.make_function(
        "test", "Loop", ["a"], ["b"], [helper.make_node("Loop", ["a"], ["b"], domain="test")], opsets
    )
    node = helper.make_node("Loop", ["x"], ["y"], domain="test", name="loop")
    write("function_recursive.onnx", model([node], opset_imports=opsets, functions=[itself]))
    body = helper.make_graph([helper.make_node("Default", ["x"], ["z"], domain="test")], "body", [], [value("z")])
    choose = helper.make_node("If", ["a"], ["b"])
    choose.attribute.append(
        onnx.AttributeProto(name="then_branch", ref_attr_name="body", type=onnx.AttributeProto.GRAPH)
    )
    default = helper.make_function(
        "test", "Default", ["a"], ["b"], [choose], opsets, [], [helper.make_attribute("body", body)]
    )
    node = helper.make_node("Default", ["x"], ["y"], domain="test", name="default")
    write("function_default.onnx", model([node], opset_imports=opsets, functions=[default]))
    doubling = [
        helper.make_function(
            "test",
            f"D{level}",
            ["a"],
            ["b"],
            [
                helper.make_node(f"D{level + 1}" if level < 29 else "Relu", [source], [target], domain="test")
                for source, target in (("a", "m"), ("m", "b"))
            ],
            opsets,
        )
        for level in range(30)
    ]
    node = helper.make_node("D0", ["x"], ["y"], domain="test", name="doubling")
    write("function_doubling.onnx", model([node], opset_imports=opsets, functions=doubling))


def metadata():
    node = relu()
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="File " * 100)
    node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'features', 'features.0']")
    message = model([node])
    helper.set_model_props(message, {"gradcam.mean": "0.1,0.2,0.3", "author": "somebody"})
    write("metadata.onnx", message)


raw_and_typed()
narrow()
external_data()
structure()
wrong_tensors()
attributes()
subgraphs()
functions()
metadata()
