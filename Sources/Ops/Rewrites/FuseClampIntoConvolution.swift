import Graph

/// A convolution followed by Relu or Clip becomes one FusedConv, whose clamp runs while the result is in cache.
struct FuseClampIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, infos: [ValueID: ValueInfo], isPrivate: (ValueID) -> Bool) {
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let input = node.inputs.first ?? nil, isPrivate(input), let producer = producers[input],
        Self.isConvolution(graph.nodes[producer]),
        let activation = Self.activation(of: node, in: graph)
      else { continue }
      // The fused node takes the place of the later one, where all that it reads is there.
      let convolution = graph.nodes[producer]
      graph.nodes[index] = Node(
        name: convolution.name, operatorName: OperatorName(domain: "com.microsoft", type: "FusedConv"),
        inputs: convolution.inputs, outputs: node.outputs,
        attributes: convolution.attributes.merging(activation) { own, _ in own }, metadata: node.metadata)
    }
  }

  private static func isConvolution(_ node: Node) -> Bool {
    node.operatorName == OperatorName(type: "Conv")
      || node.operatorName == OperatorName(domain: "com.microsoft", type: "FusedConv")
        && node.attributes["activation"] == nil
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
