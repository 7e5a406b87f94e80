import Graph
import Ops
import Testing

private func rows(_ type: String) -> [GradientCheck] {
  [
    GradientCheck(type: type, inputs: [.uniform([2, 3, 5])]),
    GradientCheck(type: type, attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 5])]),
    GradientCheck(type: type, attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 5])], opset: 11),
  ]
}

private let channels: [GradientCheck.Input] = [
  .uniform([3], 0.5...2), .uniform([3]), .uniform([3]), .uniform([3], 0.5...2),
]

private let clampedChannels: [GradientCheck.Input] = [
  .uniform([3], 0.2...0.3), .fixed(floats(2, -2, 2)), .uniform([3]), .uniform([3], 0.5...2),
]

let normalizationGradientChecks: [GradientCheck] =
  rows("Softmax") + rows("LogSoftmax")
  + [
    GradientCheck(type: "BatchNormalization", inputs: [.uniform([2, 3, 2, 4])] + channels),
    GradientCheck(type: "BatchNormalization", inputs: [.uniform([2, 3])] + channels, wanted: [0]),
    GradientCheck(type: "FusedBatchNormalization", domain: "gradcam", inputs: [.uniform([2, 3, 2, 4])] + channels),
    // Each channel lies wholly inside the bounds or wholly outside.
    GradientCheck(
      type: "FusedBatchNormalization", domain: "gradcam", attributes: ["activation": .string("Relu")],
      inputs: [.uniform([2, 3, 2, 4])] + clampedChannels),
    GradientCheck(
      type: "FusedBatchNormalization", domain: "gradcam", attributes: ["activation": .string("Relu")],
      inputs: [.uniform([2, 3, 2, 4])] + clampedChannels, wanted: [0]),
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
  private func isClose(_ values: [Float], _ expected: [Float], within tolerance: Float = 1e-5) -> Bool {
    values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) <= tolerance }
  }

  @Test func softmaxAlongAnAxis() throws {
    let x = floats(0, 1, 1000, 1000, shape: [2, 2])
    #expect(isClose(try evaluate("Softmax", [x])[0].floats, [0.26894142, 0.73105858, 0.5, 0.5]))
    #expect(isClose(try evaluate("Softmax", [x], ["axis": .int(0)])[0].floats, [0, 0, 1, 1]))
    #expect(isClose(try evaluate("LogSoftmax", [x])[0].floats, [-1.3132617, -0.31326169, -0.69314718, -0.69314718]))
    #expect(try evaluate("Hardmax", [x])[0].floats == [0, 1, 1, 0])
    let masked = floats(0, -.infinity, 0)
    #expect(isClose(try evaluate("Softmax", [masked])[0].floats, [0.5, 0, 0.5]))
    #expect(throws: GradCAMError.self) { try evaluate("Softmax", [x], ["axis": .int(2)]) }
  }

  /// Rows apart from each other in memory, more of them than are gathered at once.
  @Test func softmaxAlongAMiddleAxis() throws {
    let y = try evaluate("Softmax", [counting([2, 3, 37])], ["axis": .int(1)])[0].floats
    for at in [0, 36, 111, 147] {
      #expect(abs(y[at] + y[at + 37] + y[at + 74] - 1) < 1e-6 && abs(y[at + 74] - 1) < 1e-6)
    }
  }

  @Test func oldSoftmaxFlattens() throws {
    let x = Tensor([Float](repeating: 3, count: 12), shape: [2, 3, 2])
    #expect(isClose(try evaluate("Softmax", [x], opset: 12)[0].floats, [Float](repeating: 1 / 6, count: 12)))
    #expect(isClose(try evaluate("Softmax", [x], opset: 13)[0].floats, [Float](repeating: 1 / 2, count: 12)))
    #expect(
      try evaluate("Hardmax", [x], ["axis": .int(2)], opset: 11)[0].floats == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
  }

  @Test func batchNormalizationOfEveryOpset() throws {
    let inputs = [
      floats(1, 2, 3, 4, shape: [1, 2, 2]), floats(2, 3), floats(0.5, -1), floats(1, 3), floats(0.25, 4),
    ]
    let expected: [Float] = [0.5, 4.5, -1, 0.5]
    #expect(isClose(try evaluate("BatchNormalization", inputs, ["epsilon": .float(0)])[0].floats, expected))
    let old: [String: Attribute] = [
      "epsilon": .float(0), "consumed_inputs": .ints([0, 0, 0, 1, 1]), "is_test": .int(1), "spatial": .int(1),
      "momentum": .float(0.9),
    ]
    #expect(isClose(try evaluate("BatchNormalization", inputs, old, opset: 1)[0].floats, expected))
    #expect(throws: GradCAMError.self) {
      try evaluate("BatchNormalization", inputs, ["training_mode": .int(1)], opset: 15)
    }
    #expect(throws: GradCAMError.self) { try evaluate("BatchNormalization", inputs, ["spatial": .int(0)], opset: 7) }
    #expect(throws: GradCAMError.self) { try evaluate("BatchNormalization", inputs, outputCount: 3) }
    #expect(throws: GradCAMError.self) { try evaluate("BatchNormalization", Array(inputs.dropLast()) + [floats(1)]) }
  }

  @Test func rowsAreNormalised() throws {
    let x = floats(1, 3, 5, 9, shape: [1, 2, 2]), exact: [String: Attribute] = ["epsilon": .float(0)]
    let instance = try evaluate("InstanceNormalization", [x, floats(2, 3), floats(10, 20)], exact)
    #expect(isClose(instance[0].floats, [8, 12, 17, 23]))
    let layer = try evaluate("LayerNormalization", [x, floats(2, 3), floats(10, 20)], exact, outputCount: 3)
    #expect(isClose(layer[0].floats, [8, 23, 8, 23]))
    #expect(layer[1].shape == [1, 2, 1] && layer[1].floats == [2, 7])
    #expect(isClose(layer[2].floats, [1, 0.5]))
    #expect(isClose(try evaluate("LayerNormalization", [x, floats(1)], exact)[0].floats, [-1, 1, -1, 1]))
    let rms = try evaluate("RMSNormalization", [floats(3, 4, 0, 0), floats(1, 1, 1, 2)], exact, opset: 23)
    #expect(isClose(rms[0].floats, [1.2, 1.6, 0, 0]))
    #expect(throws: GradCAMError.self) { try evaluate("LayerNormalization", [x, floats(1, 2, 3)]) }
    #expect(throws: GradCAMError.self) { try evaluate("InstanceNormalization", [x, floats(1, 2, 3), floats(1, 2)]) }
  }

  @Test func groupsOfChannels() throws {
    let x = floats(1, 3, 5, 9, shape: [1, 4, 1])
    let attributes: [String: Attribute] = ["num_groups": .int(2), "epsilon": .float(0)]
    let perGroup = try evaluate("GroupNormalization", [x, floats(2, 3), floats(0, 1)], attributes, opset: 18)
    #expect(isClose(perGroup[0].floats, [-2, 2, -2, 4]))
    let perChannel = try evaluate(
      "GroupNormalization", [x, floats(1, 2, 3, 4), floats(0, 0, 0, 1)], attributes, opset: 21)
    #expect(isClose(perChannel[0].floats, [-1, 2, -3, 5]))
    #expect(throws: GradCAMError.self) {
      try evaluate("GroupNormalization", [x, floats(1), floats(1)], ["num_groups": .int(3)], opset: 21)
    }
  }

  @Test func otherNormalisations() throws {
    let x = floats(1, 3, 5, 9, shape: [2, 1, 1, 2])
    let mean = 4.5, deviation = (35.0 / 4).squareRoot()
    let expected = [1.0, 3, 5, 9].map { Float(($0 - mean) / deviation) }
    #expect(isClose(try evaluate("MeanVarianceNormalization", [x])[0].floats, expected))
    let rows = floats(3, 4, 0, 0, shape: [2, 2])
    #expect(isClose(try evaluate("LpNormalization", [rows])[0].floats, [0.6, 0.8, 0, 0]))
    #expect(isClose(try evaluate("LpNormalization", [rows], ["p": .int(1)])[0].floats, [0.42857143, 0.57142857, 0, 0]))
    #expect(isClose(try evaluate("LpNormalization", [rows], ["axis": .int(0)])[0].floats, [1, 1, 0, 0]))
    #expect(throws: GradCAMError.self) { try evaluate("LpNormalization", [rows], ["p": .int(3)]) }
    // Windows of two: the channel and the one behind it.
    let response: [String: Attribute] = ["size": .int(2), "alpha": .float(2), "beta": .float(1), "bias": .float(1)]
    let y = try evaluate("LRN", [floats(1, 2, 3, shape: [1, 3, 1])], response)[0].floats
    #expect(isClose(y, [0.16666667, 0.14285714, 0.3]))
    #expect(throws: GradCAMError.self) { try evaluate("LRN", [floats(1, shape: [1, 1])]) }
  }
}
