/// A graph with the type and extents of every value that the wanted ones need, and the contents of those that do not
/// depend on its inputs, as far as they can be inferred.
public struct InferredGraph: Sendable {
  /// Type and extents by value, including the parts of expanded composite nodes.
  public let infos: [ValueID: ValueInfo]
  /// The graph, with all contents that are known.
  public let graph: ComputeGraph
  /// Why values have no type and extents.
  private let failures: [ValueID: GradCAMError]
  /// What computes the values that are not known, in order.
  private let operations: [any Operator]
  /// What a run told.
  let decisions: Decisions

  /// Infers what can be inferred of a graph.
  ///
  /// - Parameters:
  ///   - inputs: as in `PlanRequest`.
  ///   - decisions: what a run told.
  ///   - wanted: the values to reach.
  ///
  /// Throws `badData` if an input is too large.
  public init(
    _ graph: ComputeGraph, operators: OperatorSet, inputs: [ValueID: ValueInfo], decisions: Decisions = Decisions(),
    reaching wanted: Set<ValueID>
  ) throws {
    try self.init(
      graph, operators: operators, inputs: inputs, decisions: decisions, reaching: wanted, budget: nil)
  }

  /// Infers what can be inferred of a graph.
  ///
  /// - Parameter budget: what the planning of loops may still take, if the graph is repeated in one.
  init(
    _ graph: ComputeGraph, operators: OperatorSet, inputs: [ValueID: ValueInfo], decisions: Decisions = Decisions(),
    reaching wanted: Set<ValueID>, budget: PlanningBudget?
  ) throws {
    self.decisions = decisions
    var graph = operators.resolving(graph)
    graph.give(inputs.keys)
    var request = PlanRequest(
      inputs: inputs, outputs: Array(wanted), kernels: KernelRequest(threadCount: 1, reusesWeights: false))
    request.decisions = decisions
    var planner = ForwardPlanner(
      graph: graph, operators: operators, request: request, infersOnly: true, isRound: budget != nil,
      budget: budget ?? PlanningBudget())
    failures = try planner.infer(reaching: wanted)
    for value in graph.values.indices where inputs[value] == nil {
      graph.values[value].constant = planner.infos[value]?.constant ?? graph.values[value].constant
    }
    infos = planner.infos
    operations = planner.planned.map(\.operation)
    self.graph = graph
  }

  /// Whether it is known about each of some values that they can be computed, or why not.
  public func covers(_ values: some Sequence<ValueID>) -> Bool {
    values.allSatisfy { infos[$0] != nil || failures[$0] != nil }
  }

  /// Why a value cannot be computed, naming the node; nil if it can, or if it was not reached.
  public func failure(of value: ValueID) -> GradCAMError? { infos[value] == nil ? failures[value] : nil }

  /// What one computation of the values takes: each counts as a step, loops as many.
  var work: LoopWork {
    let loops = operations.compactMap { ($0 as? RepeatedGraph)?.work }
    let byteCount = infos.values.reduce(0.0) { $0 + ($1.constant == nil ? Double($1.byteCount) : 0) }
    return loops.reduce(LoopWork(stepCount: Double(operations.count), byteCount: byteCount), +)
  }

  /// Whether a value cannot be computed only because extents depend on contents that a run tells.
  public func dependsOnData(_ value: ValueID) -> Bool { failure(of: value)?.dependsOnData ?? false }

  /// Whether some gradients would be estimates: they pass straight through rounding.
  var estimatesGradients: Bool {
    operations.contains { $0.differentiable?.integerGradients == .estimated }
  }

  /// Throws why the first of some values that cannot be computed cannot: `unsupported` for a node that nothing computes,
  /// `badData` if shapes do not match; both name the node.
  public func require(_ values: some Sequence<ValueID>) throws {
    for value in values { if let failure = failure(of: value) { throw failure } }
  }
}

extension ComputeGraph {
  /// Turns values into inputs: a node that computes one writes to an unread value of the same name instead.
  fileprivate mutating func give(_ given: some Sequence<ValueID>) {
    let given = Set(given)
    for value in given { values[value].constant = nil }
    for index in nodes.indices {
      for (position, output) in nodes[index].outputs.enumerated() {
        guard let output, given.contains(output) else { continue }
        nodes[index].outputs[position] = values.count
        values.append(values[output])
      }
    }
  }
}
