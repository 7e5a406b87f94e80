import Graph

/// A smooth activation after a convolution, or after a product with a bias, becomes part of it, and runs while the
/// result is in cache.
///
/// Only if no gradient is requested: the derivative would need the values that the activation overwrites.
struct FuseActivation: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let unary = node.operation as? Unary, [.gelu, .tanhGelu, .swish, .hardSwish].contains(unary.function),
        let input = node.inputs[0], !facts.carriesGradient(input)
      else { continue }
      if let (first, convolution) = patterns.producer(of: input, as: Convolution.self, in: graph), convolution.isPlain {
        var fused = convolution
        fused.activation = FusedActivation(unary)
        graph.fuse(first, into: index, fused, inputs: graph.nodes[first].inputs)
      } else if let (first, product) = patterns.producer(of: input, as: MatMul.self, in: graph),
        product.activation == nil, graph.nodes[first].inputs.count == 3
      {
        graph.fuse(first, into: index, MatMul(activation: FusedActivation(unary)), inputs: graph.nodes[first].inputs)
      }
    }
  }
}
