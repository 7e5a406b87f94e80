import Graph

/// MatMul by a known matrix, a known number for each column added behind it, becomes one node, which adds while the
/// result is in cache.
struct FuseBiasIntoProduct: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() where node.operatorName == OperatorName(type: "Add") {
      guard let (first, second) = graph.operands(of: index) else { continue }
      for (sum, bias) in [(first, second), (second, first)] {
        guard facts.isPrivate(sum), let producer = producers[sum],
          graph.nodes[producer].operatorName == OperatorName(type: "MatMul"),
          let matrix = graph.nodes[producer].inputs[1], let known = graph.values[matrix].constant,
          known.shape.rank == 2, let columns = known.shape.dimensions.last,
          let added = graph.values[bias].constant?.shape, added.count == columns, added.dimensions.last == columns,
          let result = facts.infos[sum]?.shape, added.rank <= result.rank
        else { continue }
        let product = graph.nodes[producer]
        graph.nodes[index] = Node(
          name: product.name, operatorName: OperatorName(domain: "gradcam", type: "FusedMatMul"),
          inputs: product.inputs + [bias], outputs: node.outputs, metadata: node.metadata)
        break
      }
    }
  }
}
