import Graph
import Ops
import TestSupport
import Testing

private func rows(_ type: String, _ range: ClosedRange<Float> = -2...2, spread: Bool = false) -> [GradientCheck] {
  let attributeForms: [(Shape, [Int64]?)] = [
    ([2, 3, 4], nil), ([2, 3, 4], [2]), ([2, 3, 4], [0, -1]), ([3, 2, 2, 2], [1, 3]),
  ]
  return attributeForms.map { shape, axes in
    GradientCheck(
      type: type, attributes: axes.map { ["axes": .ints($0), "keepdims": .int(0)] } ?? [:],
      inputs: [.uniform(shape, range, spread: spread)], opset: 11)
  } + [
    GradientCheck(type: type, inputs: [.uniform([2, 3, 4], range, spread: spread), .fixed(integers(1))], opset: 18)
  ]
}

let reduceGradientChecks: [GradientCheck] =
  rows("ReduceSum") + rows("ReduceMean") + rows("ReduceMax", spread: true) + rows("ReduceMin", spread: true)
  + rows("ReduceProd", 0.7...1.3) + rows("ReduceL1", 0.1...2) + rows("ReduceL2") + rows("ReduceLogSum", 0.5...2)
  + rows("ReduceLogSumExp") + rows("ReduceSumSquare")
  + [
    GradientCheck(
      type: "ReduceSumSquare", attributes: ["noop_with_empty_axes": .int(1)], inputs: [.uniform([2, 3])], opset: 18),
    GradientCheck(type: "CumSum", inputs: [.uniform([2, 3, 4]), .fixed(integer(1))]),
    GradientCheck(
      type: "CumSum", attributes: ["exclusive": .int(1), "reverse": .int(1)],
      inputs: [.uniform([2, 3]), .fixed(integer(-1))]),
  ]

@Suite struct ReduceTests {
  private func reduce(
    _ type: String, _ x: Tensor, axes: [Int64]? = nil, _ attributes: [String: Attribute] = ["keepdims": .int(0)]
  ) throws -> Tensor {
    var attributes = attributes
    if let axes { attributes["axes"] = .ints(axes) }
    return try evaluate(type, [x], attributes, opset: 11)[0]
  }

  @Test func foldsOverAnyAxes() throws {
    let x = counting([2, 3, 2])
    #expect(try reduce("ReduceSum", x).floats == [66])
    #expect(try reduce("ReduceSum", x, axes: [2]).floats == [1, 5, 9, 13, 17, 21])
    #expect(try reduce("ReduceSum", x, axes: [1]).floats == [6, 9, 24, 27])
    #expect(try reduce("ReduceSum", x, axes: [0]).floats == [6, 8, 10, 12, 14, 16])
    #expect(try reduce("ReduceSum", x, axes: [0, -1]).floats == [14, 22, 30])
    #expect(try reduce("ReduceMean", x, axes: [1, 2]).floats == [2.5, 8.5])
    #expect(try reduce("ReduceMean", x, axes: [0, 2], [:]).shape == [1, 3, 1])
    #expect(try reduce("ReduceSum", counting([2, 2, 2, 2, 2]), axes: [0, 2, 4]).floats == [84, 100, 148, 164])
    expectError(.badData, saying: "axis 3") { _ = try reduce("ReduceSum", x, axes: [3]) }
    expectError(.badData, saying: "[0, -3]") { _ = try reduce("ReduceSum", x, axes: [0, -3]) }
  }

  @Test func everyFold() throws {
    let x = floats(-1, 2, -3, 0.5, shape: [2, 2])
    #expect(try reduce("ReduceMax", x, axes: [1]).floats == [2, 0.5])
    #expect(try reduce("ReduceMin", x, axes: [0]).floats == [-3, 0.5])
    #expect(try reduce("ReduceProd", x).floats == [3])
    #expect(try reduce("ReduceL1", x, axes: [0]).floats == [4, 2.5])
    #expect(try reduce("ReduceSumSquare", x, axes: [1]).floats == [5, 9.25])
    #expect(try reduce("ReduceL2", floats(3, 4)).floats == [5])
    expectClose(try reduce("ReduceLogSum", floats(1, 2)).floats, [1.0986123], within: 1e-6)
    expectClose(try reduce("ReduceLogSumExp", floats(1000, 1000)).floats, [1000.6931], within: 1e-3)
    #expect(try reduce("ReduceMax", floats(1, .nan, 2)).floats[0].isNaN)
    #expect(try reduce("ReduceMax", floats(-.infinity, -.infinity)).floats == [-.infinity])
    #expect(try reduce("ReduceLogSumExp", floats(-.infinity, -.infinity)).floats == [-.infinity])
  }

