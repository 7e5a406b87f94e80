import Graph
import Ops
import TestSupport
import Testing

let padGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Pad", inputs: [.uniform([2, 3]), .fixed(integers(1, 0, 2, 1))]),
  GradientCheck(type: "Pad", inputs: [.uniform([2, 4]), .fixed(integers(0, -1, 1, -1))]),
  GradientCheck(type: "Pad", inputs: [.uniform([2, 4]), .fixed(integers(1, -1, 1, 2)), .uniform([])]),
  GradientCheck(type: "Pad", inputs: [.uniform([2, 4]), .fixed(integers(1, -1, 1, 2)), .uniform([])], wanted: [2]),
  GradientCheck(
    type: "Pad", attributes: ["mode": .string("reflect")], inputs: [.uniform([3, 4]), .fixed(integers(2, 1, 1, 3))]),
  GradientCheck(
    type: "Pad", attributes: ["mode": .string("edge")], inputs: [.uniform([3, 4]), .fixed(integers(2, 1, 0, 3))]),
  GradientCheck(
    type: "Pad", attributes: ["mode": .string("wrap")],
    inputs: [.uniform([2, 3]), .fixed(integers(5, 1)), .none, .fixed(integers(1))]),
  GradientCheck(
    type: "Pad", attributes: ["pads": .ints([1, 0, 0, 1]), "value": .float(2)], inputs: [.uniform([2, 2])], opset: 2),
  GradientCheck(type: "Pad", attributes: ["paddings": .ints([0, 1, 0, 0])], inputs: [.uniform([2, 2])], opset: 1),
  GradientCheck(
    type: "LegacyPadding", domain: "com.microsoft",
    attributes: ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2])], inputs: [.uniform([1, 2, 4, 5])]),
]

@Suite struct PadTests {
  /// As much as windows need that reach the last pixel, but none that begin in the padding.
  @Test(arguments: [(4, 3, 0, 0, 1), (5, 3, 0, 0, 0), (3, 2, 1, 1, 0), (4, 3, 1, 1, 2)])
  func padsForPoolingThatReachesTheEnd(extent: Int, window: Int, pad: Int, begin: Int, end: Int) throws {
    let x = Tensor([Float](repeating: 1, count: extent), shape: [1, 1, extent])
    let padded = try evaluate(
      "LegacyPadding", [x],
      [
        "kernel_shape": .ints([Int64(window)]), "strides": .ints([2]), "pads": .ints([Int64(pad)]), "value": .float(-9),
      ], domain: "com.microsoft")[0]
    let expected =
      [Float](repeating: -9, count: begin) + [Float](repeating: 1, count: extent) + [Float](repeating: -9, count: end)
    #expect(padded.floats == expected)
  }

  @Test func pad() throws {
    let x = Tensor((1...3).map(Float.init), shape: [3])
    func pad(_ mode: String, _ pads: Tensor, _ others: Tensor?...) throws -> [Float] {
      try evaluate("Pad", [x, pads] + others, ["mode": .string(mode)])[0].floats
    }
    #expect(try pad("constant", integers(1, 2)) == [0, 1, 2, 3, 0, 0])
    #expect(try pad("constant", integers(-1, 1), floats(9, shape: [])) == [2, 3, 9])
    #expect(try pad("constant", integers(-3, 1)) == [0])
    #expect(try pad("reflect", integers(3, 5)) == [2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2])
    #expect(try pad("edge", integers(2, 1)) == [1, 1, 1, 2, 3, 3])
    #expect(try pad("wrap", integers(2, 4)) == [2, 3, 1, 2, 3, 1, 2, 3, 1])
    #expect(try pad("edge", integers(2, -1)) == [1, 1, 1, 2])
    let rows = counting([2, 2])
    #expect(
      try evaluate("Pad", [rows, integers(1, 0), nil, integers(-1)])[0].floats == [0, 0, 1, 0, 2, 3])
    let flags = Tensor([true], shape: [1])
    #expect(try evaluate("Pad", [flags, integers(1, 0)])[0].integers == [0, 1])
    let old = try evaluate("Pad", [rows], ["paddings": .ints([0, 1, 0, 0]), "value": .float(5)], opset: 1)
    #expect(old[0].floats == [5, 0, 1, 5, 2, 3])
    expectError(.badData, saying: "shape 3") { _ = try pad("reflect", integers(-3, 1)) }
    expectError(.badData, saying: "-1") { _ = try pad("constant", integers(-3, -1)) }
    expectError(.badData, saying: "[1]") { _ = try pad("constant", integers(1)) }
    expectError(.badData, saying: "9223372036854775807") {
      _ = try pad("constant", integers(.max, .max))
    }
    expectError(.unsupported, saying: "'mode'", "'mirror'") { _ = try pad("mirror", integers(1, 1)) }
    expectError(.unsupported, saying: "shape 3") { _ = try pad("wrap", integers(1 << 28, 0)) }
  }
}
