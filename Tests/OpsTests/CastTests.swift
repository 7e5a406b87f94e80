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
    expectError(.unsupported, saying: "number 8") { _ = try cast(floats(1), 8) }
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
}
