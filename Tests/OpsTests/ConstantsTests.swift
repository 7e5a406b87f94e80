import Graph
import Ops
import TestSupport
import Testing

@Suite struct ConstantsTests {
  @Test func everyFormOfConstant() throws {
    func constant(_ name: String, _ value: Attribute) throws -> Tensor {
      try evaluate("Constant", [], [name: value])[0]
    }
    #expect(try constant("value", .tensor(counting([2, 2]))).floats == [0, 1, 2, 3])
    #expect(try constant("value_float", .float(1.5)).floats == [1.5])
    #expect(try constant("value_float", .float(1.5)).shape == [])
    #expect(try constant("value_floats", .floats([1, 2])).shape == [2])
    #expect(try constant("value_int", .int(7)).integers == [7])
    #expect(try constant("value_ints", .ints([7, 8])).integers == [7, 8])
    #expect(try constant("value_string", .string("a")).texts == ["a"])
    #expect(try constant("value_strings", .strings(["a", "b"])).texts == ["a", "b"])
    expectError(.unsupported, saying: "complex") {
      _ = try constant("value", .unsupported(GradCAMError(.unsupported, problem: "complex numbers")))
    }
    expectError(.badData, saying: "'value_int'") { _ = try constant("value_int", .string("a")) }
    expectError(.unsupported, saying: "value_floats") { _ = try evaluate("Constant", []) }
  }

  @Test func constantOfShape() throws {
    let value = Tensor([Int64(3)], shape: [1], elementType: .int32)
    let filled = try evaluate("ConstantOfShape", [integers(2, 2)], ["value": .tensor(value)], free: [])[0]
    #expect(filled.elementType == .int32)
    #expect(filled.integers == [3, 3, 3, 3])
    #expect(try evaluate("ConstantOfShape", [integers()], free: [])[0].floats == [0])
    expectError(.badData, saying: "-1") { _ = try evaluate("ConstantOfShape", [integers(-1)], free: []) }
    expectError(.badData, saying: "1099511627776") {
      _ = try evaluate("ConstantOfShape", [integers(1 << 40, 1 << 40)], free: [])
    }
  }

  @Test func shapesAreKnownWhereContentsAreNot() throws {
    func extents(_ attributes: [String: Attribute]) throws -> [Int64] {
      try evaluate("Shape", [counting([2, 3, 4])], attributes)[0].integers
    }
    #expect(try extents([:]) == [2, 3, 4])
    #expect(try extents(["start": .int(-1)]) == [4])
    #expect(try extents(["start": .int(-9), "end": .int(-1)]) == [2, 3])
    #expect(try extents(["start": .int(2), "end": .int(1)]) == [])
    #expect(try evaluate("Size", [counting([2, 3, 4])])[0].integers == [24])
  }

  @Test func range() throws {
    func range(_ start: Int64, _ limit: Int64, _ delta: Int64) throws -> [Int64] {
      try evaluate("Range", [integer(start), integer(limit), integer(delta)], free: [])[0].integers
    }
    #expect(try range(3, 9, 3) == [3, 6])
    #expect(try range(10, 4, -2) == [10, 8, 6])
    #expect(try range(4, 4, 1) == [])
    expectError(.badData, at: "node 'node' (Range, #0)") { _ = try range(0, 5, 0) }
    expectError(.badData, at: "node 'node' (Range, #0)") { _ = try range(.min, .max, 1) }
    let bounds = [1, 2, 0.25].map { floats($0, shape: []) }
    #expect(try evaluate("Range", bounds, free: [])[0].floats == [1, 1.25, 1.5, 1.75])
  }

  @Test func eyeLike() throws {
    let eye = try evaluate("EyeLike", [counting([2, 3])], ["k": .int(1), "dtype": .int(7)])[0]
    #expect(eye.elementType == .int64)
    #expect(eye.integers == [0, 1, 0, 0, 0, 1])
    #expect(try evaluate("EyeLike", [counting([2, 2])])[0].floats == [1, 0, 0, 1])
    expectError(.badData, saying: "shape 2") { _ = try evaluate("EyeLike", [counting([2])]) }
  }

  @Test func nonZeroNeedsAConstant() throws {
    let x = floats(1, 0, 3, 0, 5, 0, shape: [2, 3])
    let indices = try evaluate("NonZero", [x], free: [])[0]
    #expect(indices.shape == [2, 3])
    #expect(indices.integers == [0, 0, 1, 0, 2, 1])
    expectError(.unsupported, at: "node 'node' (NonZero, #0)") { _ = try evaluate("NonZero", [x]) }
  }
}
