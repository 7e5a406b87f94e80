import Graph
import Ops
import Testing

let deformConvGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "DeformConv", attributes: ["pads": .ints([1, 0, 1, 1]), "strides": .ints([1, 2])],
    inputs: [.uniform([2, 3, 4, 5]), .uniform([4, 3, 2, 2]), .uniform([2, 8, 5, 3], 0.1...0.9)], wanted: [0, 2]),
  GradientCheck(
    type: "DeformConv", attributes: ["group": .int(2), "offset_group": .int(2), "dilations": .ints([2, 1])],
    inputs: [
      .uniform([1, 4, 5, 5]), .uniform([2, 2, 2, 2]), .uniform([1, 16, 3, 4], -1.9...(-1.1)), .uniform([2]),
      .uniform([1, 8, 3, 4]),
    ], wanted: [0, 2, 4]),
  GradientCheck(
    type: "DeformConv", attributes: ["group": .int(2), "offset_group": .int(2), "dilations": .ints([2, 1])],
    inputs: [
      .uniform([2, 4, 5, 5]), .uniform([2, 2, 2, 2]), .uniform([2, 16, 3, 4], -1.9...(-1.1)), .uniform([2]),
      .uniform([2, 8, 3, 4]),
    ], wanted: [0, 1, 2, 3, 4], tolerance: 4e-3),
  GradientCheck(
    type: "DeformConv", inputs: [.uniform([1, 3, 4, 5]), .uniform([4, 3, 2, 2]), .uniform([1, 8, 3, 4], 0.1...0.9)],
    wanted: [1]),
]

@Suite struct DeformConvTests {
  // One cell moved half an element down, then far outside.
  @Test func deformedWindowsSampleBetweenElements() throws {
    let x = counting([1, 1, 2, 3]), weights = floats(2, shape: [1, 1, 1, 1])
    func convolve(_ down: Float, _ mask: Tensor? = nil) throws -> [Float] {
      let offsets = [Float](repeating: down, count: 6) + [Float](repeating: 0, count: 6)
      return try evaluate("DeformConv", [x, weights, Tensor(offsets, shape: [1, 2, 2, 3]), floats(1), mask])[0].floats
    }
    #expect(try convolve(0) == [1, 3, 5, 7, 9, 11])
    #expect(try convolve(0.5) == [4, 6, 8, 4, 5, 6])
    #expect(try convolve(9) == [1, 1, 1, 1, 1, 1])
    #expect(try convolve(0.5, Tensor([0, 1, 2, 0, 1, 2], shape: [1, 1, 2, 3])) == [1, 6, 15, 1, 5, 11])
  }
}
