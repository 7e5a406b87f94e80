import Graph

/// The end of a network that gives each class a weighted sum of channel means: global average pooling and one linear
/// layer, in any order.
struct PooledClassifier {
  /// The number of channels pooled.
  let channels: Int
  /// The feature map whose channels are weighted.
  let value: ValueID
  /// Classes × channels.
  private let weights: [Float]

  /// Reads the end of a model.
  ///
  /// Throws `unsupported` naming the node that is neither pooling nor the one linear layer.
  init(_ observation: Observation) throws {
    let graph = observation.model.graph, producers = graph.producers
    var value = observation.model.head.logits, isPooled = false, linear: LinearWeights?
    while !isPooled || linear == nil {
      guard let index = producers[value], let input = observation.computedInput(of: graph.nodes[index]) else {
        throw Self.unsupported(graph, producers[value])
      }
      let node = graph.nodes[index]
      if observation.poolsGlobally(node) {
        isPooled = true
      } else if linear == nil, let found = node.operation?.linearWeights(observation.inputs(of: node)) {
        linear = found
      } else if node.role != .identity, node.role != .sum {
        throw Self.unsupported(graph, index)
      }
      value = input
    }
    (weights, channels) = (linear!.weights, linear!.inputCount)
    self.value = value
  }

  private static func unsupported(_ graph: ComputeGraph, _ node: Int?) -> GradCAMError {
    let found = node.map(graph.describe) ?? "the model's input"
    return GradCAMError(
      .unsupported, at: "\(.method, "cam")",
      problem: "needs a network that ends in global average pooling and one linear layer, but found \(found)",
      advice: "choose gradcam, which gives the same map for such networks")
  }

  /// The weight of each channel in a linear combination of the classes.
  func weights(of classes: [Float]) -> [Float] {
    var sum = [Float](repeating: 0, count: channels)
    for (index, share) in classes.enumerated() where share != 0 {
      for channel in 0..<channels { sum[channel] += share * weights[index * channels + channel] }
    }
    return sum
  }
}

extension Observation {
  /// Type and extents of every value that the explained value depends on.
  var infos: [ValueID: ValueInfo] { focus.catalogue.infos }

  /// The contents of a value that does not depend on the image.
  func constant(_ value: ValueID) -> Tensor? { infos[value]?.constant }

  /// What is known of a node's inputs.
  func inputs(of node: Node) -> NodeInputs { NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } }) }

  /// The only input of a node that depends on the image.
  fileprivate func computedInput(of node: Node) -> ValueID? {
    let computed = node.inputs.compactMap { $0 }.filter { constant($0) == nil }
    return computed.count == 1 ? computed[0] : nil
  }

  /// Whether a node takes the mean of every channel.
  fileprivate func poolsGlobally(_ node: Node) -> Bool {
    guard node.operation?.averagedAxes(inputs(of: node)) != nil, let input = node.inputs[0],
      let output = node.outputs[0], let layout = focus.catalogue.layout(of: input),
      let before = infos[input]?.shape, let after = infos[output]?.shape
    else { return false }
    return after.count * layout.positions == before.count
  }
}
