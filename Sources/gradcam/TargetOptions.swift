import ArgumentParser
import GradCAM
import Graph

/// What is explained: the options that commands share.
struct TargetOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained; the top one by default. Repeatable.", valueName: "N|LABEL"))
  var classes: [String] = []

  @Option(help: ArgumentHelp("What of a class is differentiated.", valueName: "SCORE")) var score = ScoreKind.logit

  @Option(
    help: ArgumentHelp(
      "With --class, of a segmentation: its score summed over the white part of a mask of the picture's or the output's "
        + "size. Without a mask over the part where the class is the top one.", valueName: "PNG"))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "What speaks for class A rather than for class B; of a segmentation, where A is on top.", valueName: "A,B"))
  var contrast: String?

  @Option(
    help: ArgumentHelp(
      "The sum of an output, or of any tensor, or of the elements that NumPy's indices pick: out[0,5,:,2:-1]. Or what a "
        + "plugin's target NAME makes of them: NAME(out[0]).", valueName: "OUTPUT[…]"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The score of a detector's box: 0 for the one with the best score, of the class that --class names, 1 for the "
        + "next; boxes are not merged.", valueName: "K"))
  var detection: Int?

  @Option(
    help: ArgumentHelp(
      "The cosine similarity of an output to a vector, or to that of another picture.", valueName: "NPY|IMAGE"))
  var embedding: String?

  @Flag(help: "What speaks against it: the negated gradient.") var counterfactual = false

  /// The options given that say what is explained instead of a class.
  private var kinds: [String] {
    [
      ("--contrast", contrast != nil), ("--target", target != nil), ("--detection", detection != nil),
      ("--embedding", embedding != nil),
    ].filter(\.1).map(\.0)
  }

  mutating func validate() throws {
    if kinds.count > 1 { throw ValidationError("Give \(kinds[0]) or \(kinds[1]), not both.") }
    if let kind = kinds.first {
      if !classes.isEmpty, kind != "--detection" { throw ValidationError("Give --class or \(kind), not both.") }
      if mask != nil { throw ValidationError("Give --mask or \(kind), not both.") }
      if score == .probability, kind != "--contrast" {
        throw ValidationError("--score probability is of classes; leave it out with \(kind).")
      }
    }
    if mask != nil, classes.isEmpty { throw ValidationError("--mask needs --class.") }
    if let detection, detection < 0 { throw ValidationError("--detection is at least 0.") }
  }

  /// The files that are read.
  var paths: [String] { [mask, embedding].compactMap { $0 } }

  /// The first option given that says what is explained; nil where it is the most probable classes.
  var chosen: String? { kinds.first ?? (classes.isEmpty ? nil : "--class") }

  /// Finds the values that the options ask for.
  ///
  /// Throws `usage` or `unsupported` where a model has no such values, and what reading a file throws.
  func plan(_ model: Model, size: PixelSize, inputs: [String: Tensor], labels: Labels?) throws -> PlannedTarget {
    if let target { return .elements(try located(model.path) { try ElementSelection(target, in: model) }) }
    guard detection != nil || embedding != nil else { return .classes }
    let outputs = model.outputs(size, inputs: inputs.mapValues { ValueInfo($0) })
    if let detection {
      let count = (labels?.names ?? model.metadata.labels)?.count
      return .box(detection, try located(model.path) { try DetectionLayout(outputs, labelCount: count) })
    }
    return try .embedding(EmbeddingReference(embedding!, outputs, batch: model.imageShape.batch, model: model.path))
  }

  /// What is explained of each image.
  ///
  /// - Parameters:
  ///   - planned: what the explainer was planned for.
  ///   - top: the number of the most probable classes explained where nothing else is asked for.
  ///
  /// Throws `usage` for classes and indices that do not exist, `unsupported` where the model has no class scores, and
  /// what reading a mask or a picture throws.
  func choice(_ planned: PlannedTarget, _ explainer: Explainer, top: Int = 1) throws -> TargetChoice {
    let choice = try positiveChoice(planned, explainer, top)
    guard counterfactual else { return choice }
    return TargetChoice(count: choice.count) { explainer, image in
      try choice.targets(explainer, image).map(\.negated)
    }
  }

  private func positiveChoice(
    _ planned: PlannedTarget, _ explainer: Explainer, _ top: Int
  ) throws -> TargetChoice {
    switch planned {
    case .elements(let selection):
      let target = try selection.target(in: explainer.session.explainedShape)
      return TargetChoice(count: 1) { _, _ in [target] }
    case .embedding(let reference):
      let similarity = try reference.similarity(explainer)
      return TargetChoice(count: 1) { _, _ in [similarity] }
    case .box(let rank, let layout):
      let classes = try classes.map { try explainer.labels.index(of: $0, classCount: layout.classCount) }
        .withoutRepeats
      return TargetChoice(count: max(1, classes.count)) { explainer, _ in
        try (classes.isEmpty ? [nil] : classes.map { $0 }).map {
          try explainer.detectionTarget(layout, rank: rank, classIndex: $0)
        }
      }
    case .classes: return try classChoice(explainer, top)
    }
  }

  private func classChoice(_ explainer: Explainer, _ top: Int) throws -> TargetChoice {
    let session = explainer.session, count = session.classCount, kind = score
    let mask = try mask.map { (path: $0, picture: try Picture(contentsOf: $0)) }
    guard session.hasClassScores && mask == nil || chosen != nil && count > 0 else { throw session.noClassScores }
    func target(_ index: Int, where top: Int, _ explainer: Explainer, _ image: PreparedImage) throws -> any Target {
      guard !session.hasClassScores || mask != nil else { return try explainer.target(classIndex: index, score: kind) }
      return try explainer.segmentationTarget(
        classIndex: index, score: kind, topClass: top, mask: mask?.picture, maskName: mask?.path ?? "", of: image)
    }
    if let contrast {
      let pair = try explainer.labels.indices(ofPair: contrast, classCount: count)
      return TargetChoice(count: 1) { explainer, image in
        [try target(pair.0, where: pair.0, explainer, image).minus(target(pair.1, where: pair.0, explainer, image))]
      }
    }
    let chosen = try classes.map { try explainer.labels.index(of: $0, classCount: count) }.withoutRepeats
    if !chosen.isEmpty {
      return TargetChoice(count: chosen.count) { explainer, image in
        try chosen.map { try target($0, where: $0, explainer, image) }
      }
    }
    let best = min(top, count)
    return TargetChoice(count: best) { explainer, image in
      try explainer.classes(count: best).map { try target($0.index, where: $0.index, explainer, image) }
    }
  }
}

