import Graph

/// A smooth activation behind a convolution becomes part of it, and runs while the result is in cache.
///
/// Only where no gradient is asked for: the derivative would need what the activation overwrites.
struct FuseActivationIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let activation = FusedActivation(node), let input = node.inputs.first ?? nil, facts.isPrivate(input),
        !facts.carriesGradient(input), let producer = producers[input],
        FuseClamp.isUnclampedConvolution(graph.nodes[producer])
      else { continue }
      let convolution = graph.nodes[producer]
      graph.nodes[index] = Node(
        name: convolution.name, operatorName: OperatorName(domain: "com.microsoft", type: "FusedConv"),
        inputs: convolution.inputs, outputs: node.outputs,
        attributes: convolution.attributes.merging(activation.attributes) { own, _ in own }, metadata: node.metadata)
    }
  }
}
