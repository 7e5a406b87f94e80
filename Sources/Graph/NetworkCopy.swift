/// A second network in a graph, which reads inputs of its own and shares with the first what does not depend on them.
public struct NetworkCopy: Sendable {
  /// The copy of each value that depends on the inputs copied, including those.
  public fileprivate(set) var values: [ValueID: ValueID]
  /// The copy of each node that computes such values.
  public fileprivate(set) var nodes: [Int: Int] = [:]
}

extension ComputeGraph {
  /// Adds a copy of some inputs and of what depends on them.
  public mutating func addCopy(of copied: [ValueID]) -> NetworkCopy {
    func copy(_ value: ValueID) -> ValueID {
      values.append(Value(name: values[value].name, elementType: values[value].elementType))
      return values.count - 1
    }
    var made = NetworkCopy(values: [:])
    for input in copied {
      made.values[input] = copy(input)
      inputs.append(made.values[input]!)
    }
    for index in nodes.indices where nodes[index].reads.contains(where: { made.values[$0] != nil }) {
      var node = nodes[index]
      for output in node.results { made.values[output] = copy(output) }
      node.inputs = node.inputs.map { input in input.map { made.values[$0] ?? $0 } }
      node.outputs = node.outputs.map { output in output.map { made.values[$0]! } }
      node.captures = node.captures.mapValues { made.values[$0] ?? $0 }
      made.nodes[index] = nodes.count
      nodes.append(node)
    }
    return made
  }
}

extension NetworkCopy {
  /// The same with the parts of composite nodes, which a planner added to a graph.
  func withParts(of graph: ComputeGraph) -> NetworkCopy {
    var parts: [Int: [Node]] = [:]
    for node in graph.nodes { if let origin = node.origin { parts[origin, default: []].append(node) } }
    var copy = self
    for (first, second) in nodes {
      // A body depends on extents alone, which are the same.
      for (node, copied) in zip(parts[first] ?? [], parts[second] ?? []) {
        for (value, other) in zip(node.outputs, copied.outputs) {
          if let value, let other { copy.values[value] = other }
        }
      }
    }
    return copy
  }
}
