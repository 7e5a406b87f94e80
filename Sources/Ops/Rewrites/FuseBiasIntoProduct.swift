import Graph

/// MatMul by a known matrix, followed by an Add of a known number for each column, becomes one node, which adds while
/// the result is in cache.
struct FuseBiasIntoProduct: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for index in graph.nodes.indices {
      guard let (first, second) = graph.operands(of: .add, node: index) else { continue }
      for (sum, bias) in [(first, second), (second, first)] {
        guard let (producer, product) = patterns.producer(of: sum, as: MatMul.self, in: graph),
          product.activation == nil, graph.nodes[producer].inputs.count == 2,
          let matrix = graph.nodes[producer].inputs[1], let known = graph.values[matrix].constant,
          known.shape.rank == 2, let columns = known.shape.dimensions.last,
          let added = graph.values[bias].constant?.shape, added.count == columns, added.dimensions.last == columns,
          let result = facts.infos[sum]?.shape, added.rank <= result.rank
        else { continue }
        graph.fuse(producer, into: index, product, inputs: graph.nodes[producer].inputs + [bias])
        break
      }
    }
  }
}
