import Graph

/// Branches that are resolved, and loops that are unrolled, during planning.
let controlFlowOperators: [OperatorEntry] = [
  OperatorEntry("If", inputs: 1...1) { reader in
    let branches = [try reader.graph("else_branch"), try reader.graph("then_branch")]
    return Composite { inputs in
      return branches[try inputs.requiredInteger(0) == 0 ? 0 : 1]
    }
  },
  OperatorEntry("Loop", inputs: 2...Int.max) { reader in
    let inner = try reader.graph("body")
    return Composite { inputs in try loop(inputs, inner) }
  },
  OperatorEntry("Scan", since: 9, inputs: 1...Int.max) { reader in try Scan(&reader) },
]

extension AttributeReader {
  /// A graph.
  ///
  /// Throws `badData` if there is none.
  mutating func graph(_ name: String) throws -> ComputeGraph {
    switch attribute(name) {
    case .graph(let graph)?: return graph
    case .unsupported(let error)?: throw error
    default: throw GradCAMError(.badData, at: "attribute '\(name)'", problem: "is not a graph")
    }
  }
}

private func loop(_ inputs: NodeInputs, _ inner: ComputeGraph) throws -> ComputeGraph {
  var body = GraphBuilder(inputs, opsets: inner.opsets)
  let carried = inner.inputs.count - 2
  guard carried >= 0, inner.outputs.count >= carried + 1, inputs.count == carried + 2 else {
    throw GradCAMError(.badData, problem: "the body's inputs and outputs do not fit those of the loop")
  }
  guard inner.returnsItsCondition(captured: inputs.capturedContents) else {
    throw GradCAMError(.unsupported, problem: "the number of iterations depends on what they compute")
  }
  guard let limit = try inputs.position(0) else {
    throw GradCAMError(.unsupported, problem: "the number of iterations is not given")
  }
  let goes = try inputs.integer(1).map { $0 != 0 } ?? true
  let rounds = goes ? max(0, limit) : 0
  try Plan.checkExpansion(rounds, of: inner.nodes.count)
  let condition = body.constant(Tensor([true], shape: []))
  var state = try (0..<carried).map { try body.required($0 + 2) }
  var collected = [[ValueID]](repeating: [], count: inner.outputs.count - 1 - carried)
  for round in 0..<rounds {
    let number = body.constant(Tensor([Int64(round)], shape: []))
    let results = body.splice(inner, inputs: [number, condition] + state)
    state = Array(results[1..<1 + carried])
    for (index, result) in results[(1 + carried)...].enumerated() {
      collected[index].append(body.unsqueeze(result, axis: 0))
    }
  }
  guard rounds > 0 || collected.isEmpty else {
    throw GradCAMError(.unsupported, problem: "a loop without iterations collects results of unknown shape")
  }
  let joined = collected.map { body.concatenate($0, axis: 0) }
  return body.returning(state + joined)
}

extension ComputeGraph {
  /// Whether the first output, the loop condition, is always true if the previous condition was.
  ///
  /// - Parameter captured: the contents of a value read from outside, if they are known.
  fileprivate func returnsItsCondition(captured: (String) -> Tensor?) -> Bool {
    let producers = producers
    var value = outputs[0]
    while let producer = producers[value] {
      let node = nodes[producer]
      if node.operatorName == OperatorName(type: "Identity"), let input = node.inputs.first ?? nil {
        value = input
        continue
      }
      guard node.operatorName == OperatorName(type: "Constant"), case .tensor(let tensor)? = node.attributes["value"]
      else { return false }
      return tensor.integers == [1]
    }
    return value == inputs[1] || (values[value].constant ?? captured(values[value].name))?.integers == [1]
  }
}

/// A graph run for every slice of some tensors, with a state that is carried from slice to slice.
private struct Scan: CompositeOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  let inner: ComputeGraph
  let scannedCount: Int
  let inputAxes, outputAxes: [Int]
  let inputsAreReversed, outputsAreReversed: [Bool]

  init(_ reader: inout AttributeReader) throws {
    inner = try reader.graph("body")
    guard let count = try reader.int("num_scan_inputs"), count > 0, count <= inner.inputs.count else {
      throw GradCAMError(.badData, at: "attribute 'num_scan_inputs'", problem: "does not fit the body")
    }
    let resultCount = inner.outputs.count - (inner.inputs.count - count)
    guard resultCount >= 0 else { throw GradCAMError(.badData, problem: "the body does not return its whole state") }
    func list(_ name: String, _ count: Int) throws -> [Int] {
      let values = try reader.ints(name) ?? [Int](repeating: 0, count: count)
      guard values.count == count else {
        throw GradCAMError(.badData, at: "attribute '\(name)'", problem: "does not have \(count) elements")
      }
      return values
    }
    scannedCount = count
    inputAxes = try list("scan_input_axes", count)
    outputAxes = try list("scan_output_axes", resultCount)
    inputsAreReversed = try list("scan_input_directions", count).map { $0 != 0 }
    outputsAreReversed = try list("scan_output_directions", resultCount).map { $0 != 0 }
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs, opsets: inner.opsets)
    let stateCount = inner.inputs.count - scannedCount
    guard inputs.count == inner.inputs.count else {
      throw GradCAMError(.badData, problem: "has \(inputs.count) inputs, but the body has \(inner.inputs.count)")
    }
    let axes = try (0..<scannedCount).map { index in
      try inputs.required(stateCount + index).shape.axis(inputAxes[index])
    }
    let extents = try (0..<scannedCount).map { try inputs.required(stateCount + $0).shape[axes[$0]] }
    let rounds = extents[0]
    guard extents.allSatisfy({ $0 == rounds }) else {
      throw GradCAMError(.badData, problem: "the scanned tensors differ in length")
    }
    guard rounds > 0 else {
      throw GradCAMError(.unsupported, problem: "a scan of nothing has results of unknown shape")
    }
    try Plan.checkExpansion(rounds, of: inner.nodes.count + scannedCount + outputAxes.count)
    var state = try (0..<stateCount).map { try body.required($0) }
    var collected = [[ValueID]](repeating: [], count: outputAxes.count)
    for round in 0..<rounds {
      var slices: [ValueID] = []
      for index in 0..<scannedCount {
        let place = inputsAreReversed[index] ? rounds - 1 - round : round
        let number = body.constant(Tensor([Int64(place)], shape: []))
        slices.append(body("Gather", stateCount + index, number, with: ["axis": .int(Int64(axes[index]))]))
      }
      let results = body.splice(inner, inputs: state + slices)
      state = Array(results[..<stateCount])
      for (index, result) in results[stateCount...].enumerated() {
        collected[index].append(body.unsqueeze(result, axis: outputAxes[index]))
      }
    }
    let joined = collected.indices.map { index in
      let parts = outputsAreReversed[index] ? collected[index].reversed() : collected[index]
      return body.concatenate(parts, axis: outputAxes[index])
    }
    return body.returning(state + joined)
  }
}
