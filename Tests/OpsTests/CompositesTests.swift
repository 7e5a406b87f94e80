import Graph
import Ops
import Testing

let compositesGradientChecks: [GradientCheck] = [
  .composite("FC", [.uniform([2, 3, 2]), .uniform([4, 6]), .uniform([4])], opset: 1),
  .composite("CumProd", [.uniform([2, 3]), .fixed(integer(1))]),
  .composite("CumProd", [.uniform([3, 2]), .fixed(integer(0))], ["exclusive": .int(1), "reverse": .int(1)]),
  .composite("SwiGLU", [.uniform([2, 3]), .uniform([2, 3])], ["alpha": .float(1.5)]),
  .composite(
    "CausalConvWithState",
    [.uniform([1, 2, 4]), .fixed(counting([2, 1, 3])), .fixed(floats(1, 2)), .uniform([1, 2, 2])],
    ["activation": .string("silu")]),
  .composite(
    "TensorScatter", [.uniform([2, 4, 2]), .uniform([2, 3, 2]), .fixed(integers(1, 2))], ["mode": .string("circular")]),
]

@Suite struct CompositesTests {
  @Test func fullyConnected() throws {
    let weights = floats(1, 0, 2, -1, shape: [2, 2])
    let result = try evaluate(
      "FC", [floats(1, 2, shape: [1, 1, 2]), weights, floats(10, 20)], ["axis": .int(2)], opset: 1)[0]
    #expect(result.shape == [1, 1, 2] && result.floats == [11, 20])
  }

  @Test func cumulativeProducts() throws {
    func products(_ attributes: [String: Attribute]) throws -> [Float] {
      try evaluate("CumProd", [floats(1, 2, 3), integer(0)], attributes, opset: 26)[0].floats
    }
    #expect(try products([:]) == [1, 2, 6])
    #expect(try products(["exclusive": .int(1)]) == [1, 1, 2])
    #expect(try products(["reverse": .int(1)]) == [6, 6, 3])
    #expect(try products(["exclusive": .int(1), "reverse": .int(1)]) == [6, 3, 1])
  }

  @Test func writesIntoACache() throws {
    let cache = floats(0, 0, 0, 0, 0, 0, shape: [2, 3, 1]), update = floats(1, 2, 3, 4, shape: [2, 2, 1])
    #expect(
      try evaluate("TensorScatter", [cache, update, integers(1, 0)], opset: 24, free: [0, 1, 2])[0].floats
        == [0, 1, 2, 3, 4, 0])
    #expect(
      try evaluate("TensorScatter", [cache, update, integers(2, 0)], ["mode": .string("circular")], opset: 24)[0].floats
        == [2, 0, 1, 3, 4, 0])
  }

  @Test func convolvesCausally() throws {
    let x = floats(1, 2, 3, shape: [1, 1, 3]), weight = floats(10, 1, shape: [1, 1, 2])
    let results = try evaluate(
      "CausalConvWithState", [x, weight, nil, floats(5, shape: [1, 1, 1])], opset: 27, outputCount: 2)
    #expect(results[0].floats == [51, 12, 23] && results[1].floats == [3])
  }
}
