import Graph

extension Probe {
  /// The taps of all nodes asked for.
  var taps: [Tap] { session.taps.indices.map(session.tap) }

  /// The network's input, its colours being channels, with the gradient there.
  ///
  /// - Parameter isGuided: whether rectifiers let no gradient below 0 through.
  ///
  /// Throws `unsupported` where the input takes whole numbers.
  func inputTap(isGuided: Bool) throws -> Tap {
    try checkInput()
    let input = session.model.imageInput
    let run = try session.run(Backpropagation(values: [input], isGuided: isGuided), from: target)
    return run.tap(input, session.catalogue.layout(of: input)!)
  }

  /// The network's input, then every bias of a feature map as an activation, each with the gradient there; one backward
  /// pass serves them all.
  ///
  /// Throws `unsupported` where the input takes whole numbers.
  func inputAndBiasTaps() throws -> some Sequence<Tap> {
    try checkInput()
    let input = session.model.imageInput, biases = session.channelBiases
    let run = try session.run(Backpropagation(values: [input] + biases.map(\.value)), from: target)
    let inputLayout = session.catalogue.layout(of: input)!
    return (-1..<biases.count).lazy.map { index in
      guard index >= 0 else { return run.tap(input, inputLayout) }
      let bias = biases[index], tap = run.tap(bias.value, bias.layout)
      return Tap(
        channels: tap.channels, height: tap.height, width: tap.width,
        activation: tap.activation.indices.map { bias.numbers[$0 / tap.plane] }, gradient: tap.gradient)
    }
  }

  /// The softmax attentions of the network with the gradients there.
  ///
  /// Throws `unsupported` where it has none.
  func attentionGradients() throws -> [AttentionGradient] {
    let attentions = session.attentions
    guard !attentions.isEmpty else { throw session.model.graph.noAttention }
    let run = try session.run(Backpropagation(values: attentions.map(\.value)), from: target)
    return attentions.map { AttentionGradient($0, run.withGradient(of: $0.value, Array.init)) }
  }

  /// The weight that the score gives to the mean of each channel of the feature map pooled at the network's end.
  ///
  /// - Parameter channels: the number of channels that are to be weighted.
  ///
  /// Throws `unsupported` where the network does not end so, or in another number of channels, and where what is explained
  /// is not made of class scores.
  func classifierWeights(channels: Int) throws -> [Float] {
    guard session.explainsClassScores else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "cam")",
        problem: "weighs channels by class scores; explained is \(target.description)",
        advice: "explain a class, or choose gradcam")
    }
    let classifier = try PooledClassifier(session)
    guard classifier.channels == channels else {
      let name = session.model.graph.values[classifier.value].name
      throw GradCAMError(
        .unsupported, at: "\(.method, "cam")",
        problem: "the classifier weights \(classifier.channels) channels where the node has \(channels)",
        advice: "give \(.node) '\(name)'")
    }
    return classifier.weights(of: try target.gradient(contents))
  }

  /// The raw scores for changed activations at the tap; nil where something else is explained.
  func logits(changingActivation change: (UnsafeMutableBufferPointer<Float>) -> Void) throws -> [Float]? {
    guard session.explainsClassScores else { return nil }
    return try session.tail(behind: session.taps[tap].value).explainedContents(for: changedActivation(change))
  }
}

/// The gradient at a softmax attention.
struct AttentionGradient {
  private let attention: SoftmaxAttention
  /// Of shape (…, queries, keys).
  private let values: [Float]

  init(_ attention: SoftmaxAttention, _ values: [Float]) {
    self.attention = attention
    self.values = values
  }

  /// The mean over heads and queries of a number for each share, at the places of the keys; what stands for no place,
  /// as a class token, is left out.
  func mean(_ term: (Float) -> Float) -> HeatMap {
    let keys = attention.keys, queries = attention.queries, layout = attention.layout
    var means = [Float](repeating: 0, count: values.count / queries)
    for (row, start) in stride(from: 0, to: values.count, by: keys).enumerated() {
      let target = row / queries * keys
      for key in 0..<keys { means[target + key] += term(values[start + key]) / Float(queries) }
    }
    let heads = means.withUnsafeBufferPointer(layout.gather)
    let gathered = Tap(
      channels: layout.channels, height: layout.height, width: layout.width, activation: heads, gradient: heads)
    return gathered.weightedSum([Float](repeating: 1 / Float(layout.channels), count: layout.channels))
  }
}

extension ComputeGraph {
  /// The error for networks without softmax attention.
  fileprivate var noAttention: GradCAMError {
    let fused = nodes.firstIndex { $0.role == .attention }
    return GradCAMError(
      .unsupported, at: "\(.method, "legrad")",
      problem: fused.map { "\(describe(node: $0)) keeps its softmax to itself" }
        ?? "the model has no softmax attention over places of the picture",
      advice: fused == nil ? "choose gradcam" : "export with an opset below 23, or choose gradcam")
  }
}