/// What the options ask for, found in a model that is not planned yet.
enum PlannedTarget {
  case classes
  case elements(ElementSelection)
  case box(Int, DetectionLayout)
  case embedding(EmbeddingReference)

  /// The value that is explained; nil for the class scores.
  var explained: ValueID? {
    switch self {
    case .classes: nil
    case .elements(let selection): selection.value
    case .box(_, let layout): layout.scores
    case .embedding(let reference): reference.output
    }
  }

  /// What is kept besides.
  var kept: [ValueID] { if case .box(_, let layout) = self { [layout.boxes] } else { [] } }
}

/// What is explained of each image.
struct TargetChoice {
  /// The number of targets.
  let count: Int
  /// The targets of the image that the explainer ran last.
  let targets: (Explainer, PreparedImage) throws -> [any Target]
}

/// The embedding that others are compared with: an array, or that of a picture.
struct EmbeddingReference {
  /// The output compared.
  let output: ValueID
  private let path: String
  private let vector: [Float]?

  /// Finds the first output of floating-point numbers, for an array the first with as many elements.
  ///
  /// Throws `badData` where no output fits, and what reading throws.
  init(_ path: String, _ outputs: [ModelOutput], batch: Int, model: String) throws {
    self.path = path
    vector = path.lowercased().hasSuffix(".npy") ? try NPYArray(contentsOf: path).values : nil
    let floats = outputs.filter { $0.info.elementType.isFloatingPoint && $0.info.shape.count > 0 }
    let count = vector?.count
    guard let output = floats.first(where: { count == nil || $0.info.shape.count == count! * batch }) else {
      let shapes = floats.map { "'\($0.name)' \($0.info.shape)" }.joined(separator: ", ")
      throw GradCAMError(
        .badData, at: path, problem: "has \(count ?? 0) numbers, as no output of \(model) has: \(shapes)",
        advice: "save what the model gives for another picture, or name the picture itself")
    }
    self.output = output.value
  }

  /// The similarity to it.
  func similarity(_ explainer: Explainer) throws -> CosineSimilarity {
    if let vector { return try CosineSimilarity(to: vector, from: path) }
    let image = try explainer.prepare(contentsOf: path)
    _ = try explainer.classify(image, count: 0)
    return try CosineSimilarity(to: explainer.session.contents, from: path)
  }
}
