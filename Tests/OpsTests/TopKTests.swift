import Graph
import Ops
import TestSupport
import Testing

let topKGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "TopK", attributes: ["axis": .int(0)], inputs: [.uniform([5, 2], spread: true), .fixed(integers(3))]),
  GradientCheck(
    type: "TopK", attributes: ["largest": .int(0)], inputs: [.uniform([2, 5], spread: true), .fixed(integers(2))]),
  GradientCheck(type: "TopK", attributes: ["k": .int(2)], inputs: [.uniform([2, 5], spread: true)], opset: 1),
]

@Suite struct TopKTests {
  @Test func topK() throws {
    let x = floats(3, 1, 3, 2, 0, 5, shape: [2, 3])
    let largest = try evaluate("TopK", [x, integers(2)], outputCount: 2)
    #expect(largest[0].floats == [3, 3, 5, 2])
    #expect(largest[1].integers == [0, 2, 2, 0])
    let smallest = try evaluate("TopK", [x, integers(1)], ["largest": .int(0), "axis": .int(0)], outputCount: 2)
    #expect(smallest[0].floats == [2, 0, 3])
    #expect(smallest[1].integers == [1, 1, 0])
    #expect(try evaluate("TopK", [x], ["k": .int(1)], opset: 1)[0].floats == [3, 5])
    let whole = try evaluate("TopK", [integers(4, 9, 6), integers(3)], outputCount: 2)
    #expect(whole[0].integers == [9, 6, 4])
    let odd = floats(1, .nan, 2)
    #expect(try evaluate("TopK", [odd, integers(3)], outputCount: 2)[1].integers == [1, 2, 0])
    expectError(.badData, saying: "4 elements") { _ = try evaluate("TopK", [x, integers(4)]) }
    expectError(.badData, saying: "axis 2") { _ = try evaluate("TopK", [x, integers(1)], ["axis": .int(2)]) }
  }
}
