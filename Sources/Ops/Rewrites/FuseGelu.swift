import Graph

/// The products that exporters write for GELU become one node: x·½·(1 + erf(x/√2)), or its approximation with tanh.
struct FuseGelu: GraphRewrite {
  let restoresFunctions = true

  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for index in graph.nodes.indices {
      guard graph.operands(of: .multiply, node: index) ?? graph.operands(of: .divide, node: index) != nil,
        let output = graph.nodes[index].outputs[0]
      else { continue }
      // The result itself may have any consumers.
      let product = FactoredValue(output, in: graph, patterns) { $0 == output || facts.isPrivate($0) }
      guard product.factors.count == 2, product.hasNumber(near: 0.5) else { continue }
      for (x, gate) in [(0, 1), (1, 0)].map({ (product.factors[$0], product.factors[$1]) }) {
        guard let gelu = Self.gelu(of: x, gatedBy: gate, in: graph, patterns) else { continue }
        graph.fuse(index, into: index, gelu, inputs: [x], as: "Gelu")
        break
      }
    }
  }

  /// The function that x·½·gate computes.
  private static func gelu(
    of x: ValueID, gatedBy gate: ValueID, in graph: ComputeGraph, _ patterns: Patterns
  ) -> Unary? {
    /// The other operand of an Add that computes a private value.
    func addend(beside isKnown: (ValueID) -> Bool, in sum: ValueID) -> ValueID? {
      guard patterns.facts.isPrivate(sum), let (first, second) = patterns.operands(of: .add, giving: sum, in: graph)
      else { return nil }
      return isKnown(first) ? second : isKnown(second) ? first : nil
    }
    func product(_ value: ValueID) -> FactoredValue { FactoredValue(value, in: graph, patterns) }

    guard let curve = addend(beside: { graph.number($0) == 1 }, in: gate) else { return nil }
    if let argument = patterns.argument(of: .erf, giving: curve, in: graph) {
      return product(argument).isAbout(0.5.squareRoot(), times: [x]) ? .gelu : nil
    }
    guard let argument = patterns.argument(of: .tanh, giving: curve, in: graph) else { return nil }
    let scaled = product(argument)
    guard scaled.factors.count == 1, scaled.hasNumber(near: (2 / Double.pi).squareRoot()),
      let cubic = addend(beside: { $0 == x }, in: scaled.factors[0])
    else { return nil }
    return product(cubic).isAbout(0.044715, times: [x, x, x]) ? .tanhGelu : nil
  }
}
