import Graph

extension Probe {
  /// The network's input as a tap, with colours as channels.
  ///
  /// - Parameter isGuided: whether rectifiers block negative gradients.
  ///
  /// Throws `unsupported` if the input takes integers.
  func inputTap(isGuided: Bool) throws -> Tap {
    try checkInput()
    let input = observation.model.imageInput
    let run = try observation.walk(from: target, to: [input], isGuided: isGuided)
    return run.tap(input, observation.layout(of: input)!)
  }

  /// Taps of the network's input, then of every bias of a feature map as an activation; one backward pass serves them
  /// all.
  ///
  /// Throws `unsupported` if the input takes integers.
  func inputAndBiasTaps() throws -> some Sequence<Tap> {
    try checkInput()
    let input = observation.model.imageInput, biases = observation.channelBiases
    let run = try observation.walk(from: target, to: [input] + biases.map(\.value))
    let inputLayout = observation.layout(of: input)!
    return (-1..<biases.count).lazy.map { index in
      guard index >= 0 else { return run.tap(input, inputLayout) }
      let bias = biases[index], tap = run.tap(bias.value, bias.layout)
      return Tap(
        channels: tap.channels, size: tap.size,
        activation: tap.activation.indices.map { bias.numbers[$0 / tap.plane] }, gradient: tap.gradient)
    }
  }

  /// The softmax attentions of the network with their gradients.
  ///
  /// Throws `unsupported` if it has none.
  func attentionGradients() throws -> [AttentionGradient] {
    let attentions = observation.attentions
    guard !attentions.isEmpty else { throw observation.model.graph.noAttention }
    let run = try observation.walk(from: target, to: attentions.map(\.value))
    return attentions.map { AttentionGradient(attention: $0, values: run.withGradient(of: $0.value, Array.init)) }
  }

  /// The weight that the score gives to the mean of each channel of the feature map pooled at the network's end.
  ///
  /// - Parameter channels: the number of channels to weight.
  ///
  /// Throws `unsupported` if the network does not end like that or pools another number of channels, or if the target
  /// is not computed from class scores.
  func classifierWeights(channels: Int) throws -> [Float] {
    guard observation.explainsClassScores else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "cam")",
        problem: "weights channels by class scores; the target is \(target.description)",
        advice: "explain a class, or choose gradcam")
    }
    let classifier = try PooledClassifier(observation)
    guard classifier.channels == channels else {
      let name = observation.model.graph.values[classifier.value].name
      throw GradCAMError(
        .unsupported, at: "\(.method, "cam")",
        problem: "the classifier weights \(classifier.channels) channels, but the node has \(channels)",
        advice: "give \(.node) '\(name)'")
    }
    return classifier.weights(of: try target.gradient(contents))
  }

  /// The raw scores for changed activations at the tap; nil if the target is not computed from them.
  func logits(changingActivation change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> [Float]? {
    guard observation.explainsClassScores else { return nil }
    return try observation.tail(after: observation.taps[tap].value).explainedContents(for: changedActivation(change))
  }
}

/// The gradient at a softmax attention.
struct AttentionGradient {
  fileprivate let attention: SoftmaxAttention
  /// Of shape (…, queries, keys).
  fileprivate let values: [Float]

  /// The mean of `term` over heads and queries, at the places of the keys, without extra tokens.
  func mean(_ term: (Float) -> Float) -> HeatMap {
    let keys = attention.keys, queries = attention.queries, layout = attention.layout
    var means = [Float](repeating: 0, count: values.count / queries)
    for (row, start) in stride(from: 0, to: values.count, by: keys).enumerated() {
      let target = row / queries * keys
      for key in 0..<keys { means[target + key] += term(values[start + key]) / Float(queries) }
    }
    let heads = means.withUnsafeBufferPointer(layout.gather)
    let gathered = Tap(
      channels: layout.channels, size: layout.size, activation: heads, gradient: heads)
    return gathered.weightedSum([Float](repeating: 1 / Float(layout.channels), count: layout.channels))
  }
}

extension ComputeGraph {
  /// The error for networks without softmax attention.
  fileprivate var noAttention: GradCAMError {
    let fused = nodes.firstIndex { $0.role == .attention }
    return GradCAMError(
      .unsupported, at: "\(.method, "legrad")",
      problem: fused.map { "\(describe(node: $0)) does not expose its softmax" }
        ?? "the model has no softmax attention over places of the picture",
      advice: fused == nil ? "choose gradcam" : "export with an opset below 23, or choose gradcam")
  }
}
