import Graph
import Ops
import TestSupport
import Testing

let regionPoolingGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "MaxRoiPool", attributes: ["pooled_shape": .ints([2, 3]), "spatial_scale": .float(0.5)],
    inputs: [
      .uniform([2, 2, 5, 6], 1...4, spread: true),
      .fixed(floats(1, 2, 1, 9, 8, 0, 0, 0, 4, 7, 1, 3, 1, 30, 9, shape: [3, 5])),
    ])
]

@Suite struct RegionPoolingTests {
  /// As ONNX Runtime gives them.
  @Test func takesTheMaximumOfEachBin() throws {
    let x = counting([1, 1, 4, 6])
    func pooled(_ region: Float..., scale: Float = 1) throws -> [Float] {
      try evaluate(
        "MaxRoiPool", [x, Tensor([0] + region, shape: [1, 5])],
        ["pooled_shape": .ints([2, 2]), "spatial_scale": .float(scale)])[0].floats
    }
    #expect(try pooled(0, 0, 5, 3) == [8, 11, 20, 23])
    // Three columns in two bins overlap; half a pixel is rounded away from zero.
    #expect(try pooled(1, 1, 3, 2) == [8, 9, 14, 15])
    #expect(try pooled(0, 0, 9, 7, scale: 0.5) == [14, 17, 20, 23])
    // Outside of the plane there is nothing.
    #expect(try pooled(4, 2, 20, 3) == [17, 0, 23, 0])
    #expect(try pooled(3, 3, 1, 1) == [21, 21, 21, 21])
  }

  @Test func refusesRegionsThatDoNotExist() {
    let x = counting([1, 1, 2, 2])
    let extents: [String: Attribute] = ["pooled_shape": .ints([1, 1])]
    expectError(.badData, saying: "batch item 1.0, which does not exist") {
      _ = try evaluate("MaxRoiPool", [x, floats(1, 0, 0, 1, 1, shape: [1, 5])], extents)
    }
    expectError(.badData, saying: "is out of range") {
      _ = try evaluate("MaxRoiPool", [x, floats(0, 0, 0, .infinity, 1, shape: [1, 5])], extents)
    }
    expectError(.badData, saying: "do not fit") {
      _ = try evaluate("MaxRoiPool", [x, floats(0, 0, 0, 1, shape: [1, 4])], extents)
    }
    expectError(.badData, saying: "pooled_shape") {
      _ = try evaluate("MaxRoiPool", [x, floats(0, 0, 0, 1, 1, shape: [1, 5])])
    }
  }
}
