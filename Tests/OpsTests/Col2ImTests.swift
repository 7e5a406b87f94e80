import Graph
import Ops
import TestSupport
import Testing

private func col2Im(_ attributes: [String: [Int64]], x: Shape, image: Tensor, block: Tensor) -> GradientCheck {
  GradientCheck(
    type: "Col2Im", attributes: attributes.mapValues { .ints($0) },
    inputs: [.uniform(x), .fixed(image), .fixed(block)])
}

let col2ImGradientChecks: [GradientCheck] = [
  col2Im([:], x: [2, 8, 6], image: integers(3, 4), block: integers(2, 2)),
  col2Im(
    ["strides": [2, 1], "pads": [1, 0, 1, 2], "dilations": [1, 2]], x: [1, 4, 15], image: integers(5, 5),
    block: integers(2, 2)),
]

@Suite struct Col2ImTests {
  @Test func col2Im() throws {
    let ones = Tensor([Float](repeating: 1, count: 16), shape: [1, 4, 4])
    let y = try evaluate("Col2Im", [ones, integers(3, 3), integers(2, 2)])[0]
    #expect(y.shape == [1, 1, 3, 3])
    #expect(y.floats == [1, 2, 1, 2, 4, 2, 1, 2, 1])
    expectError(.badData, saying: "1×4×4") { _ = try evaluate("Col2Im", [ones, integers(4, 4), integers(2, 2)]) }
    expectError(.badData, saying: "[2, 2]", "[3, 3]") {
      _ = try evaluate("Col2Im", [ones, integers(3, 3), integers(2, 2)], ["strides": .ints([0, 1])])
    }
  }
}
