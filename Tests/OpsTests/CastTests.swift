import Graph
import Ops
import TestSupport
import Testing

let castGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Cast", attributes: ["to": .int(11)], inputs: [.uniform([2, 3, 7], -3...3)]),
  GradientCheck(
    type: "Cast", attributes: ["to": .string("DOUBLE")], inputs: [.uniform([2, 3, 7], -3...3)], opset: 1),
  GradientCheck(type: "CastLike", inputs: [.uniform([4]), .fixed(floats(1))]),
]

@Suite struct CastTests {
  @Test func castConvertsBetweenAllKinds() throws {
    func cast(_ x: Tensor, _ code: Int64) throws -> Tensor { try evaluate("Cast", [x], ["to": .int(code)])[0] }
    #expect(try cast(floats(-1.7, 1.7, 300), 7).integers == [-1, 1, 300])
    #expect(try cast(floats(-1, 300), 2).integers == [255, 44])
    #expect(try cast(floats(1e20, .nan), 7).integers == [.min, .min])
    #expect(try cast(floats(3e9), 6).integers == [-2_147_483_648])
    #expect(try cast(integers(257, -1), 3).integers == [1, -1])
    #expect(try cast(integers(2, 0), 1).floats == [2, 0])
    #expect(try cast(integers(2, 0), 9).integers == [1, 0])
    #expect(try cast(floats(0.5, 0, .nan), 9).integers == [1, 0, 1])
    #expect(try cast(Tensor([true, false], shape: [2]), 7).integers == [1, 0])
    #expect(try cast(floats(1.5), 10).elementType == .float16)
    #expect(try evaluate("Cast", [floats(1.5)], ["to": .string("INT32")], opset: 1)[0].integers == [1])
    expectError(.unsupported, saying: "number 14") { _ = try cast(floats(1), 14) }
    expectError(.badData, saying: "'to'") { _ = try evaluate("Cast", [floats(1)]) }
    #expect(try evaluate("CastLike", [floats(1.5), integers(1)], free: [0, 1])[0].integers == [1])
  }

  /// A constant cast to the type of something that depends on the image stays a constant.
  @Test func castLikeOfAConstantIsConstant() throws {
    #expect(try evaluate("CastLike", [floats(1.5), integers(1)], free: [1])[0].integers == [1])
    #expect(try evaluate("CastLike", [floats(1.5), floats(1)], free: [1])[0].floats == [1.5])
  }

