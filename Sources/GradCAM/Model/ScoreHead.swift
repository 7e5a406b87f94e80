import Graph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a classifier's scores are: the last value before a final Softmax, LogSoftmax or Sigmoid, else the output.
public struct ScoreHead: Sendable {
  /// How scores become probabilities.
  public enum Activation: Sendable {
    /// Scores compete: exp(y_c) ⁄ Σ exp(y).
    case softmax
    /// Every score stands alone: 1 ⁄ (1 + exp(−y_c)).
    case sigmoid
  }

  /// The model's first output.
  public let output: ValueID
  /// The raw scores: what is differentiated.
  public let logits: ValueID
  /// How they become probabilities; softmax where the file does not tell.
  public let activation: Activation

  /// Finds the scores of a graph's first output.
  ///
  /// Throws `badData` where the graph has no output.
  init(_ graph: ComputeGraph) throws {
    guard let output = graph.outputs.first else { throw GradCAMError(.badData, problem: "the model has no output") }
    self.output = output
    let producers = graph.producers
    var value = output
    while let index = producers[value], let input = graph.nodes[index].inputs.first ?? nil {
      let node = graph.nodes[index]
      guard node.operatorName.domain.isEmpty, node.outputs.first == value else { break }
      switch node.operatorName.type {
      case "Softmax", "LogSoftmax":
        (logits, activation) = (input, .softmax)
        return
      case "Sigmoid":
        (logits, activation) = (input, .sigmoid)
        return
      case "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast":
        value = input
      default:
        (logits, activation) = (output, .softmax)
        return
      }
    }
    (logits, activation) = (output, .softmax)
  }

  /// The probability of every class.
  public func probabilities(_ logits: [Float]) -> [Float] {
    switch activation {
    case .sigmoid: return logits.map { 1 / (1 + exp(-$0)) }
    case .softmax:
      // One lone score competes with nothing: it is read as the score of a yes against a no.
      if logits.count == 1 { return logits.map { 1 / (1 + exp(-$0)) } }
      return logits.softmax
    }
  }

  /// A class's score, or its probability.
  func score(_ logits: [Float], classIndex: Int, score: ScoreKind) -> Float {
    score == .logit ? logits[classIndex] : probabilities(logits)[classIndex]
  }

  /// The gradient of a class's score, or of its probability, with respect to the logits.
  func seed(logits: [Float], classIndex: Int, score: ScoreKind) -> [Float] {
    var seed = [Float](repeating: 0, count: logits.count)
    guard score == .probability else {
      seed[classIndex] = 1
      return seed
    }
    let probabilities = probabilities(logits), p = probabilities[classIndex]
    if activation == .sigmoid || logits.count == 1 {
      seed[classIndex] = p * (1 - p)
    } else {
      for index in seed.indices { seed[index] = p * ((index == classIndex ? 1 : 0) - probabilities[index]) }
    }
    return seed
  }
}

/// What is differentiated.
public enum ScoreKind: String, Sendable, CaseIterable {
  /// The raw score, before a final Softmax or Sigmoid.
  case logit
  /// The probability behind it.
  case probability
}

extension [Float] {
  /// exp(x) ⁄ Σ exp(x).
  var softmax: [Float] {
    let largest = self.max() ?? 0
    let powers = map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
