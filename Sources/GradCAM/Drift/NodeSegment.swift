import Graph

/// The part of a network that computes one value from values that are given: a node, and the nodes before it up to
/// those.
struct NodeSegment: Sendable {
  /// The values that it is given.
  let given: [ValueID]
  /// The value that it computes.
  let result: ValueID
  /// Its nodes, in the graph's order.
  let nodes: [Int]
  private let plan: Plan

  /// Plans the part.
  ///
  /// - Parameters:
  ///   - corrected: nodes that turn rounded numbers back, each with the node whose scale and zero point it is to use
  ///     instead of its own.
  ///   - isGiven: whether the contents of a value are known.
  ///
  /// Throws what planning throws.
  init(
    computing result: ValueID, of planner: ModelPlanner, correcting corrected: [Int: Int] = [:],
    where isGiven: (ValueID) -> Bool
  ) throws {
    let inferred = try planner.inferred(reaching: [result])
    var graph = inferred.graph
    for (node, rounding) in corrected {
      graph.nodes[node].inputs.replaceSubrange(1..., with: graph.nodes[rounding].inputs[1...])
    }
    var needed: Set<ValueID> = [result], nodes: [Int] = [], given: Set<ValueID> = []
    for (index, node) in graph.nodes.enumerated().reversed() where node.results.contains(where: needed.contains) {
      nodes.append(index)
      for value in node.reads where graph.values[value].constant == nil {
        if isGiven(value) { given.insert(value) } else { needed.insert(value) }
      }
    }
    for input in graph.inputs where needed.contains(input) { given.insert(input) }
    (self.nodes, self.given, self.result) = (nodes.reversed(), given.sorted(), result)
    graph.nodes = self.nodes.map { graph.nodes[$0] }
    let infos = inferred.infos
    let inputs = Dictionary(uniqueKeysWithValues: given.map { ($0, infos[$0]!) })
    plan = try Plan(
      graph, operators: planner.model.operators,
      request: PlanRequest(
        inputs: inputs, outputs: [result],
        kernels: KernelRequest(threadCount: planner.pool.threadCount, reusesWeights: false)))
  }

  /// Lends what it computes.
  ///
  /// - Parameter contents: gives the contents of a value.
  ///
  /// Throws what running throws.
  func withResult<Result>(
    on pool: ThreadPool, _ contents: (ValueID) throws -> Tensor, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    let executor = try Executor(plan, pool: pool)
    for value in given { try executor.set(value, to: contents(value)) }
    try executor.forward()
    return try executor.withElements(of: result) { elements in Swift.Result { try body(elements) } }.get()
  }
}