  @Test func castsRoundToNearestEven() throws {
    func cast(_ code: Int64, _ values: Float...) throws -> [Float] {
      try evaluate("Cast", [Tensor(values, shape: [values.count])], ["to": .int(code)])[0].floats
    }
    #expect(
      try cast(10, 1 + 0x1p-11, 1 + 0x3p-11, -65519, 65520, 0x1p-25, 0x3p-25, 0x1.8p-25)
        == [1, 1 + 0x1p-9, -65504, .infinity, 0, 0x1p-23, 0x1p-24])
    #expect(try cast(10, .nan)[0].isNaN)
    #expect(
      try cast(16, 1 + 0x1p-8, 1 + 0x3p-8, -3.4e38, 3.4028234e38) == [
        1, 1 + 0x1p-6, -0x1.00p+128 + 0x1p+120, .infinity,
      ])
    #expect(try evaluate("Cast", [integers(2049)], ["to": .int(10)])[0].floats == [2048])
  }

  /// Code by code against ONNX's tables for the float 8 types.
  @Test func castsToNarrowFloats() throws {
    func cast(_ code: Int64, _ values: [Float], saturate: Int64 = 1) throws -> [Float] {
      try evaluate(
        "Cast", [Tensor(values, shape: [values.count])], ["to": .int(code), "saturate": .int(saturate)], opset: 24)[0]
        .floats
    }
    let huge: [Float] = [1e6, -1e6, .infinity]
    #expect(try cast(17, huge) == [448, -448, 448] && cast(18, huge) == [240, -240, 240])
    #expect(try cast(19, huge) == [57344, -57344, 57344] && cast(20, huge) == [57344, -57344, 57344])
    #expect(try cast(19, huge, saturate: 0) == [.infinity, -.infinity, .infinity])
    #expect(try cast(17, huge, saturate: 0).allSatisfy(\.isNaN) && cast(20, huge, saturate: 0).allSatisfy(\.isNaN))
    // 464 is the tie between 448 and the number that the format lacks.
    #expect(try cast(17, [464, -463], saturate: 0) == [448, -448] && cast(17, [465], saturate: 0)[0].isNaN)
    #expect(try cast(17, [1.0625, 1.1875, 0x1p-10, 0x1.8p-10, 0x3p-10]) == [1, 1.25, 0, 0x1p-9, 0x1p-8])
    #expect(try cast(23, [0.25, 0.75, 2.5, 5, 7, -100]) == [0, 1, 2, 4, 6, -6])
    #expect(try cast(27, [7.4, 0.19]) == [7.5, 0.25] && cast(28, [27, 0.03]) == [28, 0])
    #expect(try cast(18, [-0.0])[0].sign == .plus && cast(17, [-0.0])[0].sign == .minus)
    #expect(try evaluate("Cast", [integers(300, -7)], ["to": .int(22)])[0].integers == [-4, -7])
    #expect(try evaluate("Cast", [integers(300, -7)], ["to": .int(25)])[0].integers == [0, 1])
  }

  @Test func castsToPowersOfTwo() throws {
    func cast(_ mode: String, _ values: Float..., saturate: Int64 = 1) throws -> [Float] {
      try evaluate(
        "Cast", [Tensor(values, shape: [values.count])],
        ["to": .int(24), "saturate": .int(saturate), "round_mode": .string(mode)], opset: 24)[0].floats
    }
    #expect(try cast("up", 1, 1.01, 3, 0, 3e38) == [1, 2, 4, 0x1p-127, 0x1p127])
    #expect(try cast("down", 1.99, 3) == [1, 2])
    #expect(try cast("nearest", 1.49, 1.5, 3e38) == [1, 2, 0x1p127])
    #expect(try cast("nearest", 3e38, 0, .infinity, .nan, saturate: 0).allSatisfy(\.isNaN))
  }

  @Test func stringsSpellNumbers() throws {
    let texts = Tensor(["3.5", "-1e3", "+INF", "nan"], shape: [4])
    let numbers = try evaluate("Cast", [texts], ["to": .int(1)])[0].floats
    #expect(numbers[..<3] == [3.5, -1000, .infinity] && numbers[3].isNaN)
    #expect(try evaluate("Cast", [floats(2.5, -.infinity, -7)], ["to": .int(8)])[0].texts == ["2.5", "-INF", "-7"])
    #expect(try evaluate("Cast", [integers(7, -8)], ["to": .int(8)])[0].texts == ["7", "-8"])
    expectError(.badData, saying: "'three'") {
      _ = try evaluate("Cast", [Tensor(["three"], shape: [1])], ["to": .int(7)])
    }
  }

  /// Strings move as other elements do, are equal or not, and are nothing else.
  @Test func stringsPassThrough() throws {
    let texts = Tensor(["cat", "dog", "cat"], shape: [3])
    #expect(try evaluate("Gather", [texts, integers(2, 1)])[0].texts == ["cat", "dog"])
    #expect(
      try evaluate("Concat", [texts, Tensor(["é"], shape: [1])], ["axis": .int(0)])[0].texts
        == ["cat", "dog", "cat", "é"])
    #expect(try evaluate("Equal", [texts, Tensor(["cat"], shape: [1])])[0].integers == [1, 0, 1])
    for type in ["Less", "Add", "Max", "ArgMax", "Relu"] {
      expectError(.unsupported, saying: "string") {
        _ = try evaluate(type, type == "Relu" || type == "ArgMax" ? [texts] : [texts, texts])
      }
    }
  }
}
