import Graph

/// Conv whose result is added to a tensor of the same shape becomes one FusedConv, which adds while the result is in
/// cache.
struct FuseResidualIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() where node.operatorName == OperatorName(type: "Add") {
      let operands = node.inputs.compactMap { $0 }
      guard operands.count == 2, let shape = facts.infos[operands[0]]?.shape,
        shape == facts.infos[operands[1]]?.shape
      else {
        continue
      }
      // Of two convolutions the later one is fused: the other's result is there by then.
      let fusible = operands.indices.compactMap { position -> (producer: Int, position: Int)? in
        guard isPrivate(operands[position]), let producer = producers[operands[position]],
          graph.nodes[producer].operatorName == OperatorName(type: "Conv")
        else { return nil }
        return (producer, position)
      }
      guard let (producer, position) = fusible.max(by: { $0.producer < $1.producer }) else { continue }
      let convolution = graph.nodes[producer]
      let bias = convolution.inputs.count > 2 ? convolution.inputs[2] : nil
      graph.nodes[index] = Node(
        name: convolution.name, operatorName: OperatorName(domain: "com.microsoft", type: "FusedConv"),
        inputs: Array(convolution.inputs[..<2]) + [bias, operands[1 - position]], outputs: node.outputs,
        attributes: convolution.attributes, metadata: node.metadata)
    }
  }
}
