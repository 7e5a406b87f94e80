import Graph
import Ops
import TestSupport
import Testing

let normalizationGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "InstanceNormalization", inputs: [.uniform([2, 3, 4, 5], -2...2), .uniform([3]), .uniform([3])]),
  GradientCheck(
    type: "InstanceNormalization", inputs: [.uniform([2, 3, 4, 5], -2...2), .uniform([3]), .uniform([3])],
    wanted: [0]),
  GradientCheck(
    type: "LayerNormalization", inputs: [.uniform([2, 3, 16], -2...2), .uniform([16]), .uniform([16])],
    outputCount: 3),
  GradientCheck(
    type: "LayerNormalization", attributes: ["axis": .int(1), "epsilon": .float(0.1)],
    inputs: [.uniform([2, 3, 4], -2...2), .uniform([4])]),
  GradientCheck(
    type: "LayerNormalization", attributes: ["axis": .int(-2)],
    inputs: [.uniform([2, 3, 4], -2...2), .uniform([3, 1]), .uniform([1])]),
  GradientCheck(type: "RMSNormalization", inputs: [.uniform([3, 8]), .uniform([8])], opset: 23),
  GradientCheck(
    type: "GroupNormalization", attributes: ["num_groups": .int(2)],
    inputs: [.uniform([2, 4, 3, 2], -2...2), .uniform([2]), .uniform([2])]),
  GradientCheck(
    type: "GroupNormalization", attributes: ["num_groups": .int(2)],
    inputs: [.uniform([2, 4, 3, 2], -2...2), .uniform([4]), .uniform([4])], opset: 21),
  GradientCheck(type: "MeanVarianceNormalization", inputs: [.uniform([2, 3, 4, 2], -2...2)]),
  GradientCheck(
    type: "MeanVarianceNormalization", attributes: ["axes": .ints([1, -1])], inputs: [.uniform([2, 3, 4, 2], -2...2)]),
  GradientCheck(type: "LpNormalization", inputs: [.uniform([3, 6])]),
  GradientCheck(
    type: "LpNormalization", attributes: ["axis": .int(0), "p": .int(1)], inputs: [.away(from: [0], [3, 6])]),
  GradientCheck(
    type: "LRN", attributes: ["size": .int(3), "alpha": .float(0.5), "beta": .float(0.6), "bias": .float(1.5)],
    inputs: [.uniform([2, 5, 3, 3], -2...2)]),
  GradientCheck(
    type: "LRN", attributes: ["size": .int(4), "alpha": .float(1)], inputs: [.uniform([1, 5, 3], -2...2)]),
]

@Suite struct NormalizationTests {
  @Test func rowsAreNormalised() throws {
    let x = floats(1, 3, 5, 9, shape: [1, 2, 2]), exact: [String: Attribute] = ["epsilon": .float(0)]
    let instance = try evaluate("InstanceNormalization", [x, floats(2, 3), floats(10, 20)], exact)
    expectClose(instance[0].floats, [8, 12, 17, 23])
    let layer = try evaluate("LayerNormalization", [x, floats(2, 3), floats(10, 20)], exact, outputCount: 3)
    expectClose(layer[0].floats, [8, 23, 8, 23])
    #expect(layer[1].shape == [1, 2, 1] && layer[1].floats == [2, 7])
    expectClose(layer[2].floats, [1, 0.5])
    expectClose(try evaluate("LayerNormalization", [x, floats(1)], exact)[0].floats, [-1, 1, -1, 1])
    let rms = try evaluate("RMSNormalization", [floats(3, 4, 0, 0), floats(1, 1, 1, 2)], exact, opset: 23)
    expectClose(rms[0].floats, [1.2, 1.6, 0, 0])
    expectError(.badData, saying: "1×2×2") { _ = try evaluate("LayerNormalization", [x, floats(1, 2, 3)]) }
    expectError(.badData, saying: "shape 3", "2 channels") {
      _ = try evaluate("InstanceNormalization", [x, floats(1, 2, 3), floats(1, 2)])
    }
  }

  @Test func groupsOfChannels() throws {
    let x = floats(1, 3, 5, 9, shape: [1, 4, 1])
    let attributes: [String: Attribute] = ["num_groups": .int(2), "epsilon": .float(0)]
    let perGroup = try evaluate("GroupNormalization", [x, floats(2, 3), floats(0, 1)], attributes, opset: 18)
    expectClose(perGroup[0].floats, [-2, 2, -2, 4])
    let perChannel = try evaluate(
      "GroupNormalization", [x, floats(1, 2, 3, 4), floats(0, 0, 0, 1)], attributes, opset: 21)
    expectClose(perChannel[0].floats, [-1, 2, -3, 5])
    expectError(.badData, saying: "4 channels", "3 groups") {
      _ = try evaluate("GroupNormalization", [x, floats(1), floats(1)], ["num_groups": .int(3)], opset: 21)
    }
  }

  @Test func otherNormalisations() throws {
    let x = floats(1, 3, 5, 9, shape: [2, 1, 1, 2])
    let mean = 4.5, deviation = (35.0 / 4).squareRoot()
    let expected = [1.0, 3, 5, 9].map { Float(($0 - mean) / deviation) }
    expectClose(try evaluate("MeanVarianceNormalization", [x])[0].floats, expected)
    let rows = floats(3, 4, 0, 0, shape: [2, 2])
    expectClose(try evaluate("LpNormalization", [rows])[0].floats, [0.6, 0.8, 0, 0])
    expectClose(try evaluate("LpNormalization", [rows], ["p": .int(1)])[0].floats, [0.42857143, 0.57142857, 0, 0])
    expectClose(try evaluate("LpNormalization", [rows], ["axis": .int(0)])[0].floats, [1, 1, 0, 0])
    expectError(.unsupported, saying: "attribute 'p'", "3") {
      _ = try evaluate("LpNormalization", [rows], ["p": .int(3)])
    }
    // Windows of two: the channel and the one after it.
    let response: [String: Attribute] = ["size": .int(2), "alpha": .float(2), "beta": .float(1), "bias": .float(1)]
    let y = try evaluate("LRN", [floats(1, 2, 3, shape: [1, 3, 1])], response)[0].floats
    expectClose(y, [0.16666667, 0.14285714, 0.3])
    expectError(.badData, saying: "'size'") { _ = try evaluate("LRN", [floats(1, shape: [1, 1])]) }
  }
}
