import Graph

/// A Transpose of a Transpose becomes one, and nothing where they undo each other.
struct MergeTransposes: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let second = Self.permutation(of: node), let input = node.inputs[0], isPrivate(input),
        let producer = producers[input], let first = Self.permutation(of: graph.nodes[producer]),
        first.count == second.count
      else { continue }
      let merged = second.map { first[Int($0)] }
      let isIdentity = merged == Array(0..<Int64(merged.count))
      graph.nodes[index] = Node(
        name: node.name, operatorName: OperatorName(type: isIdentity ? "Identity" : "Transpose"),
        inputs: graph.nodes[producer].inputs, outputs: node.outputs,
        attributes: isIdentity ? [:] : ["perm": .ints(merged)], metadata: node.metadata)
    }
  }

  /// The axes of a Transpose that names them, nil for all else.
  private static func permutation(of node: Node) -> [Int64]? {
    guard node.operatorName == OperatorName(type: "Transpose"), node.inputs.count == 1, node.attributes.count == 1,
      case .ints(let axes)? = node.attributes["perm"], axes.sorted() == Array(0..<Int64(axes.count))
    else { return nil }
    return axes
  }
}
