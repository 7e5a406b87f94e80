import Graph
import Ops
import TestSupport
import Testing

let logicGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "Where", inputs: [.fixed(Tensor([true, false, false], shape: [3])), .uniform([2, 3]), .uniform([2, 1])]),
  GradientCheck(
    type: "Where", inputs: [.fixed(Tensor([true, false], shape: [2, 1])), .uniform([]), .uniform([2, 3])]),
]

@Suite struct LogicTests {
  @Test func comparisonsAndLogic() throws {
    func compare(_ type: String, _ a: Tensor, _ b: Tensor) throws -> [Int64] {
      try evaluate(type, [a, b], free: [0, 1])[0].integers
    }
    let a = floats(1, 2, 3), b = floats(2)
    #expect(try compare("Equal", a, b) == [0, 1, 0])
    #expect(try compare("Less", a, b) == [1, 0, 0])
    #expect(try compare("LessOrEqual", a, b) == [1, 1, 0])
    #expect(try compare("Greater", a, b) == [0, 0, 1])
    #expect(try compare("GreaterOrEqual", a, b) == [0, 1, 1])
    #expect(try compare("GreaterOrEqual", floats(.nan), b) == [0])
    #expect(try compare("Greater", b, a) == [1, 0, 0])
    #expect(try compare("Less", integers(.max - 1), integers(.max)) == [1])
    let p = Tensor([true, true, false, false], shape: [4]), q = Tensor([true, false, true, false], shape: [4])
    #expect(try compare("Equal", p, q) == [1, 0, 0, 1])
    #expect(try compare("And", p, q) == [1, 0, 0, 0])
    #expect(try compare("Or", p, q) == [1, 1, 1, 0])
    #expect(try compare("Xor", p, q) == [0, 1, 1, 0])
    expectError(.unsupported, saying: "float32") { _ = try compare("And", a, b) }
  }

  @Test func whereChoosesByCondition() throws {
    let condition = Tensor([true, false], shape: [2, 1])
    let chosen = try evaluate("Where", [condition, counting([2]), floats(7, shape: [])], free: [0, 1])
    #expect(chosen[0].floats == [0, 1, 7, 7])
    #expect(try evaluate("Where", [condition, integers(1), integers(2)])[0].integers == [1, 2])
    let truths = Tensor([true], shape: [1])
    #expect(try evaluate("Where", [condition, truths, Tensor([false], shape: [1])])[0].integers == [1, 0])
  }

  @Test func bitsOfIntegers() throws {
    func binary(_ type: String, _ a: Tensor, _ b: Tensor, _ attributes: [String: Attribute] = [:]) throws -> [Int64] {
      try evaluate(type, [a, b], attributes, free: [0, 1])[0].integers
    }
    let left: [String: Attribute] = ["direction": .string("LEFT")]
    #expect(
      try binary(
        "BitShift", Tensor([16, 129], shape: [2], elementType: .uint8), Tensor([1], shape: [1], elementType: .uint8),
        left) == [32, 2])
    #expect(try binary("BitShift", integers(16, -1), integers(2, 70), ["direction": .string("RIGHT")]) == [4, -1])
    #expect(try binary("BitwiseAnd", integers(6), integers(3)) == [2])
    #expect(try binary("BitwiseOr", integers(6), integers(3)) == [7])
    #expect(try binary("BitwiseXor", integers(6), integers(3)) == [5])
    expectError(.badData, saying: "'direction'") { _ = try binary("BitShift", integers(1), integers(1)) }
  }
}
