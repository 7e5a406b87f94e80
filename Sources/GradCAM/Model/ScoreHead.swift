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

  /// The output that the scores are read from.
  public let output: ValueID
  /// The raw scores: what is differentiated.
  public let logits: ValueID
  /// How they become probabilities; nil if the file does not say, which is read as softmax.
  public let activation: Activation?
  /// What says that they are scores of classes.
  public let evidence: ScoreEvidence

  /// Chooses the output that most probably holds class scores; of equal ones the first.
  ///
  /// An output that cannot be computed is the last choice, and of the others one of its own rather than the best of
  /// another, and one declared as a row for each image.
  /// - Parameters:
  ///   - labelCount: the number of classes that the file names, if it does.
  ///   - name: the output's name, if the user gives it.
  ///
  /// Throws `badData` if the graph has no output, `usage` if it has none of that name.
  init(_ graph: ComputeGraph, labelCount: Int? = nil, named name: String? = nil) throws {
    guard !graph.outputs.isEmpty else { throw GradCAMError(.badData, problem: "the model has no output") }
    let producers = graph.producers
    if let name {
      guard let output = graph.outputs.first(where: { graph.values[$0].name == name }) else {
        throw GradCAMError(
          .usage, at: "\(.outputName, name)", problem: "the model has no such output",
          advice: "its outputs are \(graph.outputs.map { "'\(graph.values[$0].name)'" }.joined(separator: ", "))")
      }
      self.init(ScoreCandidate(output, of: graph, producers), .request)
      return
    }
    let missing = graph.nodes.filter { $0.operation is UnresolvableOperator }.flatMap(\.results)
    let unknown = missing.isEmpty ? [] : graph.downstream(of: Set(missing))
    let candidates = graph.outputs.map { output in
      let candidate = ScoreCandidate(output, of: graph, producers)
      let evidence = candidate.evidence(in: graph, labelCount: labelCount)
      let preferences = [
        unknown.contains(candidate.logits) ? 0 : 1, evidence.rawValue, candidate.isRanked ? 0 : 1,
        candidate.isRow(in: graph) ? 1 : 0,
      ]
      return (candidate: candidate, evidence: evidence, preferences: preferences)
    }
    let best = candidates.dropFirst().reduce(candidates[0]) { best, next in
      best.preferences.lexicographicallyPrecedes(next.preferences) ? next : best
    }
    self.init(best.candidate, best.evidence)
  }

  private init(_ candidate: ScoreCandidate, _ evidence: ScoreEvidence) {
    (output, logits, activation) = (candidate.output, candidate.logits, candidate.activation)
    self.evidence = evidence
  }

  /// What the user should know about the choice.
  func warnings(_ graph: ComputeGraph) -> [Warning] {
    guard graph.outputs.count > 1, evidence != .request else { return [] }
    func name(_ value: ValueID) -> String { "'\(graph.values[value].name)'" }
    let names = graph.outputs.map(name).joined(separator: ", ")
    let chosen = logits == output ? name(output) : "\(name(logits)), from which \(name(output)) is made"
    return [
      Warning(
        code: .outputChosen,
        text: "the model has the outputs \(names); class scores are read from \(chosen); "
          + "\(.outputName, as: "NAME") chooses another")
    ]
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
