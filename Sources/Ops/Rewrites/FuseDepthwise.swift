import Graph

/// A depthwise convolution of a 1 × 1 convolution's result becomes part of it, and runs while a few channels of that are
/// in cache.
///
/// Only if no gradient is requested there: it would need the values in between.
struct FuseDepthwise: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let depthwise = node.operation as? Convolution, let input = node.inputs[0], !facts.carriesGradient(input),
        let (first, pointwise) = patterns.producer(of: input, as: Convolution.self, in: graph),
        let shape = facts.infos[input]?.shape, shape.rank == 4
      else { continue }
      let inputs = graph.nodes[first].inputs
      guard let x = inputs[0].flatMap({ facts.infos[$0] }), inputs.count <= 3 || inputs[3] == nil,
        let weights = inputs[1].flatMap({ graph.values[$0].constant }),
        let filters = node.inputs[1].flatMap({ graph.values[$0].constant }),
        pointwise.isPointwise(NodeInputs([x, ValueInfo(weights)])),
        depthwise.isDepthwise(NodeInputs([ValueInfo(x.elementType, shape), ValueInfo(filters)]))
      else { continue }
      func padded(_ inputs: [ValueID?], to count: Int) -> [ValueID?] {
        inputs + Array(repeating: nil, count: count - inputs.count)
      }
      graph.fuse(
        first, into: index, PointwiseDepthwise(pointwise: pointwise, depthwise: depthwise),
        inputs: padded(Array(inputs.prefix(3)), to: 3) + padded(Array(node.inputs.dropFirst()), to: 3))
    }
  }
}
