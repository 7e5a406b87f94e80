import Graph

/// Branches and loops, which become their bodies when a plan is made.
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
  let states = try (0..<carried).map { try body.required($0 + 2) }
  let collectedCount = inner.outputs.count - 1 - carried, limit = try inputs.position(0)
  guard inner.returnsItsCondition(captured: inputs.capturedContents) else {
    var graph = inner
    let fixed = body.captures(of: &graph)
    let rest = LoopRest(
      inner: graph, stateCount: carried, collectedCount: collectedCount, limit: limit ?? .max, round: 0)
    let condition = body.optional(1) ?? body.constant(Tensor([true], shape: []))
    return body.returning(body.node(rest, [condition] + states + fixed))
  }
  guard let limit else {
    throw GradCAMError(.unsupported, problem: "the number of iterations is not given")
  }
  let goes = try inputs.integer(1).map { $0 != 0 } ?? true
  let rounds = goes ? max(0, limit) : 0
  guard rounds > 0 else {
    guard collectedCount == 0 else {
      throw GradCAMError(.unsupported, problem: "a loop without iterations collects results of unknown shape")
    }
    return body.returning(states)
  }
  var round = inner
  round.inputs = Array(inner.inputs[2...] + inner.inputs[..<2])
  round.outputs.removeFirst()
  let repetition = try Repetition(
    round, rounds: rounds, stateCount: carried, sliced: [.init(axis: 0)],
    collected: .init(repeating: .init(axis: 0), count: collectedCount))
  let numbers = body.constant(Tensor((0..<rounds).map(Int64.init), shape: [rounds]))
  let condition = body.constant(Tensor([true], shape: []))
  return body.returning(body.repeat(repetition, states + [numbers, condition]))
}

/// A loop whose condition depends on what it computes, from a round on: that round and the rest of the loop, or its end.
///
/// The inputs are the condition, the states, the values that the graph reads from outside, and what each earlier round
/// collected, with an axis of 1 in front.
private struct LoopRest: CompositeOperator {
  /// A round: of its number, the condition, the states and the values from outside, it makes the next condition, the next
  /// states and what is collected.
  let inner: ComputeGraph
  let stateCount, collectedCount: Int
  /// The most rounds that the loop may have.
  let limit: Int
  let round: Int

  /// The most rounds that a condition may allow.
  private static let roundLimit = 1000

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs, opsets: inner.opsets)
    let fixedCount = inner.inputs.count - 2 - stateCount
    let states = try (0..<stateCount).map { try body.required(1 + $0) }
    let fixed = try (0..<fixedCount).map { try body.required(1 + stateCount + $0) }
    let collected = try (1 + stateCount + fixedCount..<inputs.count).map { try body.required($0) }
    guard try inputs.requiredInteger(0) != 0, round < limit else {
      guard collectedCount == 0 || round > 0 else {
        throw GradCAMError(.unsupported, problem: "a loop without iterations collects results of unknown shape")
      }
      let results = (0..<collectedCount).map { place in
        body.concatenate((0..<round).map { collected[$0 * collectedCount + place] }, axis: 0)
      }
      return body.returning(states + results)
    }
    guard round < Self.roundLimit else {
      throw GradCAMError(
        .unsupported, problem: "its condition holds for more than the \(Self.roundLimit) iterations that it may have")
    }
    let number = body.constant(Tensor([Int64(round)], shape: []))
    let results = body.splice(inner, inputs: [number, try body.required(0)] + states + fixed)
    let parts = results[(1 + stateCount)...].map { body.unsqueeze($0, axis: 0) }
    let rest = LoopRest(
      inner: inner, stateCount: stateCount, collectedCount: collectedCount, limit: limit, round: round + 1)
    return body.returning(body.node(rest, Array(results[...stateCount]) + fixed + collected + parts))
  }
}

extension GraphBuilder {
  fileprivate mutating func node(_ rest: LoopRest, _ inputs: [ValueID]) -> [ValueID] {
    node("Loop", inputs, operation: rest, outputCount: rest.stateCount + rest.collectedCount)
  }
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
    let repetition = try Repetition(
      inner, rounds: rounds, stateCount: stateCount,
      sliced: zip(axes, inputsAreReversed).map { .init(axis: $0, isReversed: $1) },
      collected: zip(outputAxes, outputsAreReversed).map { .init(axis: $0, isReversed: $1) })
    return body.returning(body.repeat(repetition, try (0..<inputs.count).map { try body.required($0) }))
  }
}
