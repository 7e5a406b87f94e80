import Graph

/// Where a classifier's scores are: the last value before a final Softmax, LogSoftmax or Sigmoid, else the output.
public struct ScoreHead: Sendable {
  /// How scores become probabilities.
  public enum Activation: Sendable {
    /// Scores compete: exp(y_c) ⁄ Σ exp(y).
    case softmax
    /// Scores are independent: 1 ⁄ (1 + exp(−y_c)).
    case sigmoid
  }

  /// The model's first output.
  public let output: ValueID
  /// The raw scores: what is differentiated.
  public let logits: ValueID
  /// How they become probabilities; softmax if the file does not say.
  public let activation: Activation

  /// Finds the scores of a graph's first output.
  ///
  /// Throws `badData` if the graph has no output.
  init(_ graph: ComputeGraph) throws {
    guard let output = graph.outputs.first else { throw GradCAMError(.badData, problem: "the model has no output") }
    self.output = output
    let producers = graph.producers
    var value = output
    while let index = producers[value], let input = graph.nodes[index].inputs.first ?? nil {
      let node = graph.nodes[index]
      guard node.outputs.first == value, [.identity, .softmax, .sigmoid].contains(node.role) else { break }
      guard node.role == .identity else {
        (logits, activation) = (input, node.role == .softmax ? .softmax : .sigmoid)
        return
      }
      value = input
    }
    (logits, activation) = (output, .softmax)
  }

  /// The raw score of every class.
  ///
  /// A single number y is the score of `yes`, which is class 1, against `no`, whose score is −y.
  /// - Parameter logits: the elements of `logits`, of one image.
  public func classScores(_ logits: [Float]) -> [Float] { logits.count == 1 ? [-logits[0], logits[0]] : logits }

  /// The probability of every class.
  ///
  /// - Parameter logits: the elements of `logits`, of one image.
  public func probabilities(_ logits: [Float]) -> [Float] {
    activation == .sigmoid || logits.count == 1 ? classScores(logits).map { 1 / (1 + exp(-$0)) } : logits.softmax
  }

  /// The gradient of a number with respect to the logits, given its gradient with respect to the classes' scores.
  func gradient(ofClassScores gradient: [Float], logits: [Float]) -> [Float] {
    logits.count == 1 ? [gradient[1] - gradient[0]] : gradient
  }

  /// The gradient of a class's score, or of its probability, with respect to the logits.
  func gradient(_ logits: [Float], classIndex: Int, _ kind: ScoreKind) -> [Float] {
    var gradient = [Float](repeating: 0, count: classScores(logits).count)
    if kind == .logit {
      gradient[classIndex] = 1
    } else {
      let probabilities = probabilities(logits), p = probabilities[classIndex]
      if activation == .sigmoid || logits.count == 1 {
        gradient[classIndex] = p * (1 - p)
      } else {
        for index in gradient.indices { gradient[index] = p * ((index == classIndex ? 1 : 0) - probabilities[index]) }
      }
    }
    return self.gradient(ofClassScores: gradient, logits: logits)
  }
}

/// What is differentiated.
public enum ScoreKind: String, Sendable, CaseIterable {
  /// The raw score, before a final Softmax or Sigmoid.
  case logit
  /// The probability computed from it.
  case probability
}

extension [Float] {
  /// exp(x) ⁄ Σ exp(x).
  var softmax: [Float] {
    let largest = self.max() ?? 0, powers = map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
