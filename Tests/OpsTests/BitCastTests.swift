import Graph
import Ops
import TestSupport
import Testing

@Suite struct BitCastTests {
  @Test func bitCasts() throws {
    func bits(_ x: Tensor, _ code: Int64) throws -> Tensor {
      try evaluate("BitCast", [x], ["to": .int(code)], opset: 26)[0]
    }
    #expect(try bits(floats(1, -2), 6).integers == [0x3f80_0000, -0x4000_0000])
    #expect(try bits(Tensor([-1], shape: [1], elementType: .int8), 2).integers == [255])
    #expect(
      try bits(Tensor([0x3c01, 0x7c00, 1], shape: [3], elementType: .uint16), 10).floats == [
        1 + 0x1p-10, .infinity, 0x1p-24,
      ])
    expectError(.badData, saying: "float32", "int64") { _ = try bits(floats(1), 7) }
  }
}
