import Graph

/// A value times its own sigmoid or hard sigmoid becomes one node: Swish of any slope, or HardSwish.
struct FuseSelfGating: GraphRewrite {
  let restoresFunctions = true

  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for index in graph.nodes.indices {
      guard let (first, second) = graph.operands(of: .multiply, node: index) else { continue }
      for (x, gate) in [(first, second), (second, first)] {
        guard let function = Self.function(of: x, gatedBy: gate, in: graph, patterns) else { continue }
        graph.fuse(index, into: index, function, inputs: [x], as: function.function == .swish ? "Swish" : "HardSwish")
        break
      }
    }
  }

  private static func function(
    of x: ValueID, gatedBy gate: ValueID, in graph: ComputeGraph, _ patterns: Patterns
  ) -> Unary? {
    if let argument = patterns.argument(of: .sigmoid, giving: gate, in: graph) {
      let product = FactoredValue(argument, in: graph, patterns) { $0 != x && patterns.facts.isPrivate($0) }
      return product.factors == [x] ? .swish(slope: Float(product.number)) : nil
    }
    guard let (node, gate) = patterns.producer(of: gate, as: Unary.self, in: graph), gate.function == .hardSigmoid,
      graph.nodes[node].inputs[0] == x, gate.parameters.beta == 0.5, abs(gate.parameters.alpha - 1 / 6) < 1e-6
    else { return nil }
    return .hardSwish
  }
}
