import Graph

/// An image that a model ran on, with the values that answer questions about it.
///
/// Questions are about a focus. Those about the original focus are answered fastest; the first other question runs the
/// model once more, keeping all values. Several observations of a model may exist and be used by several threads, each
/// by one thread at a time.
public final class Observation {
  /// The model, planned.
  public let planner: ModelPlanner
  /// The image.
  public let image: PreparedImage
  /// The focus of the questions.
  public let focus: Focus
  private let passes: ObservedPasses
  /// The tails of values that methods change.
  private var tails: [ValueID: Tail] = [:]
  /// The planner for changes to the image: places of what the network selects stay those of the same things, while the
  /// scores of classes are what the network would make of the change.
  private(set) lazy var plannerForChanges = Result { () throws -> ModelPlanner in
    guard focus.explainsBoxes || !explainsClassScores else { return planner }
    return try planner.holdingSelections(before: focus.explained) { try tensor(of: $0) }
  }

  /// The elements of the explained value.
  public let contents: [Float]

  /// The model.
  public var model: Model { planner.model }
  /// The taps.
  public var taps: [NodeCatalogue.Match] {
    image.place == 0 ? focus.taps : focus.taps.map { $0.showing(image: image.place) }
  }

  /// Where the elements of a value lie in the picture; nil if it is not a feature map.
  func layout(of value: ValueID) -> FeatureMapLayout? {
    focus.catalogue.layout(of: value)?.showing(image: image.place)
  }

  /// The images of the run, of which one is explained.
  var images: ImageBatch { ImageBatch(count: model.imageShape.batch, place: image.place) }

  /// The images that the explained value is divided among.
  var explainedImages: ImageBatch { focus.images(of: image, in: model) }

  private init(_ planner: ModelPlanner, _ image: PreparedImage, _ focus: Focus, _ passes: ObservedPasses) throws {
    (self.planner, self.image, self.focus, self.passes) = (planner, image, focus, passes)
    let images = focus.images(of: image, in: planner.model)
    contents = try passes.executor(keeping: focus.explained).elements(of: focus.explained, images)
  }

  /// Runs a model on an image.
  ///
  /// - Parameters:
  ///   - focus: what is asked about.
  ///   - isOpen: whether questions about other nodes and values are expected, too.
  ///
  /// Throws `badData` if the tensor does not have the planned shape.
  public convenience init(
    _ planner: ModelPlanner, _ image: PreparedImage, _ focus: Focus, isOpen: Bool = true
  ) throws {
    let passes = try ObservedPasses(planner, image, expecting: isOpen ? nil : focus)
    try self.init(planner, image, focus, passes)
  }

  /// The same image with another focus.
  public func focused(on focus: Focus) throws -> Observation { try Observation(planner, image, focus, passes) }

  /// The same image, asked at the taps that a target is about.
  ///
  /// The places of taps differ from those of this observation if a detector reads boxes from several of them.
  public func narrowed(to target: any Target) throws -> Observation {
    var narrowed = focus.narrowed(to: target)
    let maps = narrowed.taps.filter { $0.part?.query == .auto }
    if maps.count > 1, target.boxes != nil, target.boxes?.sources == nil {
      // The box is read from the last map that changes its score.
      let executor = try walk(from: target, to: maps.map(\.value))
      let last = maps.last { executor.withGradient(of: $0.value) { $0.contains { $0 != 0 } } }
      narrowed = narrowed.keeping { $0.part?.query != .auto || $0.value == (last ?? maps.last!).value }
    }
    return narrowed.taps.count == focus.taps.count ? self : try focused(on: narrowed)
  }

  /// Another image with the same focus, for which the network selects what it selects for this one.
  func sibling(_ tensor: Tensor) throws -> Observation {
    try Observation(plannerForChanges.get(), image.with(tensor), focus, isOpen: false)
  }

  /// The same image, by the same network with every fused attention taken apart; itself if none is fused.
  func takingAttentionApart() throws -> Observation {
    let apart = try planner.takingAttentionApart()
    guard apart !== planner else { return self }
    return try Observation(apart, image, apart.focus(on: explained))
  }

  var forwardStepCount: Int { passes.forwardStepCount }

  // MARK: Values

  /// The contents of a value, of all images of the run.
  func tensor(of value: ValueID) throws -> Tensor { try passes.executor(keeping: value).contents(of: value) }

  /// The elements of a value, of one image.
  func elements(of value: ValueID) throws -> [Float] {
    let executor = try passes.executor(keeping: value)
    return executor.elements(of: value, images.dividing(executor.plan.infos[value]!.shape))
  }

  /// Whether the model's scores are one number per class.
  public var hasClassScores: Bool { focus.catalogue.hasClassScores }

  /// The number of classes that the model scores, for the image or for each position; 0 if it scores none.
  public var classCount: Int { focus.catalogue.classCount }

  /// Whether targets are computed from the class scores.
  var explainsClassScores: Bool {
    hasClassScores && focus.explained == model.head.logits
      && explainedImages.count == images.dividing(focus.explainedInfo.shape).count
  }

  /// Whether elements of the explained value belong to places of the picture.
  var explainsPlaces: Bool { focus.catalogue.dimensions[focus.explained]?.contains(where: \.isSpatial) ?? false }

