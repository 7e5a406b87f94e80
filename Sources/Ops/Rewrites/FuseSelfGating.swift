import Graph

/// A value times its own sigmoid or hard sigmoid becomes one node: Swish of any slope, or HardSwish.
struct FuseSelfGating: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() where node.operatorName == OperatorName(type: "Mul") {
      guard let (first, second) = graph.operands(of: index) else { continue }
      for (x, gate) in [(first, second), (second, first)] {
        guard
          let (name, attributes) = Self.activation(of: x, gatedBy: gate, in: graph, producers, isPrivate: isPrivate)
        else { continue }
        graph.nodes[index] = Node(
          name: node.name, operatorName: name, inputs: [x], outputs: node.outputs, attributes: attributes,
          metadata: node.metadata)
        break
      }
    }
  }

  private static func activation(
    of x: ValueID, gatedBy gate: ValueID, in graph: ComputeGraph, _ producers: [ValueID: Int],
    isPrivate: (ValueID) -> Bool
  ) -> (OperatorName, [String: Attribute])? {
    if let argument = graph.argument(of: "Sigmoid", giving: gate, producers, isPrivate: isPrivate) {
      let product = ScalarProduct(argument, in: graph, producers) { $0 != x && isPrivate($0) }
      guard product.factors == [x] else { return nil }
      return (OperatorName(domain: "com.microsoft", type: "QuickGelu"), ["alpha": .float(Float(product.number))])
    }
    let parameters = ["alpha", "beta"]
    guard
      graph.argument(
        of: "HardSigmoid", attributes: parameters, giving: gate, producers, isPrivate: isPrivate) == x,
      let opset = graph.opsets[""], opset >= 14
    else { return nil }
    let attributes = graph.nodes[producers[gate]!].attributes
    func number(_ name: String, default value: Float) -> Float? {
      switch attributes[name] {
      case nil: value
      case .float(let number)?: number
      default: nil
      }
    }
    guard number("beta", default: 0.5) == 0.5, let slope = number("alpha", default: 0.2), abs(slope - 1 / 6) < 1e-6
    else { return nil }
    return (OperatorName(type: "HardSwish"), [:])
  }
}
