import Graph

/// A convolution whose result is added to a tensor of the same shape becomes one node, which adds while the result is
/// in cache.
struct FuseResidualIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for index in graph.nodes.indices {
      guard let (first, second) = graph.operands(of: .add, node: index), let shape = facts.infos[first]?.shape,
        shape == facts.infos[second]?.shape
      else { continue }
      // Of two convolutions, the later one is fused: the other's result is available by then.
      let fusible = [(first, second), (second, first)].compactMap { sum, residual in
        patterns.producer(of: sum, as: Convolution.self, in: graph).flatMap { node, convolution in
          convolution.isPlain && graph.nodes[node].inputs.count < 4 ? (node, convolution, residual) : nil
        }
      }
      guard let (producer, convolution, residual) = fusible.max(by: { $0.0 < $1.0 }) else { continue }
      let inputs = graph.nodes[producer].inputs, bias = inputs.count > 2 ? inputs[2] : nil
      graph.fuse(producer, into: index, convolution, inputs: inputs[..<2] + [bias, residual])
    }
  }
}
