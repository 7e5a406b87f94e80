import Graph
import TestSupport
import Testing

@testable import Ops

private func row(
  _ attributes: [String: [Int64]] = [:], group: Int64 = 1, mode: String? = nil, x: Shape, weights: Shape,
  bias: Bool = false, wanted: [Int] = [0]
) -> GradientCheck {
  var named = attributes.mapValues { Attribute.ints($0) }
  if group != 1 { named["group"] = .int(group) }
  if let mode { named["auto_pad"] = .string(mode) }
  return GradientCheck(
    type: "ConvTranspose", attributes: named,
    inputs: [.uniform(x), .uniform(weights)] + (bias ? [.uniform([weights[1] * Int(group)])] : []), wanted: wanted)
}

let convTransposeGradientChecks: [GradientCheck] = [
  row(x: [2, 3, 5, 4], weights: [3, 4, 3, 2], bias: true),
  row(
    ["strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]], x: [1, 3, 4, 5], weights: [3, 2, 3, 3]),
  row(
    ["strides": [3, 2], "dilations": [1, 2], "pads": [0, 1, 2, 1]], group: 2, x: [1, 4, 3, 4], weights: [4, 2, 3, 3]),
  row(["strides": [2, 2], "pads": [1, 1, 1, 1]], group: 4, x: [1, 4, 5, 5], weights: [4, 1, 4, 4]),
  row(["strides": [2]], mode: "SAME_UPPER", x: [2, 2, 5], weights: [2, 3, 4]),
  row(["strides": [1, 2, 1]], x: [1, 2, 3, 3, 2], weights: [2, 2, 2, 3, 2]),
  row(["strides": [2, 2], "output_shape": [9, 12]], x: [1, 2, 4, 5], weights: [2, 2, 3, 3]),
  row(x: [1, 3, 4, 4], weights: [3, 5, 1, 1]),
  // Weights and biases that the network computes.
  row(x: [2, 3, 5, 4], weights: [3, 4, 3, 2], bias: true, wanted: [0, 1, 2]),
  row(
    ["strides": [3, 2], "dilations": [1, 2], "pads": [0, 1, 2, 1]], group: 2, x: [2, 4, 3, 4], weights: [4, 2, 3, 3],
    bias: true, wanted: [1, 2]),
  row(["strides": [2]], mode: "SAME_UPPER", x: [2, 2, 5], weights: [2, 3, 4], wanted: [1]),
  row(["strides": [1, 2, 1]], x: [1, 2, 3, 3, 2], weights: [2, 2, 2, 3, 2], wanted: [0, 1]),
]

@Suite struct ConvTransposeTests {
  struct Case: Sendable {
    let x, weights: Shape
    var groups = 1
    var strides: [Int]?
    var dilations: [Int]?
    var pads: [Int]?
    var outputPadding: [Int]?
    let output: [Int]
  }

  static let cases = [
    Case(x: [2, 3, 4, 5], weights: [3, 4, 3, 2], output: [6, 6]),
    Case(
      x: [1, 3, 4, 5], weights: [3, 2, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 0],
      output: [8, 9]),
    Case(x: [1, 4, 3, 4], weights: [4, 2, 3, 3], groups: 2, strides: [3, 2], dilations: [1, 2], output: [9, 11]),
    Case(x: [2, 4, 5, 5], weights: [4, 1, 4, 4], groups: 4, strides: [2, 2], pads: [1, 1, 1, 1], output: [10, 10]),
    Case(x: [1, 2, 6], weights: [2, 3, 4], strides: [3], pads: [2, 1], output: [16]),
    Case(x: [1, 2, 3, 3, 2], weights: [2, 2, 2, 3, 2], strides: [1, 2, 1], output: [4, 7, 3]),
    Case(x: [1, 3, 3, 3], weights: [3, 5, 1, 1], output: [3, 3]),
  ]

  @Test(arguments: cases) func equalsTheNaiveScatter(_ row: Case) throws {
    let x = random(row.x, seed: 1), weights = random(row.weights, seed: 2)
    let perGroup = row.weights[1], channels = perGroup * row.groups, inputs = row.x[1]
    let bias = random([channels], seed: 3)
    let window = NaiveWindow(
      input: row.output, kernel: Array(row.weights.dimensions[2...]), strides: row.strides, dilations: row.dilations,
      pads: row.pads)
    let from = Array(row.x.dimensions[2...]), volume = row.output.reduce(1, *), cells = window.kernel.reduce(1, *)
    let fromVolume = from.reduce(1, *), xs = x.floats, ws = weights.floats, bs = bias.floats
    var expected = (0..<row.x[0] * channels * volume).map { Double(bs[$0 / volume % channels]) }
    for batch in 0..<row.x[0] {
      for input in 0..<inputs {
        for output in 0..<perGroup {
          let channel = input / (inputs / row.groups) * perGroup + output
          for (index, place) in NaiveWindow.positions(from).enumerated() {
            for (cell, position) in NaiveWindow.positions(window.kernel).enumerated() {
              let to = window.coordinate(place, position)
              guard window.isInside(to) else { continue }
              expected[(batch * channels + channel) * volume + NaiveWindow.offset(to, in: row.output)] +=
                Double(xs[(batch * inputs + input) * fromVolume + index])
                * Double(ws[(input * perGroup + output) * cells + cell])
            }
          }
        }
      }
    }
    var attributes: [String: Attribute] = ["group": .int(Int64(row.groups))]
    for (name, values) in [
      ("strides", row.strides), ("dilations", row.dilations), ("pads", row.pads), ("output_padding", row.outputPadding),
    ] {
      if let values { attributes[name] = .ints(values.map(Int64.init)) }
    }
    let y = try evaluate("ConvTranspose", [x, weights, bias], attributes)[0]
    #expect(y.shape == Shape([row.x[0], channels] + row.output))
    expectClose(y.floats, expected.map { Float($0) }, within: 1e-5, isRelative: true)
  }

  // 1 at one place of x draws the kernel 1 2 3 into y, shifted by the padding that the extent asks for.
  @Test func outputShapeAndAutoPadPlaceTheKernel() throws {
    func place(_ attributes: [String: Attribute]) throws -> [Float] {
      try evaluate(
        "ConvTranspose", [floats(0, 1, shape: [1, 1, 2]), floats(1, 2, 3, shape: [1, 1, 3])],
        attributes.merging(["strides": .ints([2])]) { $1 })[0].floats
    }
    #expect(try place([:]) == [0, 0, 1, 2, 3])
    #expect(try place(["output_shape": .ints([4])]) == [0, 1, 2, 3])
    #expect(try place(["output_shape": .ints([4]), "auto_pad": .string("SAME_UPPER")]) == [0, 0, 1, 2])
    #expect(try place(["output_shape": .ints([6])]) == [0, 0, 1, 2, 3, 0])
    #expect(try place(["auto_pad": .string("SAME_UPPER")]) == [0, 0, 1, 2])
    #expect(try place(["auto_pad": .string("SAME_LOWER")]) == [0, 1, 2, 3])
  }

  @Test func channelsThatDoNotFitAreAnError() {
    expectError(.badData, saying: "1×3×2×2", "2×1×2×2") {
      _ = try evaluate("ConvTranspose", [counting([1, 3, 2, 2]), counting([2, 1, 2, 2])])
    }
  }
}
