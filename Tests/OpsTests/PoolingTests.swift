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
  row("GlobalAveragePool", [:], x: [2, 3, 4, 5]),
  row("GlobalMaxPool", [:], x: [2, 3, 4, 5]),
]
