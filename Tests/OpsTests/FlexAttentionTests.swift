import Graph
import Ops
import TestSupport
import Testing

private func change(_ write: (inout GraphBuilder, ValueID) -> ValueID) -> Attribute {
  var builder = GraphBuilder(ComputeGraph(opsets: ["": 26]))
  let x = builder.input("x")
  return .graph(builder.returning(write(&builder, x)))
}

private func row(_ shapes: [Shape], _ attributes: [String: Attribute] = [:]) -> GradientCheck {
  GradientCheck(
    type: "FlexAttention", domain: "ai.onnx.preview", attributes: attributes, inputs: shapes.map { .uniform($0) },
    opset: 26, tolerance: 5e-3)
}

let flexAttentionGradientChecks: [GradientCheck] = [
  row([[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 3]], ["scale": .float(0.7)]),
  // Four query heads share two.
  row([[2, 4, 3, 4], [2, 2, 3, 4], [2, 2, 3, 4]]),
  row(
    [[1, 1, 2, 4], [1, 1, 3, 4], [1, 1, 3, 4]],
    ["score_mod": change { $0("Tanh", $1) }, "prob_mod": change { $0("Mul", $1, $1) }]),
]

@Suite struct FlexAttentionTests {
  /// With one key per query left, each query receives that key's value.
  @Test func scoresAreChanged() throws {
    let mask = Tensor([0, -Float.infinity, -Float.infinity, 0], shape: [1, 1, 2, 2])
    let values = floats(1, 2, 3, 4, shape: [1, 1, 2, 2])
    let half = Tensor([Float(0.5)], shape: [])
    let result = try evaluate(
      "FlexAttention", [counting([1, 1, 2, 3]), counting([1, 1, 2, 3]), values],
      [
        "score_mod": change { $0("Add", $1, $0.constant(mask)) },
        "prob_mod": change { $0("Mul", $1, $0.constant(half)) },
      ], domain: "ai.onnx.preview", opset: 26, free: [0, 1, 2])[0]
    #expect(result.floats == [0.5, 1, 1.5, 2])
  }

  @Test func wrongShapesAreSaid() {
    expectError(.badData, saying: "do not fit together") {
      _ = try evaluate(
        "FlexAttention", [counting([1, 3, 2, 3]), counting([1, 2, 2, 3]), counting([1, 2, 2, 3])],
        domain: "ai.onnx.preview", opset: 26, free: [0, 1, 2])
    }
  }
}
