import Graph
import Ops

private func row(_ type: String, _ attributes: [String: Attribute], x: Shape) -> GradientCheck {
  GradientCheck(type: type, attributes: attributes, inputs: [.uniform(x, -4...4, spread: type.hasSuffix("MaxPool"))])
}

let poolingGradientChecks: [GradientCheck] = [
  row("MaxPool", ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])], x: [1, 2, 6, 7]),
  row(
    "MaxPool",
    ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1]), "ceil_mode": .int(1)],
    x: [1, 2, 8, 7]),
  row("MaxPool", ["kernel_shape": .ints([3, 2]), "dilations": .ints([2, 3])], x: [2, 2, 7, 6]),
  row("MaxPool", ["kernel_shape": .ints([3]), "pads": .ints([1, 1])], x: [2, 3, 9]),
  row("MaxPool", ["kernel_shape": .ints([2, 2, 2]), "strides": .ints([2, 1, 2])], x: [1, 2, 4, 3, 4]),
  row(
    "AveragePool", ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])],
    x: [2, 2, 7, 6]),
  row(
    "AveragePool",
    [
      "kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1]),
      "count_include_pad": .int(1), "ceil_mode": .int(1),
    ], x: [1, 2, 6, 6]),
  row(
    "AveragePool", ["kernel_shape": .ints([3]), "auto_pad": .string("SAME_LOWER"), "strides": .ints([2])], x: [2, 3, 9]),
  row("AveragePool", ["kernel_shape": .ints([2, 2]), "dilations": .ints([2, 2])], x: [1, 2, 6, 6]),
  row(
    "LpPool", ["kernel_shape": .ints([3, 2]), "strides": .ints([2, 1]), "pads": .ints([1, 0, 1, 1])], x: [1, 2, 5, 6]),
  row("LpPool", ["kernel_shape": .ints([2]), "dilations": .ints([2]), "p": .int(3)], x: [2, 2, 7]),
  row("LpPool", ["kernel_shape": .ints([2, 2]), "p": .int(1)], x: [1, 1, 3, 4]),
  row("GlobalLpPool", ["p": .int(3)], x: [2, 3, 4, 5]),
  GradientCheck(
    type: "MaxUnpool", attributes: ["kernel_shape": .ints([2]), "strides": .ints([2])],
    inputs: [.uniform([1, 2, 2]), .fixed(integers(1, 2, 4, 7, shape: [1, 2, 2]))]),
  GradientCheck(type: "Crop", attributes: ["border": .ints([1, 0, 0, 2])], inputs: [.uniform([1, 2, 5, 4])]),
  GradientCheck(
    type: "ImageScaler", attributes: ["scale": .float(3), "bias": .floats([1, 2])], inputs: [.uniform([1, 2, 3, 4])]),
  row("GlobalAveragePool", [:], x: [2, 3, 4, 5]),
  row("GlobalMaxPool", [:], x: [2, 3, 4, 5]),
]
