import Graph
import Ops
import TestSupport
import Testing

private func rows(_ type: String) -> [GradientCheck] {
  [
    GradientCheck(type: type, inputs: [.uniform([2, 3, 5])]),
    GradientCheck(type: type, attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 5])]),
    GradientCheck(type: type, attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 5])], opset: 11),
  ]
}

let softmaxGradientChecks: [GradientCheck] = rows("Softmax") + rows("LogSoftmax")

@Suite struct SoftmaxTests {
  @Test func softmaxAlongAnAxis() throws {
    let x = floats(0, 1, 1000, 1000, shape: [2, 2])
    expectClose(try evaluate("Softmax", [x])[0].floats, [0.26894142, 0.73105858, 0.5, 0.5])
    expectClose(try evaluate("Softmax", [x], ["axis": .int(0)])[0].floats, [0, 0, 1, 1])
    expectClose(try evaluate("LogSoftmax", [x])[0].floats, [-1.3132617, -0.31326169, -0.69314718, -0.69314718])
    #expect(try evaluate("Hardmax", [x])[0].floats == [0, 1, 1, 0])
    let masked = floats(0, -.infinity, 0)
    expectClose(try evaluate("Softmax", [masked])[0].floats, [0.5, 0, 0.5])
    expectError(.badData, saying: "axis 2") { _ = try evaluate("Softmax", [x], ["axis": .int(2)]) }
  }

  /// Rows apart from each other in memory, more of them than are gathered at once.
  @Test func softmaxAlongAMiddleAxis() throws {
    let y = try evaluate("Softmax", [counting([2, 3, 37])], ["axis": .int(1)])[0].floats
    // The last of three exceeds the others by at least 37.
    let image = [Float](repeating: 0, count: 2 * 37) + [Float](repeating: 1, count: 37)
    expectClose(y, image + image, within: 1e-6)
  }

  @Test func oldSoftmaxFlattens() throws {
    let x = Tensor([Float](repeating: 3, count: 12), shape: [2, 3, 2])
    expectClose(try evaluate("Softmax", [x], opset: 12)[0].floats, [Float](repeating: 1 / 6, count: 12))
    expectClose(try evaluate("Softmax", [x], opset: 13)[0].floats, [Float](repeating: 1 / 2, count: 12))
    #expect(
      try evaluate("Hardmax", [x], ["axis": .int(2)], opset: 11)[0].floats == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
  }
}
