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

  /// Reads the end of a session's model.
  ///
  /// Throws `unsupported` naming the node that is neither pooling nor the one linear layer.
  init(_ session: Session) throws {
    let graph = session.model.graph, producers = graph.producers
    var value = session.model.head.logits, isPooled = false, linear: (weights: [Float], channels: Int)?
    while !isPooled || linear == nil {
      guard let index = producers[value], let input = session.computedInput(of: graph.nodes[index]) else {
        throw Self.unsupported(graph, producers[value])
      }
      let node = graph.nodes[index]
      if session.poolsGlobally(node) {
        isPooled = true
      } else if linear == nil, let found = session.linearLayer(node) {
        linear = found
      } else if !session.keepsElements(node) {
        throw Self.unsupported(graph, index)
      }
      value = input
    }
    (weights, channels) = linear!
    self.value = value
  }

  private static func unsupported(_ graph: ComputeGraph, _ node: Int?) -> GradCAMError {
    let found = node.map(graph.describe) ?? "the model's input"
    return GradCAMError(
      .unsupported, at: "\(.method, "cam")",
      problem: "takes the weights of one linear layer beside global average pooling; before the scores is \(found)",
      advice: "choose gradcam, which is the same map where cam is defined")
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

extension Session {
  /// The contents of a value that does not depend on the image.
  func constant(_ value: ValueID) -> Tensor? { executor.plan.infos[value]?.constant }

  /// The only input of a node that depends on the image.
  fileprivate func computedInput(of node: Node) -> ValueID? {
    let computed = node.inputs.compactMap { $0 }.filter { constant($0) == nil }
    return computed.count == 1 ? computed[0] : nil
  }

  /// Whether a node hands its elements on, some constant added at most.
  fileprivate func keepsElements(_ node: Node) -> Bool {
    node.operatorName.domain.isEmpty
      && ["Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Add"].contains(
        node.operatorName.type)
  }

  /// Whether a node takes the mean of every channel.
  fileprivate func poolsGlobally(_ node: Node) -> Bool {
    guard ["GlobalAveragePool", "ReduceMean", "AveragePool"].contains(node.operatorName.type),
      let input = node.inputs[0], let output = node.outputs[0], let layout = catalogue.layout(of: input),
      let before = executor.plan.infos[input]?.shape, let after = executor.plan.infos[output]?.shape,
      after.count * layout.width * layout.height == before.count
    else { return false }
    guard node.operatorName.type == "AveragePool" else { return true }
    return node.attributes["kernel_shape"]?.integers == [layout.height, layout.width]
  }

  /// The weights of a linear layer, classes × channels; nil for any other node.
  fileprivate func linearLayer(_ node: Node) -> (weights: [Float], channels: Int)? {
    guard node.operatorName.domain.isEmpty, node.inputs.count > 1, let weights = node.inputs[1].flatMap(constant) else {
      return nil
    }
    let shape = weights.shape, numbers = weights.floats
    func transposed() -> [Float] {
      (0..<shape[1]).flatMap { column in (0..<shape[0]).map { numbers[$0 * shape[1] + column] } }
    }
    switch node.operatorName.type {
    case "Conv" where shape.count == shape[0] * shape[1] && (node.attributes["group"]?.integers ?? [1]) == [1]:
      return (numbers, shape[1])
    case "MatMul" where shape.rank == 2: return (transposed(), shape[0])
    case "Gemm" where (node.attributes["transA"]?.integers ?? [0]) == [0]:
      let isTransposed = (node.attributes["transB"]?.integers ?? [0]) != [0], factor = node.float("alpha", default: 1)
      return ((isTransposed ? numbers : transposed()).map { $0 * factor }, isTransposed ? shape[1] : shape[0])
    default: return nil
    }
  }
}

extension Attribute {
  /// The whole numbers of an attribute that holds such.
  fileprivate var integers: [Int]? {
    switch self {
    case .int(let number): [Int(clamping: number)]
    case .ints(let numbers): numbers.map { Int(clamping: $0) }
    default: nil
    }
  }
}
