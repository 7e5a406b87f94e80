/// An operator that a graph needs but a set of operators lacks, or lacks in the form that the graph needs.
public struct MissingOperator: Sendable {
  /// The operator.
  public let name: OperatorName
  /// How messages name the first node that needs it.
  public let node: String
  /// The number of nodes that need it.
  public internal(set) var count: Int
  /// What is missing: the operator, the graph's version of it, or an attribute.
  public let problem: Message
}

extension OperatorSet {
  /// The operators missing for some values of a graph, in the order of their first nodes.
  public func missing(in graph: ComputeGraph, for wanted: some Sequence<ValueID>) -> [MissingOperator] {
    let graph = resolving(graph), needed = graph.upstream(of: Set(wanted))
    var missing: [MissingOperator] = []
    for (index, node) in graph.nodes.enumerated() where node.computes(anyOf: needed) {
      // Planning reports what is wrong with the file itself.
      guard let error = (node.operation as? UnresolvableOperator)?.error, error.kind == .unsupported else { continue }
      if let known = missing.firstIndex(where: { $0.name == node.operatorName }) {
        missing[known].count += 1
      } else {
        missing.append(
          MissingOperator(
            name: node.operatorName, node: graph.describe(node: index), count: 1, problem: error.problem))
      }
    }
    return missing
  }
}
