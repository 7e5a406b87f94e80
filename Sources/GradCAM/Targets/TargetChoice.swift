import Graph

/// What is explained of each image: a planned target, its classes and files read.
public struct TargetChoice: Sendable {
  private enum Kind: Sendable {
    /// The same for all images.
    case target(any Target)
    /// Elements of the explained value.
    case elements
    /// The box of a rank for each of some classes, nil meaning any.
    case box(Int, [Int?])
    /// A part of a box.
    case part(BoxPart)
    /// All boxes of a class with at least a score.
    case boxes(class: Int, least: Float)
    case classes([Int])
    case mostProbable(Int)
    case contrast(Int, Int)
  }

  private let kind: Kind
  private let score: ScoreKind
  private let mask: (path: String, picture: Picture)?
  private let overlap: Float?
  private let isCounterfactual: Bool

  /// Reads what a request names.
  ///
  /// - Parameter explainer: one that was planned for the request; for a picture's embedding, it runs on that picture.
  ///
  /// Throws `usage` for classes and indices that do not exist, `unsupported` if the model has no class scores, and
  /// what reading a mask or a picture throws.
  public init(of explainer: Explainer) throws {
    let planned = explainer.target, request = planned.request, focus = explainer.focus, labels = explainer.labels
    func classes(of count: Int) throws -> [Int] {
      try request.classes.map { try labels.index(of: $0, classCount: count) }.withoutRepeats
    }
    (score, overlap, isCounterfactual) = (request.score, request.overlap, request.isCounterfactual)
    mask = try request.mask.map { ($0, try request.picture(at: $0)) }
    switch planned.kind {
    case .elements(let selection):
      _ = try selection.target(in: explainer.explainedShape(focus))
      kind = .elements
    case .embedding(let reference):
      let path = reference.path
      func contents(of picture: Picture) throws -> [Float] {
        try explainer.observe(located(path) { try explainer.prepare(picture) }).contents
      }
      let vector = try reference.vector ?? contents(of: request.picture(at: path))
      kind = .target(try CosineSimilarity(to: vector, from: path))
    case .boxes(let layout):
      let known = layout.knownClasses ?? Array(labels.names.isEmpty ? 0..<65_536 : labels.names.indices)
      let count = (known.max() ?? -1) + 1
      if let part = request.boxPart {
        kind = .part(part)
      } else if let asked = request.boxesOf {
        let (name, least) = Self.classWithLeastScore(asked)
        kind = .boxes(class: try labels.index(of: name, classCount: count), least: least)
      } else {
        let classes = try classes(of: count)
        kind = .box(request.detection ?? 0, classes.isEmpty ? [nil] : classes)
      }
    case .classes:
      let count = focus.catalogue.classCount
      guard focus.catalogue.hasClassScores && mask == nil || request.chosen != nil && count > 0 else {
        throw explainer.planner.noClassScores(focus)
      }
      let classes = try classes(of: count)
      if request.chosen == nil, explainer.explainsMeasurement {
        kind = .target(MeasuredValue(name: explainer.model.graph.values[focus.explained].name))
      } else if let contrast = request.contrast {
        let pair = try labels.indices(ofPair: contrast, classCount: count)
        kind = .contrast(pair.0, pair.1)
      } else {
        kind = classes.isEmpty ? .mostProbable(min(request.top ?? 1, count)) : .classes(classes)
      }
    }
  }

  /// Splits `dog:0.4`; without a number, the least score is that of the boxes that are shown.
  private static func classWithLeastScore(_ text: String) -> (name: String, least: Float) {
    guard let colon = text.lastIndex(of: ":"), let least = Float(text[text.index(after: colon)...]),
      (0...1).contains(least)
    else { return (text, DetectedBoxes.leastScore) }
    return (String(text[..<colon]), least)
  }

  /// The number of targets of an image.
  public var count: Int {
    switch kind {
    case .target, .elements, .contrast, .boxes, .part: 1
    case .box(_, let classes): classes.count
    case .classes(let classes): classes.count
    case .mostProbable(let count): count
    }
  }

  /// The targets of an image.
  ///
  /// - Parameter explainer: one that was planned for the same target as the choice.
  public func targets(_ explainer: Explainer, of observation: Observation) throws -> [any Target] {
    func target(_ index: Int, where top: Int) throws -> any Target {
      guard !explainer.focus.catalogue.hasClassScores || mask != nil else {
        return try explainer.target(classIndex: index, score: score)
      }
      return try explainer.segmentationTarget(
        classIndex: index, score: score, topClass: top, mask: mask?.picture, maskName: mask?.path ?? "",
        of: observation)
    }
    let targets: [any Target] =
      switch kind {
      case .target(let target): [target]
      case .elements:
        [
          try explainer.target(of: observation).selection!.target(in: explainer.explainedShape(observation.focus))
        ]
      case .box(let rank, let classes):
        try classes.map { [layout = try explainer.target(of: observation).boxes!] in
          try explainer.detectionTarget(layout, rank: rank, classIndex: $0, overlap: overlap, of: observation)
        }
      case .part(let part):
        try [explainer.target(of: observation)].map {
          try explainer.boxPartTarget(part, $0.boxes!, joined: $0.joined, overlap: overlap, of: observation)
        }
      case .boxes(let index, let least):
        [
          try explainer.boxesTarget(
            explainer.target(of: observation).boxes!, classIndex: index, least: least, overlap: overlap,
            of: observation)
        ]
      case .classes(let classes): try classes.map { try target($0, where: $0) }
      case .mostProbable(let count):
        try explainer.classes(of: observation, count: count).map { try target($0.index, where: $0.index) }
      case .contrast(let first, let second): [try target(first, where: first).minus(target(second, where: first))]
      }
    return isCounterfactual ? targets.map(\.negated) : targets
  }
}
