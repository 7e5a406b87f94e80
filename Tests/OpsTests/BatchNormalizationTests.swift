import Graph
import Ops
import TestSupport
import Testing

private let channels: [GradientCheck.Input] = [
  .uniform([3], 0.5...2), .uniform([3]), .uniform([3]), .uniform([3], 0.5...2),
]

private let clampedChannels: [GradientCheck.Input] = [
  .uniform([3], 0.2...0.3), .fixed(floats(2, -2, 2)), .uniform([3]), .uniform([3], 0.5...2),
]

let batchNormalizationGradientChecks: [GradientCheck] = [
  GradientCheck(type: "BatchNormalization", inputs: [.uniform([2, 3, 2, 4])] + channels),
  GradientCheck(type: "BatchNormalization", inputs: [.uniform([2, 3])] + channels, wanted: [0]),
  GradientCheck(type: "FusedBatchNormalization", domain: "test", inputs: [.uniform([2, 3, 2, 4])] + channels),
  // Each channel lies wholly inside the bounds or wholly outside.
  GradientCheck(
    type: "FusedBatchNormalization", domain: "test", attributes: ["activation": .string("Relu")],
    inputs: [.uniform([2, 3, 2, 4])] + clampedChannels),
  GradientCheck(
    type: "FusedBatchNormalization", domain: "test", attributes: ["activation": .string("Relu")],
    inputs: [.uniform([2, 3, 2, 4])] + clampedChannels, wanted: [0]),
  // By the statistics of the input: of one picture, of several, and without positions.
  statistics([1, 3, 4, 5], wanted: [0, 1, 2]),
  statistics([2, 3, 2, 4], wanted: [0, 1, 2]),
  statistics([5, 3], wanted: [0, 1, 2]),
  statistics([2, 3, 2, 4], outputs: 3),
  statistics([2, 3, 7], [:], outputs: 5, opset: 9),
]

private func statistics(
  _ x: Shape, _ attributes: [String: Attribute] = ["training_mode": .int(1), "momentum": .float(0.7)],
  outputs: Int = 1, opset: Int = 15, wanted: [Int] = [0]
) -> GradientCheck {
  GradientCheck(
    type: "BatchNormalization", attributes: attributes, inputs: [.uniform(x, -2...2)] + channels,
    outputCount: outputs, opset: opset, wanted: wanted, tolerance: 5e-3)
}

@Suite struct BatchNormalizationTests {
  @Test func batchNormalizationOfEveryOpset() throws {
    let inputs = [
      floats(1, 2, 3, 4, shape: [1, 2, 2]), floats(2, 3), floats(0.5, -1), floats(1, 3), floats(0.25, 4),
    ]
    let expected: [Float] = [0.5, 4.5, -1, 0.5]
    expectClose(try evaluate("BatchNormalization", inputs, ["epsilon": .float(0)])[0].floats, expected)
    let old: [String: Attribute] = [
      "epsilon": .float(0), "consumed_inputs": .ints([0, 0, 0, 1, 1]), "is_test": .int(1), "spatial": .int(1),
      "momentum": .float(0.9),
    ]
    expectClose(try evaluate("BatchNormalization", inputs, old, opset: 1)[0].floats, expected)
    expectError(.unsupported, saying: "'spatial'") {
      _ = try evaluate("BatchNormalization", inputs, ["spatial": .int(0)], opset: 7)
    }
    expectError(.badData, saying: "3 outputs") { _ = try evaluate("BatchNormalization", inputs, outputCount: 3) }
    expectError(.badData, saying: "input 4", "2 channels") {
      _ = try evaluate("BatchNormalization", Array(inputs.dropLast()) + [floats(1)])
    }
  }

  /// Channels of 1, 3, 5, 7 and of 0, 0, 0, 4: means 4 and 1, variances 5 and 3.
  @Test(arguments: [1, 2]) func inTrainingTheInputsOwnStatisticsCount(batch: Int) throws {
    let first: [Float] = [1, 3, 5, 7], second: [Float] = [0, 0, 0, 4]
    let x =
      batch == 1
      ? Tensor(first + second, shape: [1, 2, 4])
      : Tensor(Array(first[..<2] + second[..<2] + first[2...] + second[2...]), shape: [2, 2, 2])
    let inputs = [x, floats(2, 3), floats(0.5, -1), floats(10, 20), floats(30, 40)]
    let attributes: [String: Attribute] = ["epsilon": .float(1), "momentum": .float(0.5)]
    let training: [String: Attribute] = attributes.merging(["training_mode": .int(1)]) { $1 }
    let root = Float(6).squareRoot()
    let rows = first.map { 0.5 + 2 * ($0 - 4) / root } + second.map { -1 + 3 * ($0 - 1) / 2 }
    let expected = batch == 1 ? rows : Array(rows[0..<2] + rows[4..<6] + rows[2..<4] + rows[6..<8])
    for (named, opset, count) in [(training, 15, 3), (attributes, 9, 5), (training, 14, 1)] {
      let y = try evaluate("BatchNormalization", inputs, named, opset: opset, outputCount: count)
      expectClose(y[0].floats, expected, within: 1e-6)
      #expect(y[0].shape == x.shape)
      guard count > 1 else { continue }
      expectClose(y[1].floats, [7, 10.5])
      expectClose(y[2].floats, [17.5, 21.5])
      guard count > 3 else { continue }
      expectClose(y[3].floats, [4, 1])
      expectClose(y[4].floats, [5, 3])
    }
  }

  /// As in networks whose weights are standardised: nothing of it runs with the picture.
  @Test func constantWeightsAreStandardisedBeforehand() throws {
    var check = RewriteCheck([1, 3, 6, 6])
    let weights = check.constant([1, 4, 27]), ones = check.constant(Tensor([1, 1, 1, 1], shape: [4]))
    let zeros = check.constant(Tensor([0, 0, 0, 0], shape: [4]))
    let standardised = check.node(
      "BatchNormalization", weights, ones, zeros, zeros, ones, attributes: ["training_mode": .int(1)])
    let shape = check.constant(integers(4, 3, 3, 3))
    let y = check.node("Conv", 0, check.node("Reshape", standardised, shape))
    #expect(try check.steps(to: y) == ["Conv"])
  }
}
