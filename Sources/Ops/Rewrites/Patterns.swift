import Graph

/// Queries for recognising patterns of nodes.
struct Patterns {
  let facts: RewriteFacts
  /// The node that computed each value when the rewrite began.
  private let producers: [ValueID: Int]

  init(_ graph: ComputeGraph, _ facts: RewriteFacts) {
    self.facts = facts
    producers = graph.producers
  }

  /// The node that computes a value and its operator, if of the given type and if the value may vanish in a fused node.
  func producer<Operation: GraphOperator>(
    of value: ValueID?, as type: Operation.Type, in graph: ComputeGraph
  ) -> (node: Int, operation: Operation)? {
    guard let value, facts.isPrivate(value), let node = producers[value],
      let operation = graph.nodes[node].operation as? Operation
    else { return nil }
    return (node, operation)
  }

  /// The argument of the function that computes a value, if the value may vanish in a fused node.
  func argument(of function: Unary.Function, giving value: ValueID, in graph: ComputeGraph) -> ValueID? {
    guard let (node, unary) = producer(of: value, as: Unary.self, in: graph), unary.function == function else {
      return nil
    }
    return graph.nodes[node].inputs[0]
  }

  /// The operands of the node that computes a value, if it is this binary function.
  func operands(
    of function: Binary.Function, giving value: ValueID, in graph: ComputeGraph
  ) -> (first: ValueID, second: ValueID)? {
    producers[value].flatMap { graph.operands(of: function, node: $0) }
  }
}

extension ComputeGraph {
  /// The operands of a node, if it is this binary function.
  func operands(of function: Binary.Function, node index: Int) -> (first: ValueID, second: ValueID)? {
    guard let binary = nodes[index].operation as? Binary, binary.computes(function), nodes[index].inputs.count == 2,
      let first = nodes[index].inputs[0], let second = nodes[index].inputs[1]
    else { return nil }
    return (first, second)
  }

  /// The number that a constant holds, if it does not change the rank of the other operand.
  func number(_ value: ValueID) -> Double? {
    guard let constant = values[value].constant, constant.elementType.isFloatingPoint, constant.shape.count == 1,
      constant.shape.rank <= 1
    else { return nil }
    return Double(constant.floats[0])
  }

  /// Puts a fused operator in place of a pattern's last node, where all its inputs are available.
  ///
  /// - Parameters:
  ///   - first: the node of the pattern that it is named after.
  ///   - type: the operator type in profiles and messages; nil for the types of both nodes, as in `Conv+Relu`.
  mutating func fuse(
    _ first: Int, into last: Int, _ operation: any GraphOperator, inputs: [ValueID?], as type: String? = nil
  ) {
    let name = nodes[first].operatorName
    nodes[last] = Node(
      name: nodes[first].name,
      operatorName: OperatorName(domain: name.domain, type: type ?? "\(name.type)+\(nodes[last].operatorName.type)"),
      inputs: inputs, outputs: nodes[last].outputs, metadata: nodes[last].metadata, operation: operation)
  }
}
