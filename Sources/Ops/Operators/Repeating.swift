import Graph

/// A repetition, round by round.
struct Repeating: CompositeOperator {
  let repeated: Repetition

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  var repetition: Repetition? { repeated }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs, opsets: repeated.graph.opsets)
    let rounds = repeated.rounds, stateCount = repeated.stateCount
    let sliced = try repeated.sliced.enumerated().map { index, slicing in
      let whole = try body.required(stateCount + index)
      let parts = rounds == 1 ? [whole] : body.split(whole, into: rounds, axis: slicing.axis)
      return slicing.isReversed ? parts.reversed() : parts
    }
    let fixed = try (stateCount + sliced.count..<inputs.count).map { try body.required($0) }
    var states = try (0..<stateCount).map { try body.required($0) }
    var collected = repeated.collected.map { _ in [ValueID]() }
    for round in 0..<rounds {
      let slices = zip(sliced, repeated.sliced).map { body.squeeze($0[round], axis: $1.axis) }
      let results = body.splice(repeated.graph, inputs: states + slices + fixed)
      states = Array(results[..<stateCount])
      for (index, result) in results[stateCount...].enumerated() {
        collected[index].append(body.unsqueeze(result, axis: repeated.collected[index].axis))
      }
    }
    let joined = zip(collected, repeated.collected).map { parts, slicing in
      body.concatenate(slicing.isReversed ? parts.reversed() : parts, axis: slicing.axis)
    }
    return body.returning(states + joined)
  }
}
