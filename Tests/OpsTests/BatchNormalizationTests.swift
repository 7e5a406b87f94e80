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
]

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
    expectError(.unsupported, saying: "training") {
      _ = try evaluate("BatchNormalization", inputs, ["training_mode": .int(1)], opset: 15)
    }
    expectError(.unsupported, saying: "'spatial'") {
      _ = try evaluate("BatchNormalization", inputs, ["spatial": .int(0)], opset: 7)
    }
    expectError(.unsupported, saying: "training") { _ = try evaluate("BatchNormalization", inputs, outputCount: 3) }
    expectError(.badData, saying: "input 4", "2 channels") {
      _ = try evaluate("BatchNormalization", Array(inputs.dropLast()) + [floats(1)])
    }
  }
}
