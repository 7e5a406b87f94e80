import Graph

/// A convolution or BatchNormalization followed by Relu or Clip becomes one node, whose clamp runs while the result is
/// in cache.
struct FuseClamp: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let clamp = Self.clamp(of: node, in: graph) else { continue }
      if let (first, convolution) = patterns.producer(of: node.inputs[0], as: Convolution.self, in: graph),
        convolution.isPlain
      {
        var fused = convolution
        fused.clamp = clamp
        graph.fuse(first, into: index, fused, inputs: graph.nodes[first].inputs)
      } else if let (first, normalization) = patterns.producer(
        of: node.inputs[0], as: BatchNormalization.self, in: graph), normalization.clamp == .none
      {
        var fused = normalization
        fused.clamp = clamp
        graph.fuse(first, into: index, fused, inputs: graph.nodes[first].inputs)
      }
    }
  }

  private static func clamp(of node: Node, in graph: ComputeGraph) -> Clamp? {
    switch node.operation {
    case let unary as Unary: unary.function == .relu ? .rectifier : nil
    case let clip as Clip: clip.clamp(node.inputs) { graph.values[$0].constant }
    default: nil
    }
  }
}
