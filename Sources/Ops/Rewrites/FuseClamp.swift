import Graph

/// A convolution or BatchNormalization followed by Relu or Clip becomes one node, whose clamp runs while the result is in cache.
struct FuseClamp: GraphRewrite {
  private static let fused = [
    OperatorName(type: "Conv"): OperatorName(domain: "com.microsoft", type: "FusedConv"),
    OperatorName(domain: "com.microsoft", type: "FusedConv"): OperatorName(domain: "com.microsoft", type: "FusedConv"),
    OperatorName(type: "BatchNormalization"): OperatorName(domain: "gradcam", type: "FusedBatchNormalization"),
  ]

  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let input = node.inputs.first ?? nil, isPrivate(input), let producer = producers[input],
        let fused = Self.fused[graph.nodes[producer].operatorName],
        graph.nodes[producer].outputs.compactMap({ $0 }) == [input],
        graph.nodes[producer].attributes["activation"] == nil,
        let activation = Self.activation(of: node, in: graph)
      else { continue }
      // The fused node takes the place of the later one, where all that it reads is there.
      let first = graph.nodes[producer]
      graph.nodes[index] = Node(
        name: first.name, operatorName: fused, inputs: first.inputs, outputs: node.outputs,
        attributes: first.attributes.merging(activation) { own, _ in own }, metadata: node.metadata)
    }
  }

  private static func activation(of node: Node, in graph: ComputeGraph) -> [String: Attribute]? {
    if node.operatorName == OperatorName(type: "Relu") { return ["activation": .string("Relu")] }
    guard node.operatorName == OperatorName(type: "Clip") else { return nil }
    func bound(_ position: Int, _ name: String, default value: Float) -> Float? {
      if case .float(let number)? = node.attributes[name] { return number }
      guard position < node.inputs.count, let input = node.inputs[position] else { return value }
      guard let constant = graph.values[input].constant, constant.shape.count == 1 else { return nil }
      return constant.floats[0]
    }
    guard let low = bound(1, "min", default: -.infinity),
      let high = bound(2, "max", default: .infinity)
    else { return nil }
    return ["activation": .string("Clip"), "activation_params": .floats([low, high])]
  }
}
