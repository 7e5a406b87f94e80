/// An operator that a graph needs and a set of operators does not have, or not as the graph wants it.
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
    let graph = (try? expanding(graph)) ?? graph
    var needed = Set(wanted)
    let indices = graph.nodes.indices.reversed().filter { index in
      let node = graph.nodes[index]
      guard node.outputs.contains(where: { $0.map(needed.contains) ?? false }) else { return false }
      needed.formUnion(node.inputs.compactMap { $0 } + Array(node.captures.values))
      return true
    }
    var missing: [MissingOperator] = []
    for index in indices.reversed() {
      let node = graph.nodes[index]
      do {
        if expansions[node.operatorName] == nil { _ = try resolve(node, opsets: graph.opsets) }
      } catch let error as GradCAMError where error.kind == .unsupported {
        if let known = missing.firstIndex(where: { $0.name == node.operatorName }) {
          missing[known].count += 1
        } else {
          missing.append(
            MissingOperator(
              name: node.operatorName, node: graph.describe(node: index), count: 1, problem: error.problem))
        }
      } catch {
        // What is wrong with the file itself is told by whoever plans it.
      }
    }
    return missing
  }
}
