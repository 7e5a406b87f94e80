import Graph

/// A smooth activation behind a convolution, or behind a product with a bias, becomes part of it, and runs while the
/// result is in cache.
///
/// Only where no gradient is asked for: the derivative would need what the activation overwrites.
struct FuseActivation: GraphRewrite {
  private static let fused = [
    OperatorName(type: "Conv"): OperatorName(domain: "com.microsoft", type: "FusedConv"),
    OperatorName(domain: "com.microsoft", type: "FusedConv"): OperatorName(domain: "com.microsoft", type: "FusedConv"),
    OperatorName(domain: "gradcam", type: "FusedMatMul"): OperatorName(domain: "gradcam", type: "FusedMatMul"),
  ]

  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let activation = FusedActivation(node), let input = node.inputs.first ?? nil, facts.isPrivate(input),
        !facts.carriesGradient(input), let producer = producers[input],
        let fused = Self.fused[graph.nodes[producer].operatorName],
        graph.nodes[producer].attributes["activation"] == nil
      else { continue }
      let first = graph.nodes[producer]
      graph.nodes[index] = Node(
        name: first.name, operatorName: fused, inputs: first.inputs, outputs: node.outputs,
        attributes: first.attributes.merging(activation.attributes) { own, _ in own }, metadata: node.metadata)
    }
  }
}
