import Graph
import Ops
import TestSupport
import Testing

let lossGradientChecks: [GradientCheck] = [
  .composite(
    "NegativeLogLikelihoodLoss",
    [.uniform([2, 3, 2]), .fixed(integers(0, 2, 1, 2, shape: [2, 2])), .uniform([3], 1...2)],
    ["ignore_index": .int(1)]),
  .composite("NegativeLogLikelihoodLoss", [.uniform([2, 3]), .fixed(integers(0, 2))], ["reduction": .string("none")]),
  .composite("SoftmaxCrossEntropyLoss", [.uniform([2, 3]), .fixed(integers(0, 2))], outputs: 2),
  .composite(
    "SoftmaxCrossEntropyLoss",
    [.uniform([2, 3, 2]), .fixed(integers(0, 2, 1, 2, shape: [2, 2])), .uniform([3], 1...2)],
    ["reduction": .string("sum"), "ignore_index": .int(2)]),
]

@Suite struct LossTests {
  private let logarithms = floats(-1, -2, -3, -4, shape: [2, 2]), classes = integers(1, 0)

  private func loss(_ attributes: [String: Attribute] = [:], weights: Tensor? = nil) throws -> [Float] {
    try evaluate("NegativeLogLikelihoodLoss", [logarithms, classes, weights], attributes, free: [0, 1])[0].floats
  }

  @Test func reduces() throws {
    #expect(try loss() == [2.5])
    #expect(try loss(["reduction": .string("sum")]) == [5])
    #expect(try loss(["reduction": .string("none")]) == [2, 3])
  }

  @Test func weighsAndIgnores() throws {
    #expect(try loss(weights: floats(1, 3)) == [2.25])
    #expect(try loss(["ignore_index": .int(0)]) == [2])
    #expect(try loss(["ignore_index": .int(0), "reduction": .string("none")]) == [2, 0])
  }

  @Test func takesScores() throws {
    let results = try evaluate(
      "SoftmaxCrossEntropyLoss", [floats(0, 0, 0, 0, shape: [2, 2]), classes], outputCount: 2, free: [0, 1])
    expectClose(results[0].floats, [0.6931472], within: 1e-6)
    expectClose(results[1].floats, [Float](repeating: -0.6931472, count: 4), within: 1e-6)
  }
}
