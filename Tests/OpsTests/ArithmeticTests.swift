import Graph
import Ops
import TestSupport
import Testing

private func row(
  _ type: String, _ a: Shape, _ b: Shape, _ range: ClosedRange<Float> = -2...2, second: ClosedRange<Float>? = nil,
  attributes: [String: Attribute] = [:], opset: Int = 20
) -> GradientCheck {
  GradientCheck(
    type: type, attributes: attributes, inputs: [.uniform(a, range), .uniform(b, second ?? range)], opset: opset)
}

private let legacy: [String: Attribute] = ["broadcast": .int(1), "axis": .int(1)]

let arithmeticGradientChecks: [GradientCheck] = [
  row("Add", [2, 3, 4], [2, 3, 4]), row("Add", [2, 3, 4], [3, 1]), row("Add", [4], [2, 3, 1]),
  row("Add", [2, 3, 4], [3], attributes: legacy, opset: 6),
  row("Sub", [2, 3, 4], [2, 3, 4]), row("Sub", [2, 1, 4], [3, 1]),
  row("Sub", [2, 3, 4], [3], attributes: legacy, opset: 6),
  row("Mul", [2, 3, 4, 5], [2, 3, 1, 1]), row("Mul", [2, 3, 1, 1], [2, 3, 4, 5]), row("Mul", [3, 5], []),
  row("Mul", [2, 3, 4], [2, 3, 4]), row("Mul", [2, 3, 4], [3], attributes: legacy, opset: 6),
  row("Div", [2, 3, 4], [3, 1], second: 0.7...2), row("Div", [1, 4], [3, 1], second: 0.7...2),
  row("Div", [2, 3, 4], [3], second: 0.7...2, attributes: legacy, opset: 6),
  row("Pow", [2, 3, 4], [3, 1], 0.5...2, second: -2...3), row("Pow", [4], [4], 0.5...2),
  row("Pow", [2, 3, 4], [3], 0.5...2, attributes: legacy, opset: 6),
  GradientCheck(type: "Pow", inputs: [.uniform([3, 5]), .fixed(floats(2, shape: []))]),
  GradientCheck(type: "Pow", inputs: [.uniform([3, 5]), .fixed(floats(3, shape: [1, 1]))]),
  GradientCheck(type: "Pow", inputs: [.uniform([3, 5], 0.5...2), .fixed(floats(0.5, -1, 1, 0, 2.5))]),
  GradientCheck(type: "Pow", inputs: [.uniform([3, 2], 0.5...2), .fixed(integers(2, -1))]),
  GradientCheck(
    type: "Mod", attributes: ["fmod": .int(1)], inputs: [.uniform([4], 1.2...1.8), .uniform([1], 0.95...1.05)]),
  GradientCheck(type: "Mod", inputs: [.uniform([4], -1.8 ... -1.2), .uniform([4], 0.95...1.05)]),
  GradientCheck(type: "PRelu", inputs: [.away(from: [0], [2, 3, 4]), .uniform([3, 1])]),
  GradientCheck(type: "PRelu", inputs: [.away(from: [0], [2, 3, 4, 5]), .uniform([3])], opset: 6),
  GradientCheck(type: "Sum", inputs: [.uniform([2, 3]), .uniform([3]), .uniform([2, 1])]),
  GradientCheck(type: "Sum", inputs: [.uniform([2, 3])]),
  GradientCheck(type: "Mean", inputs: [.uniform([2, 3]), .uniform([3]), .uniform([2, 3])]),
  GradientCheck(type: "Max", inputs: [.uniform([12], -2...2, spread: true), .fixed(floats(0.01))]),
  GradientCheck(
    type: "Max", inputs: [.uniform([2, 3]), .fixed(floats(0.9)), .fixed(floats(-0.9, 0.1, 0.3))], tolerance: 2e-2),
  GradientCheck(type: "Max", inputs: [.uniform([2, 3], 0...1), .uniform([3], 2...3)]),
  GradientCheck(type: "Min", inputs: [.uniform([2, 3], 0...1), .uniform([3], -3 ... -2), .uniform([1], 0...1)]),
]