  /// The raw scores, as `ScoreHead` reads them; empty if they are not one number per class.
  public var logits: [Float] {
    get throws { try !hasClassScores ? [] : explainsClassScores ? contents : elements(of: model.head.logits) }
  }

  /// The model's first output, or the one that the user named.
  ///
  /// Throws why it cannot be computed.
  public var output: Tensor { get throws { try model.located { try tensor(of: model.savedOutput) } } }

  // MARK: Gradients

  /// Activation and gradient at every tap.
  ///
  /// - Parameter target: a number computed from the explained value.
  ///
  /// Throws what the target throws.
  public func taps(of target: any Target) throws -> [Tap] {
    let executor = try walk(from: target, to: taps.map(\.value))
    return taps.map { executor.tap($0.value, $0.layout!) }
  }

  /// Walks back from a target and visits each tap with activation and gradient, to have few in memory at a time if the
  /// focus says so.
  ///
  /// - Parameter visit: receives the index of a tap, and the tap.
  func visit(_ target: any Target, _ visit: (Int, Tap) throws -> Void) throws {
    guard focus.visitsTaps, passes.expected?.key == planner.key(focus) else {
      for (index, tap) in try taps(of: target).enumerated() { try visit(index, tap) }
      return
    }
    try passes.visit(seed: seed(target)) { value, executor in
      for index in taps.indices where taps[index].value == value {
        try visit(index, executor.tap(value, taps[index].layout!))
      }
    }
  }

  /// Walks back from a target to some values; the result holds contents and gradients there until the next walk.
  func walk(
    from target: any Target, to values: [ValueID], by rule: BackwardRule = .gradient
  ) throws -> Executor {
    try passes.walk(from: focus.explained, seed: seed(target), to: values, by: rule)
  }

  /// The first image input, with what arrives there by a rule that shares out contributions in place of the gradient:
  /// its relevance, or its multipliers.
  ///
  /// - Parameter references: other tensors for the input, as many as the rule compares it with.
  ///
  /// Throws `unsupported` naming a node whose operator has no such rule.
  func share(of target: any Target, by rule: BackwardRule, comparing references: [Tensor] = []) throws -> Tap {
    let input = model.imageInput, planner = try plannerForChanges.get()
    let gradient = try target.gradient(contents)
    // Relevance starts as what each element contributes to the target.
    let start = if case .relevance = rule { zip(gradient, contents).map { $0 * $1 } } else { gradient }
    return try model.located {
      let run = try planner.run(
        PlanKey(taps: [input], target: focus.explained, rule: rule, reusesWeights: planner.reusesWeights))
      defer { planner.recycle(run) }
      try run.executor.set(model, to: image)
      for (copy, tensor) in zip(run.executor.plan.request.references, references) {
        try run.executor.set(copy.values[input]!, to: tensor)
      }
      try run.executor.forward()
      try run.executor.backward(seed: explainedImages.seed(padding: start))
      return run.executor.tap(input, layout(of: input)!)
    }
  }

  /// The gradient of a target with respect to the explained value, padded for all images of the run.
  func seed(_ target: any Target) throws -> [Float] {
    explainedImages.seed(padding: try target.gradient(contents))
  }

  // MARK: Changes

  /// The tail of a value, kept for many runs.
  func tail(after value: ValueID) throws -> Tail {
    if let known = tails[value] { return known }
    let tail = try Tail(after: value, of: self, roundsLittle: false)
    tails[value] = tail
    return tail
  }

  // MARK: Reports

  func nonFiniteSource(_ target: any Target) throws -> NonFiniteSource {
    guard !focus.visitsTaps else { return .unknown }
    if image.tensor.elementType.storage == .float32, image.tensor.floats.contains(where: { !$0.isFinite }) {
      return .image
    }
    let seed = try seed(target)
    return try withNewRun { try $0.nonFiniteOrigin(seed: seed) }.map { .node(model.describe($0), $0) } ?? .method
  }

  /// The time of every step, including the walk back from a target if one is given.
  public func profile(_ target: (any Target)?) throws -> [Executor.StepTiming] {
    let seed = try target.map(seed)
    return try withNewRun { try $0.profile(seed: seed) }
  }

  /// Calls `body` with an executor for the focus that was given the image but did not run yet.
  private func withNewRun<Result>(_ body: (Executor) throws -> Result) throws -> Result {
    let run = try planner.run(planner.key(focus))
    defer { planner.recycle(run) }
    try run.executor.set(model, to: image)
    return try body(run.executor)
  }
}

extension Executor {
  /// The elements of a value, of the explained image.
  fileprivate func elements(of value: ValueID, _ images: ImageBatch) -> [Float] {
    guard plan.infos[value]?.elementType.storage == .float32 else {
      return Array(images.one(of: contents(of: value).floats))
    }
    return withElements(of: value) { Array(images.one(of: $0)) }
  }

  /// Activation and gradient at a value.
  func tap(_ value: ValueID, _ layout: FeatureMapLayout) -> Tap {
    Tap(
      channels: layout.channels, size: layout.size,
      activation: withElements(of: value, layout.gather), gradient: withGradient(of: value, layout.gather))
  }
}
