import Graph
import Ops
import Testing

let imageScalerGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "ImageScaler", attributes: ["scale": .float(3), "bias": .floats([1, 2])], inputs: [.uniform([1, 2, 3, 4])])
]

@Suite struct ImageScalerTests {
  @Test func scalesAndAddsTheChannelsBias() throws {
    let y = try evaluate(
      "ImageScaler", [counting([1, 2, 1, 3])], ["scale": .float(2), "bias": .floats([-1, 10])], opset: 7)
    #expect(y[0].floats == [-1, 1, 3, 16, 18, 20])
  }
}
