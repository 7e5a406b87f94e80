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
    let run = try observation.walk(from: target, to: [input], by: isGuided ? .guided : .gradient)
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
