import Graph

/// The score of a class of one box, multiplied by the box's own score if there is one: of raw scores, the sigmoids.
public struct DetectionTarget: Target {
  /// The index of the box in the model's output.
  public let box: Int
  /// Its four numbers, as the output has them; none if no output holds them.
  public let coordinates: [Float]
  /// The class; nil if it is not known which one the score is of.
  public let classIndex: Int?
  /// Its name, if known.
  public let label: String?
  /// What the detector found in the picture; nil if that was not looked for.
  public private(set) var boxes: DetectedBoxes?
  /// How the model's outputs hold boxes.
  let layout: DetectionLayout
  /// Where the factors of the score lie.
  private let factors: [Int]
  /// Whether they are raw.
  private let areRaw: Bool

  init(
    _ layout: DetectionLayout, _ chosen: DetectionLayout.RankedScore, label: String?, coordinates: [Float],
    boxes: DetectedBoxes? = nil
  ) {
    (box, classIndex, self.coordinates, self.label) = (chosen.box, chosen.classIndex, coordinates, label)
    (self.boxes, self.layout) = (boxes, layout)
    (factors, areRaw) = (layout.factors(box: chosen.box, score: chosen.score), chosen.hasRawFactors)
  }

  /// Where it is among the boxes found; nil if its place is not known.
  public var place: DetectedBox? { boxes?.boxes.first { $0.index == box } }

  private var className: String? { label ?? classIndex.map { "class \($0)" } }

  /// Such as `dog-box17`.
  public var name: String { (label ?? classIndex.map { "\($0)" }).map { "\($0)-box\(box)" } ?? "box\(box)" }
  /// Such as `score of dog in box 17`.
  public var description: String { "score of " + (className.map { "\($0) in box \(box)" } ?? "box \(box)") }

  /// The class.
  public var subject: Int? { classIndex }

  /// The product of the box's score and the class's.
  public func score(_ contents: [Float]) -> Float { factors.reduce(1) { $0 * value(contents[$1]) } }

  /// For each factor the product of the others, times the derivative of its sigmoid if it is raw.
  public func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    for factor in factors {
      let own = value(contents[factor])
      gradient[factor] = factors.reduce(areRaw ? own * (1 - own) : 1) {
        $0 * ($1 == factor ? 1 : value(contents[$1]))
      }
    }
    return gradient
  }

  private func value(_ factor: Float) -> Float { areRaw ? sigmoid(factor) : factor }
}

extension Explainer {
  /// The score of a box of an image.
  ///
  /// - Parameters:
  ///   - layout: the layout that the explainer was planned for, with its other values kept.
  ///   - rank: 0 for the box with the best score.
  ///   - classIndex: the class by whose score boxes are ranked; nil means each box's best.
  ///   - overlap: the share of their common area that two boxes of a class may share, else the lesser one does not count;
  ///     nil means what is usual for the network.
  ///
  /// Throws `usage` if there is no such class or box.
  public func detectionTarget(
    _ layout: DetectionLayout, rank: Int, classIndex: Int? = nil, overlap: Float? = nil, of observation: Observation
  ) throws -> DetectionTarget {
    try checkClass(classIndex, of: layout)
    let count = min(rank, layout.boxCount - 1) + 1
    let found = try layout.best(ofClass: classIndex, overlap: overlap, count: count, in: observation.elements)
    guard found.count > rank else {
      let what = classIndex.map { " of class \($0)" } ?? ""
      throw GradCAMError(
        .usage, at: "\(.detection, rank)", problem: "the model gives \(found.count) boxes\(what)",
        advice: found.isEmpty ? "choose another class" : "use 0 (the best) to \(found.count - 1)")
    }
    return try targets([(rank, found[rank])], layout, overlap: overlap, of: observation)[0]
  }

  /// The sum of the scores of all boxes of a class of an image.
  ///
  /// - Parameters:
  ///   - layout: as above.
  ///   - least: the least score that counts, 0 … 1.
  ///   - overlap: as above.
  ///
  /// Throws `usage` if there is no such class or box.
  public func boxesTarget(
    _ layout: DetectionLayout, classIndex: Int, least: Float, overlap: Float? = nil, of observation: Observation
  ) throws -> any Target {
    try checkClass(classIndex, of: layout)
    let found = try layout.best(
      ofClass: classIndex, overlap: overlap, count: Self.largestSum, least: least, in: observation.elements)
    let name = labels[classIndex] ?? "class \(classIndex)"
    guard !found.isEmpty else {
      let best = try layout.best(ofClass: classIndex, overlap: overlap, count: 1, in: observation.elements).first
      throw GradCAMError(
        .usage, at: "\(.boxesOf, "\(name):\(least)")", problem: "no box of this class has such a score",
        advice: best.map { "the best has \(brief(Double($0.probability))); give a lesser one" }
          ?? "choose another class")
    }
    let targets = try targets(
      found.enumerated().map { ($0.offset, $0.element) }, layout, overlap: overlap, of: observation)
    let count = found.count == 1 ? "1 box" : "\(found.count) boxes"
    return CombinedTarget(
      name: "\(labels[classIndex] ?? "\(classIndex)")-boxes",
      description: "score of \(name) summed over \(count) of at least \(brief(Double(least)))",
      terms: targets.map { (1, $0) })
  }

  /// The largest number of boxes whose scores are summed.
  private static let largestSum = 300

  private func checkClass(_ classIndex: Int?, of layout: DetectionLayout) throws {
    guard let known = layout.knownClasses, let classIndex, !known.contains(classIndex) else { return }
    throw GradCAMError(
      .usage, at: "\(.class, classIndex)", problem: "no score is known to be of this class",
      advice: known.isEmpty ? "leave it out" : "use \(known.min()!) to \(known.max()!)")
  }

  /// The targets of scores with their ranks, with all boxes that are shown.
  private func targets(
    _ chosen: [(rank: Int, score: DetectionLayout.RankedScore)], _ layout: DetectionLayout, overlap: Float?,
    of observation: Observation
  ) throws -> [DetectionTarget] {
    var contents: [ValueID: [Float]] = [:]
    for value in [layout.scores] + layout.others { contents[value] = try observation.elements(of: value) }
    func elements(_ value: ValueID) -> [Float] { contents[value]! }
    func box(_ rank: Int, _ score: DetectionLayout.RankedScore) -> DetectedBox? {
      layout.outline(score.box, in: elements).map { outline in
        DetectedBox(
          rank: rank, index: score.box, classIndex: score.classIndex, label: score.classIndex.flatMap { labels[$0] },
          score: score.probability, outline: outline)
      }
    }
    let shown = layout.best(
      ofClass: nil, overlap: overlap, count: DetectedBoxes.largestCount, least: DetectedBoxes.leastScore, in: elements
    ).enumerated().compactMap { box($0.offset, $0.element) }
    return chosen.map { rank, score in
      // The score of another class than the best may be explained.
      let own = box(rank, score),
        isShown = shown.contains { $0.index == score.box && $0.classIndex == score.classIndex }
      let others = isShown ? shown : shown.filter { $0.index != score.box } + [own].compactMap { $0 }
      let scale = layout.scales.map { $0.scales[$0.cells[score.box].scale] }
      return DetectionTarget(
        layout, score, label: score.classIndex.flatMap { labels[$0] },
        coordinates: layout.coordinates(score.box, in: elements),
        boxes: DetectedBoxes(boxes: others, explained: [score.box], scale: scale))
    }
  }
}
