import Graph
import Ops

private func row(
  _ attributes: [String: [Int64]] = [:], group: Int64 = 1, x: Shape, weights: Shape,
  bias: Bool = false
) -> GradientCheck {
  var named = attributes.mapValues { Attribute.ints($0) }
  if group != 1 { named["group"] = .int(group) }
  return GradientCheck(
    type: "Conv", attributes: named,
    inputs: [.uniform(x), .uniform(weights)] + (bias ? [.uniform([weights[0]])] : []), wanted: [0])
}

let convolutionGradientChecks: [GradientCheck] = [
  row(x: [2, 3, 5, 4], weights: [4, 3, 1, 1], bias: true),
  row(group: 2, x: [2, 4, 5, 4], weights: [6, 2, 1, 1]),
  row(["strides": [2, 2]], x: [1, 3, 6, 5], weights: [4, 3, 1, 1]),
  row(["pads": [1, 1, 1, 1]], x: [2, 3, 6, 5], weights: [4, 3, 3, 3], bias: true),
  row(["pads": [0, 1, 2, 1], "strides": [2, 3], "dilations": [2, 1]], x: [1, 3, 9, 8], weights: [2, 3, 3, 2]),
  row(["pads": [1, 2], "strides": [2]], x: [2, 3, 9], weights: [2, 3, 4]),
  row(["pads": [1, 0, 1, 0, 1, 1], "strides": [1, 2, 1]], x: [1, 2, 4, 5, 4], weights: [3, 2, 2, 3, 2]),
  row(["pads": [1, 1, 1, 1]], group: 4, x: [2, 4, 6, 7], weights: [4, 1, 3, 3], bias: true),
  row(["pads": [2, 1, 1, 2], "strides": [2, 2]], group: 3, x: [1, 3, 9, 8], weights: [6, 1, 5, 4]),
  row(
    ["pads": [3, 3, 3, 3], "strides": [1, 3], "dilations": [3, 2]], group: 2, x: [1, 2, 11, 9], weights: [2, 1, 3, 3]),
  row(["strides": [3, 2]], group: 2, x: [1, 2, 8, 8], weights: [2, 1, 2, 1]),
  row(["pads": [1, 1, 1, 1]], group: 2, x: [1, 4, 5, 5], weights: [6, 2, 3, 3]),
  row(["pads": [1, 1, 1, 1]], x: [1, 32, 13, 26], weights: [48, 32, 3, 3], bias: true),
  row(["pads": [0, 2, 1, 0]], x: [2, 48, 26, 27], weights: [32, 48, 3, 3]),
  row(["pads": [1, 1, 1, 1]], x: [1, 32, 75, 97], weights: [32, 32, 3, 3]),
  GradientCheck(
    type: "FusedConv", domain: "com.microsoft", attributes: ["activation": .string("Relu")],
    inputs: [.uniform([1, 3, 5, 5], 0.2...1), .uniform([4, 3, 2, 2], 0.2...1)], wanted: [0]),
]
