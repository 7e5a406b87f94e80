/// The score of a class, or its probability.
public struct ClassTarget: Target {
  /// The class.
  public let index: Int
  /// Its name, if known.
  public let label: String?
  /// Whether the raw score or the probability is explained.
  public let kind: ScoreKind
  /// How scores are read.
  public let head: ScoreHead

  /// A class of a model whose scores are one number per class.
  ///
  /// - Precondition: there is such a class.
  public init(_ index: Int, label: String? = nil, kind: ScoreKind = .logit, head: ScoreHead) {
    (self.index, self.label, self.kind, self.head) = (index, label, kind, head)
  }

  /// The label, else the number.
  public var name: String { label ?? "\(index)" }
  /// Such as `logit of star`.
  public var description: String { "\(kind.rawValue) of \(label ?? "class \(index)")" }

  /// The class.
  public var subject: Int? { index }

  /// The score or probability.
  public func score(_ contents: [Float]) -> Float {
    (kind == .logit ? head.classScores(contents) : head.probabilities(contents))[index]
  }

  /// One at the class for its raw score, else the derivative of Softmax or Sigmoid.
  public func gradient(_ contents: [Float]) -> [Float] { head.gradient(contents, classIndex: index, kind) }
}

extension Explainer {
  /// The score of a class as a target.
  ///
  /// Throws `usage` if there is no such class, `unsupported` if class scores are not what is explained.
  public func target(classIndex: Int, score: ScoreKind = .logit) throws -> ClassTarget {
    guard focus.catalogue.hasClassScores, focus.explained == model.head.logits else {
      throw planner.noClassScores(focus)
    }
    try focus.catalogue.checkClass(classIndex)
    return ClassTarget(classIndex, label: labels[classIndex], kind: score, head: model.head)
  }
}
