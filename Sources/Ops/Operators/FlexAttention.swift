import Graph

let flexAttentionOperators: [OperatorEntry] = [
  OperatorEntry("FlexAttention", domain: "ai.onnx.preview", inputs: 3...3) { reader in
    let scale = try reader.float("scale")
    let precision = try reader.int("softmax_precision").map(ElementType.init(onnx:))
    let scoreChange = try reader.has("score_mod") ? reader.graph("score_mod") : nil
    let probabilityChange = try reader.has("prob_mod") ? reader.graph("prob_mod") : nil
    let opsets = reader.opsets
    // Queries are followed; features are those of the values.
    return Composite(axes: .labelled([[0, 1, 2, 3], [0, 1, 4, 3], [0, 1, 4, 5]], result: [0, 1, 2, 5])) { inputs in
      try flexAttention(
        inputs, opsets: opsets, scale: scale, precision: precision, scoreChange: scoreChange,
        probabilityChange: probabilityChange)
    }
  }
]

/// Attention of heads, batch × heads × tokens × features, with graphs that change scores and probabilities.
///
/// Keys and values may have fewer heads than queries: consecutive query heads share one.
private func flexAttention(
  _ inputs: NodeInputs, opsets: [String: Int], scale: Float?, precision: ElementType?, scoreChange: ComputeGraph?,
  probabilityChange: ComputeGraph?
) throws -> ComputeGraph {
  var body = GraphBuilder(inputs, opsets: opsets)
  let query = try inputs.required(0), key = try inputs.required(1), value = try inputs.required(2)
  guard query.shape.rank == 4, key.shape.rank == 4, value.shape.rank == 4,
    key.shape[1] > 0, query.shape[1] % key.shape[1] == 0, key.shape[3] == query.shape[3],
    key.shape.count(0..<3) == value.shape.count(0..<3), key.shape[1] == value.shape[1]
  else {
    throw GradCAMError(
      .badData, problem: "queries \(query.shape), keys \(key.shape) and values \(value.shape) do not fit together")
  }
  let groupSize = query.shape[1] / key.shape[1]
  /// The tensor with each head repeated for the query heads that share it.
  func shared(_ x: ValueID, _ shape: Shape) -> ValueID {
    guard groupSize > 1 else { return x }
    let repeated = body(
      "Expand", body.unsqueeze(x, axis: 2),
      body.integers([shape[0], shape[1], groupSize, shape[2], shape[3]]))
    return body.reshape(repeated, [shape[0], query.shape[1], shape[2], shape[3]])
  }
  let type = precision ?? (query.elementType == .float64 ? .float64 : .float32)
  let root = body.number(
    (scale ?? 1 / Float(query.shape[3]).squareRoot()).squareRoot(), type: query.elementType)
  let keys = body.transpose(body("Mul", shared(1, key.shape), root), [0, 1, 3, 2])
  var scores = body.cast(body("MatMul", body("Mul", 0, root), keys), to: type)
  if let scoreChange { scores = try changed(scores, by: scoreChange, in: &body) }
  var probabilities = body("Softmax", scores, with: ["axis": .int(-1)])
  if let probabilityChange { probabilities = try changed(probabilities, by: probabilityChange, in: &body) }
  let result = body("MatMul", probabilities, body.cast(shared(2, value.shape), to: type))
  return body.returning(body.cast(result, to: value.elementType))
}

private func changed(_ x: ValueID, by graph: ComputeGraph, in body: inout GraphBuilder) throws -> ValueID {
  guard graph.inputs.count == 1, graph.outputs.count == 1 else {
    throw GradCAMError(.badData, problem: "a graph that changes scores does not have one input and one output")
  }
  return body.splice(graph, inputs: [x])[0]
}