  @Test func axesMayBeAnInputOrLeftOut() throws {
    let x = counting([2, 2])
    #expect(try evaluate("ReduceSum", [x, integers(0)], opset: 13)[0].floats == [2, 4])
    #expect(try evaluate("ReduceSum", [x], opset: 13)[0].floats == [6])
    let noop: [String: Attribute] = ["noop_with_empty_axes": .int(1)]
    #expect(try evaluate("ReduceSum", [x], noop, opset: 13)[0].floats == [0, 1, 2, 3])
    #expect(try evaluate("ReduceSumSquare", [x], noop, opset: 18)[0].floats == [0, 1, 4, 9])
    expectError(.unsupported, saying: "input 1") {
      _ = try evaluate("ReduceSum", [x, integers(0)], opset: 13, free: [0, 1])
    }
  }

  @Test func nothingFoldsToTheNeutralElement() throws {
    let x = Tensor([Float](), shape: [2, 0])
    #expect(try reduce("ReduceSum", x, axes: [1]).floats == [0, 0])
    #expect(try reduce("ReduceProd", x, axes: [1]).floats == [1, 1])
    #expect(try reduce("ReduceMax", x, axes: [1]).floats == [-.infinity, -.infinity])
    #expect(try reduce("ReduceSum", x, axes: [0]).shape == [0])
  }

  @Test func integersAndTruthValues() throws {
    let x = integers(-7, 2, 3, 4, shape: [2, 2])
    #expect(try reduce("ReduceSum", x, axes: [0]).integers == [-4, 6])
    #expect(try reduce("ReduceMean", x, axes: [1]).integers == [-2, 3])
    #expect(try reduce("ReduceProd", x).integers == [-168])
    #expect(try reduce("ReduceMin", x, axes: [1]).integers == [-7, 3])
    #expect(try reduce("ReduceL2", integers(3, 4)).integers == [5])
    let truths = Tensor([true, false], shape: [2])
    #expect(try evaluate("ReduceMax", [truths])[0].integers == [1])
    #expect(try evaluate("ReduceMin", [truths])[0].integers == [0])
  }

  /// A million tenths: plain float32 sums drift by percent.
  @Test func longSumsStayAccurate() throws {
    let x = Tensor([Float](repeating: 0.1, count: 1 << 20), shape: [1 << 10, 1 << 10])
    #expect(try reduce("ReduceMean", x).floats == [0.1])
    #expect(try reduce("ReduceMean", x, axes: [0]).floats[17] == 0.1)
  }

  @Test func derivativesAtTiesAndZeros() throws {
    #expect(try inputGradient("ReduceMax", floats(1, 3, 3, 2)) == [0, 0.5, 0.5, 0])
    #expect(try inputGradient("ReduceProd", floats(0, 2, 3)) == [6, 0, 0])
    #expect(try inputGradient("ReduceProd", floats(0, 2, 0)) == [0, 0, 0])
    #expect(try inputGradient("ReduceL2", floats(0, 0)) == [0, 0])
    #expect(try inputGradient("ReduceL1", floats(0, -2)) == [0, -1])
  }

  @Test func extremumPositions() throws {
    let x = floats(1, 3, 3, 2, 2, 0, shape: [2, 3])
    #expect(try evaluate("ArgMax", [x], ["axis": .int(1)])[0].integers == [1, 0])
    #expect(try evaluate("ArgMax", [x], ["axis": .int(-1), "select_last_index": .int(1)])[0].integers == [2, 1])
    #expect(try evaluate("ArgMin", [x], ["keepdims": .int(0)])[0].shape == [3])
    #expect(try evaluate("ArgMin", [x])[0].integers == [0, 1, 1])
    #expect(try evaluate("ArgMax", [integers(4, 9, 2)])[0].integers == [1])
    expectError(.badData, saying: "axis 2") { _ = try evaluate("ArgMax", [x], ["axis": .int(2)]) }
    expectError(.badData, at: "node 'node' (ArgMax, #0)") {
      _ = try evaluate("ArgMax", [Tensor([Float](), shape: [0])])
    }
  }

  @Test func cumulativeSums() throws {
    let x = floats(1, 2, 3)
    func sum(_ attributes: [String: Attribute]) throws -> [Float] {
      try evaluate("CumSum", [x, integer(0)], attributes)[0].floats
    }
    #expect(try sum([:]) == [1, 3, 6])
    #expect(try sum(["exclusive": .int(1)]) == [0, 1, 3])
    #expect(try sum(["reverse": .int(1)]) == [6, 5, 3])
    #expect(try sum(["reverse": .int(1), "exclusive": .int(1)]) == [5, 3, 0])
    #expect(try evaluate("CumSum", [integers(1, 2, 3, 4, shape: [2, 2]), integer(0)])[0].integers == [1, 2, 4, 6])
  }
}
