"""Makes the files of one small network that the tests of drift compare.

Run with a Python that has onnx, onnxruntime and numpy; the files are written beside this script, the same ones every time:
float.onnx; int8 files by onnxruntime.quantization (qdq, qoperator, dynamic); broken.onnx, which is qdq.onnx with the
scale of one convolution's weights doubled; folded.onnx, without batch normalisation and with other names; and
channels-last.onnx, of which every feature map has its channels last.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

HERE = Path(__file__).parent
SIDE = 24
METADATA = {
    "gradcam.mean": "0.5,0.5,0.5",
    "gradcam.std": "0.5,0.5,0.5",
    "gradcam.range": "1",
    "gradcam.channels": "rgb",
    "gradcam.labels": "one\ntwo\nthree\nfour",
}
BROKEN = "ConvBnFusion_W_conv3.weight_scale"


class Network:
    """A graph in the making.

    - folded: whether batch normalisations are folded into convolutions, and all names are others.
    - channels_last: whether feature maps have their channels last, with a Transpose around each convolution.
    """

    def __init__(self, folded=False, channels_last=False):
        self.random = np.random.default_rng(3)
        self.folded, self.channels_last = folded, channels_last
        self.nodes, self.weights, self.count = [], [], 0
        self.x = "image"

    def weight(self, name, values):
        name = f"w{len(self.weights)}" if self.folded else name
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, operator, inputs, name, **attributes):
        output = f"t{len(self.nodes)}" if self.folded else f"/{name}/{operator}_output_0"
        node = "" if self.folded else f"/{name}/{operator}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=node, **attributes))
        return output

    def convolution(self, x, name, channels_in, channels_out, stride=1):
        w = self.random.standard_normal((channels_out, channels_in, 3, 3)) * np.sqrt(2 / (9 * channels_in))
        b = self.random.standard_normal(channels_out) * 0.1
        gain, shift = self.random.uniform(0.7, 1.4, channels_out), self.random.standard_normal(channels_out) * 0.1
        mean, variance = self.random.standard_normal(channels_out) * 0.1, self.random.uniform(0.7, 1.4, channels_out)
        scale = gain / np.sqrt(variance + 1e-5)
        if self.folded:
            w, b = w * scale[:, None, None, None], (b - mean) * scale + shift
        if self.channels_last:
            x = self.add("Transpose", [x], f"{name}/before", perm=[0, 3, 1, 2])
        inputs = [x, self.weight(f"{name}.weight", w), self.weight(f"{name}.bias", b)]
        x = self.add("Conv", inputs, name, pads=[1] * 4, strides=[stride] * 2, kernel_shape=[3, 3])
        if not self.folded:
            norm = name.replace("conv", "norm")
            values = [("weight", gain), ("bias", shift), ("mean", mean), ("variance", variance)]
            x = self.add("BatchNormalization", [x] + [self.weight(f"{norm}.{k}", v) for k, v in values], norm)
        if self.channels_last:
            x = self.add("Transpose", [x], f"{name}/after", perm=[0, 2, 3, 1])
        return x

    def build(self):
        x = self.convolution("image", "conv1", 3, 8)
        x = self.add("Relu", [x], "relu1")
        x = shortcut = self.add("Relu", [self.convolution(x, "conv2", 8, 8, stride=2)], "relu2")
        x = self.add("Relu", [self.convolution(x, "conv3", 8, 8)], "relu3")
        x = self.add("Add", [self.convolution(x, "conv4", 8, 8), shortcut], "add")
        x = self.add("Relu", [x], "relu4")
        x = self.add("Relu", [self.convolution(x, "conv5", 8, 12, stride=2)], "relu5")
        x = self.add("Relu", [self.convolution(x, "conv6", 12, 12)], "relu6")
        axes = [1, 2] if self.channels_last else [2, 3]
        x = self.add("ReduceMean", [x], "pool", axes=axes, keepdims=0)
        w = self.random.standard_normal((4, 12))
        self.nodes.append(
            helper.make_node(
                "Gemm", [x, self.weight("head.weight", w), self.weight("head.bias", np.zeros(4))], ["scores"],
                name="" if self.folded else "/head/Gemm", transB=1))
        shape = [1, SIDE, SIDE, 3] if self.channels_last else [1, 3, SIDE, SIDE]
        metadata = {**METADATA, **({"gradcam.layout": "nhwc"} if self.channels_last else {})}
        graph = helper.make_graph(
            self.nodes, "drift", [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, metadata)
        return onnx.shape_inference.infer_shapes(model)


class Pictures(CalibrationDataReader):
    """Smooth coloured noise, normalised as the metadata says."""

    def __init__(self):
        random = np.random.default_rng(5)
        coarse = random.uniform(-1, 1, (12, 1, 3, 4, 4))
        self.rest = iter(np.kron(coarse, np.ones((SIDE // 4, SIDE // 4))).astype(np.float32))

    def get_next(self):
        image = next(self.rest, None)
        return None if image is None else {"image": image}


def save(model, name):
    # What the exporter noted about shapes is not needed, and makes files larger.
    del model.graph.value_info[:]
    helper.set_model_props(model, {p.key: p.value for p in model.metadata_props if p.key.startswith("gradcam")})
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def main():
    plain = Network().build()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        # Quantisation expects batch normalisations to be folded, names are to stay.
        onnx.save(Network().build(), source)
        from onnxruntime.quantization.shape_inference import quant_pre_process

        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
        for name, form, kind in [
            ("qdq", QuantFormat.QDQ, QuantType.QInt8),
            ("qoperator", QuantFormat.QOperator, QuantType.QUInt8),
        ]:
            quantize_static(
                source, target, Pictures(), quant_format=form, activation_type=kind, weight_type=QuantType.QInt8)
            save(onnx.load(target), name)
        quantize_dynamic(source, target, weight_type=QuantType.QUInt8)
        save(onnx.load(target), "dynamic")
    save(plain, "float")
    save(Network(folded=True).build(), "folded")
    save(Network(channels_last=True).build(), "channels-last")
    broken = onnx.load(HERE / "qdq.onnx")
    scale = next(each for each in broken.graph.initializer if each.name == BROKEN)
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(2), BROKEN))
    save(broken, "broken")


main()