@Suite struct ArithmeticTests {
  @Test func broadcastsBothOperands() throws {
    #expect(
      try evaluate("Sub", [counting([3, 1]), counting([1, 2])], free: [0, 1])[0].floats == [0, -1, 1, 0, 2, 1])
    let result = try evaluate("Mul", [counting([2, 2, 1, 2]), counting([2, 1, 2, 1])], free: [0, 1])[0]
    #expect(result.shape == [2, 2, 2, 2])
    #expect(result.floats == [0, 0, 0, 1, 0, 0, 2, 3, 8, 10, 12, 15, 12, 14, 18, 21])
    expectError(.badData, saying: "3 and 2") { _ = try evaluate("Add", [counting([3]), counting([2])]) }
    expectError(.badData, saying: "float32", "int64") { _ = try evaluate("Add", [floats(1), integers(1)]) }
  }

  /// Longer than one task and one block of a row, at all three ways an operand can run along the last dimension.
  @Test func longRowsAreCutRight() throws {
    let a = counting([3, 40_000])
    for (b, step) in [(counting([40_000]), 1), (floats(7, shape: []), 0)] {
      let sum = try evaluate("Add", [a, b], free: [0, 1])[0].floats
      let difference = try evaluate("Sub", [b, a], free: [0, 1])[0].floats
      let values = b.floats
      for index in stride(from: 0, to: 120_000, by: 7) {
        let second = values[index % 40_000 * step]
        #expect(sum[index] == Float(index) + second && difference[index] == second - Float(index))
      }
    }
  }

  @Test func oldOpsetsAlignAtAnAxis() throws {
    let x = counting([2, 3, 2]), y = floats(10, 20, 30)
    let sum = try evaluate(
      "Add", [x, y], ["broadcast": .int(1), "axis": .int(1), "consumed_inputs": .ints([0, 0])], opset: 1)
    #expect(sum[0].floats == [10, 11, 22, 23, 34, 35, 16, 17, 28, 29, 40, 41])
    #expect(try evaluate("Add", [x, floats(1, 2)], ["broadcast": .int(1)], opset: 6)[0].floats[3] == 5)
    expectError(.badData, saying: "axis 3", "2×3×2") {
      _ = try evaluate("Add", [x, y], ["broadcast": .int(1), "axis": .int(3)], opset: 6)
    }
    expectError(.unsupported, saying: "'broadcast'") {
      _ = try evaluate("Add", [x, y], ["broadcast": .int(1)], opset: 7)
    }
  }

  @Test func integerArithmeticTruncatesAndWraps() throws {
    func binary(_ type: String, _ a: Tensor, _ b: Tensor, _ attributes: [String: Attribute] = [:]) throws -> [Int64] {
      try evaluate(type, [a, b], attributes, free: [0, 1])[0].integers
    }
    #expect(try binary("Div", integers(-7, 7, 5, .min), integers(2, -2, 0, -1)) == [-3, -3, 0, .min])
    let bytes = Tensor([200, 3], shape: [2], elementType: .uint8)
    #expect(try binary("Add", bytes, bytes) == [144, 6])
    #expect(try binary("Sub", Tensor([0], shape: [1], elementType: .uint8), bytes) == [56, 253])
    #expect(try binary("Mod", integers(-7, 7, 5), integers(3, -3, 0)) == [2, -2, 0])
    #expect(try binary("Mod", integers(-7, 7, .min), integers(3, -3, -1), ["fmod": .int(1)]) == [-1, 1, 0])
    #expect(try binary("Pow", integers(2, -3, 2, 7), integers(10, 3, -1, 0)) == [1024, -27, 0, 1])
    #expect(try binary("Pow", integers(9, 2), floats(0.5, 3)) == [3, 8])
    #expect(try binary("Max", integers(1, 5), integers(3)) == [3, 5])
    #expect(try binary("Mean", integers(1, 6), integers(3)) == [2, 4])
  }

  @Test func floatRemaindersAndPowers() throws {
    func binary(_ type: String, _ a: Tensor, _ b: Tensor, _ attributes: [String: Attribute] = [:]) throws -> [Float] {
      try evaluate(type, [a, b], attributes, free: [0, 1])[0].floats
    }
    #expect(try binary("Mod", floats(-7.5, 7.5), floats(2, -2), ["fmod": .int(1)]) == [-1.5, 1.5])
    #expect(try binary("Mod", floats(-7.5, 7.5), floats(2, -2)) == [0.5, -0.5])
    #expect(try binary("Pow", floats(-2, 3, 4), floats(2, 3, 0.5)) == [4, 27, 2])
    #expect(try binary("Pow", floats(-2, 3), integers(3)) == [-8, 27])
    #expect(try binary("Pow", floats(-8), floats(0.5))[0].isNaN)
    #expect(try binary("Div", floats(1, -1, 0), floats(0)).prefix(2) == [.infinity, -.infinity])
  }

  @Test func preluTakesSlopesByChannel() throws {
    let x = floats(-1, -2, 3, -4, 5, -6, 7, -8, shape: [1, 2, 2, 2])
    let expected: [Float] = [-0.5, -1, 3, -2, 5, -12, 7, -16]
    #expect(try evaluate("PRelu", [x, floats(0.5, 2)], opset: 6)[0].floats == expected)
    #expect(try evaluate("PRelu", [x, floats(0.5, 2, shape: [2, 1, 1])])[0].floats == expected)
    let narrow = floats(-1, -2, 3, -4, 5, -6, shape: [1, 2, 3])
    #expect(try evaluate("PRelu", [narrow, floats(0.5, 2)])[0].floats == [-0.5, -1, 3, -8, 5, -12])
  }

  @Test func variadicOperatorsFoldAnyNumber() throws {
    let inputs = [floats(1, 5), floats(4), floats(2, 9)]
    #expect(try evaluate("Sum", inputs, free: [0, 1, 2])[0].floats == [7, 18])
    #expect(try evaluate("Mean", inputs, free: [0, 1, 2])[0].floats == [7 / 3, 6])
    #expect(try evaluate("Max", inputs, free: [0, 1, 2])[0].floats == [4, 9])
    #expect(try evaluate("Min", inputs, free: [0, 1, 2])[0].floats == [1, 4])
    #expect(try evaluate("Max", [floats(3, 4)])[0].floats == [3, 4])
    #expect(try evaluate("Max", [floats(.nan, 1), floats(0, .nan)])[0].floats.allSatisfy(\.isNaN))
    expectError(.badData, at: "node 'node' (Sum, #0)") { _ = try evaluate("Sum", []) }
  }

  /// As PyTorch's maximum has it.
  @Test func tiesShareTheGradient() throws {
    #expect(try inputGradient("Max", floats(1, 2, 3), floats(2)) == [0, 0.5, 1])
    #expect(try inputGradient("Min", floats(1, 2, 3), floats(2), of: 1) == [1.5])
    #expect(try inputGradient("Pow", floats(0, 0), floats(2, 0)) == [0, 0])
  }
}
