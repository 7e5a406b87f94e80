import Graph

/// BatchNormalization behind a Conv of constant weights becomes part of its weights and bias.
struct FoldBatchNormalization: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let scaling = ChannelScaling(node, in: graph), let input = node.inputs[0], isPrivate(input),
        let producer = producers[input], graph.nodes[producer].operatorName == OperatorName(type: "Conv")
      else { continue }
      // The new convolution takes the place of the later node, where all that it reads is there.
      let convolution = graph.nodes[producer]
      guard let (weights, bias) = scaling.folded(into: convolution, in: graph) else { continue }
      let name = graph.values[input].name, first = graph.values.count
      graph.values.append(Value(name: name + "/weights", constant: weights))
      graph.values.append(Value(name: name + "/bias", constant: bias))
      graph.nodes[index] = Node(
        name: convolution.name, operatorName: convolution.operatorName,
        inputs: [convolution.inputs[0], first, first + 1], outputs: node.outputs, attributes: convolution.attributes,
        metadata: node.metadata)
    }
  }
}

/// What a BatchNormalization of constant parameters does to each channel: times a factor, plus a shift.
private struct ChannelScaling {
  private let factors: [Double]
  private let shifts: [Double]

  /// Reads a node, nil where it is something else or its parameters are not known.
  init?(_ node: Node, in graph: ComputeGraph) {
    guard node.operatorName == OperatorName(type: "BatchNormalization"), node.inputs.count == 5,
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else { return nil }
    var epsilon: Float = 1e-5
    for (name, value) in node.attributes {
      switch (name, value) {
      case ("epsilon", .float(let number)): epsilon = number
      case ("momentum", _), ("training_mode", .int(0)), ("spatial", .int(1)): break
      default: return nil
      }
    }
    let parameters = node.inputs[1...].compactMap { input -> [Double]? in
      guard let constant = input.flatMap({ graph.values[$0].constant }), constant.elementType == .float32 else {
        return nil
      }
      return constant.floats.map(Double.init)
    }
    guard parameters.count == 4, parameters.allSatisfy({ $0.count == parameters[0].count }) else { return nil }
    factors = zip(parameters[0], parameters[3]).map { $0 / ($1 + Double(epsilon)).squareRoot() }
    shifts = zip(factors, zip(parameters[1], parameters[2])).map { $1.0 - $1.1 * $0 }
  }

  /// The weights and the bias of a convolution whose result is scaled, nil where its own are not known.
  func folded(into convolution: Node, in graph: ComputeGraph) -> (weights: Tensor, bias: Tensor)? {
    func constant(_ position: Int) -> Tensor? {
      guard convolution.inputs.count > position, let input = convolution.inputs[position],
        let constant = graph.values[input].constant, constant.elementType == .float32
      else { return nil }
      return constant
    }
    guard let weights = constant(1), weights.shape.rank > 2, weights.shape[0] == factors.count,
      convolution.inputs.count <= 3
    else { return nil }
    var bias = shifts
    if convolution.inputs.count == 3, convolution.inputs[2] != nil {
      guard let own = constant(2), own.shape.count == factors.count else { return nil }
      for (channel, number) in own.floats.enumerated() { bias[channel] += Double(number) * factors[channel] }
    }
    var numbers = weights.floats
    let size = weights.shape.count(1..<weights.shape.rank)
    for (channel, factor) in factors.enumerated() {
      for index in channel * size..<(channel + 1) * size { numbers[index] = Float(Double(numbers[index]) * factor) }
    }
    return (Tensor(numbers, shape: weights.shape), Tensor(bias.map(Float.init), shape: [bias.count]))
  }
}
