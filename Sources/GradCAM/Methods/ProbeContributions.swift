import Graph

extension Probe {
  /// The network's input as a tap with the relevance of its elements in place of their gradients.
  ///
  /// - Parameter method: the method that asks.
  ///
  /// Throws `unsupported` naming a node whose operator has no rule, if the input takes integers, and, for a rule that
  /// needs the range of the input, if that is not known.
  func relevance(for method: String, by rules: RelevanceRules) throws -> Tap {
    try located("\(.method, method)") {
      try checkInput()
      return try observation.share(
        of: target, by: .relevance(rules), comparing: rules.first == .box ? try inputBounds() : [])
    }
  }

  /// The network's input as a tap with the multipliers of its differences from a baseline in place of gradients.
  ///
  /// - Parameters:
  ///   - method: the method that asks.
  ///   - baseline: the planes of its channels, of the input's size.
  ///
  /// Throws `unsupported` naming a node whose operator has no rule, and if the input takes integers.
  func multipliers(for method: String, from baseline: [[Float]]) throws -> Tap {
    try located("\(.method, method)") {
      try checkInput()
      return try observation.share(of: target, by: .rescaled, comparing: [input(showing: baseline)])
    }
  }

  /// The least and the greatest input that a picture can become.
  private func inputBounds() throws -> [Tensor] {
    let planes = inputPlanes
    guard let preprocessing = observation.image.preprocessing else {
      throw GradCAMError(
        .unsupported,
        problem: "needs the range of the input's numbers, which is known only if a picture is given",
        advice: "give a picture, or choose lrp")
    }
    let bounds = preprocessing.bounds(channels: planes.count)
    return try [bounds.map(\.lowerBound), bounds.map(\.upperBound)].map { ends in
      try input(showing: zip(planes, ends).map { plane, end in [Float](repeating: end, count: plane.count) })
    }
  }
}
