import Graph

/// The products that exporters write for GELU become one node: x·½·(1 + erf(x/√2)), or with tanh its approximation.
struct FuseGelu: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let output = node.outputs.first ?? nil, graph.operands(of: index) != nil,
        ["Mul", "Div"].contains(node.operatorName.type)
      else { continue }
      // The result itself may be read by anybody.
      let product = ScalarProduct(output, in: graph, producers) { $0 == output || isPrivate($0) }
      guard product.factors.count == 2, product.hasNumber(near: 0.5) else { continue }
      for (x, gate) in [(0, 1), (1, 0)].map({ (product.factors[$0], product.factors[$1]) }) {
        guard let type = Self.gelu(of: x, gatedBy: gate, in: graph, producers, isPrivate: isPrivate) else { continue }
        graph.nodes[index] = Node(
          name: node.name, operatorName: OperatorName(domain: "com.microsoft", type: type), inputs: [x],
          outputs: node.outputs, metadata: node.metadata)
        break
      }
    }
  }

  /// The operator that x·½·gate is.
  private static func gelu(
    of x: ValueID, gatedBy gate: ValueID, in graph: ComputeGraph, _ producers: [ValueID: Int],
    isPrivate: (ValueID) -> Bool
  ) -> String? {
    /// The other operand of an Add that computes a private value.
    func addend(beside known: (ValueID) -> Bool, in sum: ValueID) -> ValueID? {
      guard isPrivate(sum), let producer = producers[sum], graph.nodes[producer].operatorName.type == "Add",
        let (first, second) = graph.operands(of: producer)
      else { return nil }
      return known(first) ? second : known(second) ? first : nil
    }
    func product(_ value: ValueID) -> ScalarProduct {
      ScalarProduct(value, in: graph, producers, isPrivate: isPrivate)
    }

    guard let curve = addend(beside: { graph.number($0) == 1 }, in: gate) else { return nil }
    if let argument = graph.argument(of: "Erf", giving: curve, producers, isPrivate: isPrivate) {
      return product(argument).isAbout(0.5.squareRoot(), times: [x]) ? "Gelu" : nil
    }
    guard let argument = graph.argument(of: "Tanh", giving: curve, producers, isPrivate: isPrivate) else { return nil }
    let scaled = product(argument)
    guard scaled.factors.count == 1, scaled.hasNumber(near: (2 / Double.pi).squareRoot()),
      let cubic = addend(beside: { $0 == x }, in: scaled.factors[0])
    else { return nil }
    return product(cubic).isAbout(0.044715, times: [x, x, x]) ? "FastGelu" : nil
  }
}
