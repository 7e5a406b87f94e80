import Graph

/// The score of a class of one box, multiplied by the box's own score if there is one.
public struct DetectionTarget: Target {
  /// The index of the box in the model's output.
  public let box: Int
  /// Its four numbers, as the output has them.
  public let coordinates: [Float]
  /// The class.
  public let classIndex: Int
  /// Its name, if known.
  public let label: String?
  /// Where the factors of the score lie.
  private let factors: [Int]

  init(_ layout: DetectionLayout, box: Int, classIndex: Int, label: String?, coordinates: [Float]) {
    (self.box, self.coordinates, self.classIndex, self.label) = (box, coordinates, classIndex, label)
    factors = layout.factors(box: box, classIndex: classIndex)
  }

  /// Such as `dog-box17`.
  public var name: String { "\(label ?? "\(classIndex)")-box\(box)" }
  /// Such as `score of dog in box 17`.
  public var description: String { "score of \(label ?? "class \(classIndex)") in box \(box)" }

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
  ///   - layout: the layout that the explainer was planned for, with its boxes kept.
  ///   - rank: 0 for the box with the best score.
  ///   - classIndex: the class by whose score boxes are ranked; nil means each box's best.
  ///
  /// Throws `usage` if there is no such class or box.
  public func detectionTarget(
    _ layout: DetectionLayout, rank: Int, classIndex: Int? = nil, of observation: Observation
  ) throws -> DetectionTarget {
    guard (0..<layout.boxCount).contains(rank) else {
      throw GradCAMError(
        .usage, at: "\(.detection, rank)", problem: "the model gives \(layout.boxCount) boxes",
        advice: "use 0 (the best) to \(layout.boxCount - 1)")
    }
    let classes = classIndex.map { $0..<$0 + 1 } ?? 0..<layout.classCount
    guard classes.upperBound <= layout.classCount, classes.lowerBound >= 0 else {
      throw GradCAMError.noClass(classes.lowerBound, of: layout.classCount)
    }
    let contents = observation.contents
    func score(_ box: Int, _ classIndex: Int) -> Float {
      layout.factors(box: box, classIndex: classIndex).reduce(1) { $0 * contents[$1] }
    }
    let best = (0..<layout.boxCount).map { box in
      classes.map { (box: box, classIndex: $0, score: score(box, $0)) }.max { $0.score < $1.score }!
    }
    let chosen = best.sorted { ($1.score, $0.box) < ($0.score, $1.box) }[rank]
    return DetectionTarget(
      layout, box: chosen.box, classIndex: chosen.classIndex, label: labels[chosen.classIndex],
      coordinates: try layout.coordinates(chosen.box, in: observation.elements(of: layout.boxes)))
  }
}
