import Graph

/// The score of a class of one box, multiplied by the box's own score if there is one.
public struct DetectionTarget: Target {
  /// The index of the box in the model's output.
  public let box: Int
  /// Its four numbers, as the output has them; none if no output holds them.
  public let coordinates: [Float]
  /// The class; nil if it is not known which one the score is of.
  public let classIndex: Int?
  /// Its name, if known.
  public let label: String?
  /// Where the factors of the score lie.
  private let factors: [Int]

  init(_ layout: DetectionLayout, _ chosen: DetectionLayout.RankedScore, label: String?, coordinates: [Float]) {
    (box, classIndex, self.coordinates, self.label) = (chosen.box, chosen.classIndex, coordinates, label)
    factors = layout.factors(box: chosen.box, score: chosen.score)
  }

  private var className: String? { label ?? classIndex.map { "class \($0)" } }

  /// Such as `dog-box17`.
  public var name: String { (label ?? classIndex.map { "\($0)" }).map { "\($0)-box\(box)" } ?? "box\(box)" }
  /// Such as `score of dog in box 17`.
  public var description: String { "score of " + (className.map { "\($0) in box \(box)" } ?? "box \(box)") }

  /// The class.
  public var subject: Int? { classIndex }

  /// The product of the box's score and the class's.
  public func score(_ contents: [Float]) -> Float { factors.reduce(1) { $0 * contents[$1] } }

  /// For each factor the product of the others.
  public func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    for factor in factors { gradient[factor] = factors.reduce(1) { $0 * ($1 == factor ? 1 : contents[$1]) } }
    return gradient
  }
}

extension Explainer {
  /// The score of a box of an image.
  ///
  /// Boxes are not merged: each counts, including those that a detector would suppress afterwards.
  /// - Parameters:
  ///   - layout: the layout that the explainer was planned for, with its other values kept.
  ///   - rank: 0 for the box with the best score.
  ///   - classIndex: the class by whose score boxes are ranked; nil means each box's best.
  ///
  /// Throws `usage` if there is no such class or box.
  public func detectionTarget(
    _ layout: DetectionLayout, rank: Int, classIndex: Int? = nil, of observation: Observation
  ) throws -> DetectionTarget {
    if let known = layout.knownClasses, let classIndex, !known.contains(classIndex) {
      throw GradCAMError(
        .usage, at: "\(.class, classIndex)", problem: "no score is known to be of this class",
        advice: known.isEmpty ? "leave it out" : "use \(known.min()!) to \(known.max()!)")
    }
    let best = try layout.bestScores(ofClass: classIndex, in: observation.elements)
      .sorted { ($1.rank, $0.box) < ($0.rank, $1.box) }
    guard best.indices.contains(rank) else {
      let what = classIndex.map { " of class \($0)" } ?? ""
      throw GradCAMError(
        .usage, at: "\(.detection, rank)", problem: "the model gives \(best.count) boxes\(what)",
        advice: best.isEmpty ? "choose another class" : "use 0 (the best) to \(best.count - 1)")
    }
    return DetectionTarget(
      layout, best[rank], label: best[rank].classIndex.flatMap { labels[$0] },
      coordinates: try layout.coordinates(best[rank].box, in: observation.elements))
  }
}
