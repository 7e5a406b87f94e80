import Graph

let lossOperators: [OperatorEntry] = [
  OperatorEntry("NegativeLogLikelihoodLoss", since: 12, inputs: 2...3) { reader in
    let loss = try LikelihoodLoss(&reader)
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      return body.returning(try loss.value(&body, inputs, logarithms: 0))
    }
  },
  OperatorEntry("SoftmaxCrossEntropyLoss", since: 12, inputs: 2...3) { reader in
    let loss = try LikelihoodLoss(&reader)
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      let logarithms = body("LogSoftmax", 0, with: ["axis": .int(1)])
      return body.returning(try loss.value(&body, inputs, logarithms: logarithms), logarithms)
    }
  },
]

/// The mean or sum of −log p over the true classes.
private struct LikelihoodLoss: Sendable {
  enum Reduction: String, CaseIterable { case none, sum, mean }

  let reduction: Reduction
  /// The class whose elements are ignored.
  let ignored: Int?

  init(_ reader: inout AttributeReader) throws {
    reduction = try reader.choice("reduction", default: Reduction.mean)
    ignored = try reader.exactInt("ignore_index")
  }

  /// Input 1 holds the classes, the optional input 2 a weight for each.
  func value(_ body: inout GraphBuilder, _ inputs: NodeInputs, logarithms: ValueID) throws -> ValueID {
    let x = try inputs.required(0), target = try inputs.required(1)
    guard x.shape.rank >= 2, target.shape.rank == x.shape.rank - 1, target.elementType.storage == .int64 else {
      throw GradCAMError(.badData, problem: "scores \(x.shape) and classes \(target.shape) do not fit")
    }
    let zero = body.number(0, type: x.elementType)
    var classes = 1, isCounted: ValueID?
    if let ignored {
      let mark = body.constant(Tensor([Int64(ignored)], shape: [], elementType: target.elementType))
      isCounted = body("Not", body("Equal", 1, mark))
      classes = body("Where", isCounted, 1, body.constant(Tensor([0], shape: [], elementType: target.elementType)))
    }
    let picked = body("GatherElements", logarithms, body.unsqueeze(classes, axis: 1), with: ["axis": .int(1)])
    var loss = body("Neg", body.squeeze(picked, axis: 1))
    var weight = body.optional(2).map { body("Gather", $0, classes) }
    if let isCounted {
      weight = body("Where", isCounted, weight ?? body.number(1, shape: target.shape, type: x.elementType), zero)
      loss = body("Where", isCounted, loss, zero)
    }
    if let weight { loss = body("Mul", loss, weight) }
    let whole: [String: Attribute] = ["keepdims": .int(0)]
    switch reduction {
    case .none: return loss
    case .sum: return body("ReduceSum", loss, with: whole)
    case .mean:
      guard let weight else { return body("ReduceMean", loss, with: whole) }
      return body("Div", body("ReduceSum", loss, with: whole), body("ReduceSum", weight, with: whole))
    }
  }
}
