import Graph

/// Explains images: a planned model, a focus, labels, preprocessing and the library to follow.
public struct Explainer: Sendable {
  /// The model, planned for pictures of each size that it was given.
  let planners: ModelPlanners
  /// What is asked of images.
  let question: Question
  /// What is explained of them.
  public let target: PlannedTarget
  /// Where to look.
  public let focus: Focus
  /// The names of the classes.
  public let labels: Labels
  /// The names that the user gave, if any.
  let givenLabels: Labels?
  /// How pictures are preprocessed.
  public var preprocessing: Preprocessing { decided.preprocessing }
  private(set) var decided: DecidedPreprocessing
  /// The library to follow in formulas and drawing.
  public private(set) var compatibility: Compatibility
  /// What was assumed about the model because neither its file nor the user specified it.
  public let warnings: [Warning]
  /// What the user chose about methods.
  public var settings = MethodSettings()

  /// The model, planned for pictures of the usual size.
  public var planner: ModelPlanner { planners.usual }
  /// The threads that compute explanations.
  public var pool: ThreadPool { planner.pool }

  /// The model.
  public var model: Model { planner.model }

  /// What is asked of images, whatever their size.
  struct Question: Sendable {
    var request = TargetRequest()
    /// Names as `NodeCatalogue.matches` takes them; empty means `auto`.
    var nodes: [String] = []
    /// What the dimensions of the nodes' tensors are, if the graph does not say.
    var hint = FeatureMapHint()
    /// Whether the nodes are visited one after another.
    var visitsNodes = false

    /// What is explained, and where to look, as a model is planned.
    ///
    /// - Parameter labels: the names of the classes; nil means what the model's file says.
    func planned(by planner: ModelPlanner, labels: Labels?) throws -> (PlannedTarget, Focus) {
      let target = try PlannedTarget(request, by: planner, labels: labels)
      let focus = try target.planner.focus(
        explaining: target.explained, keeping: target.kept, nodes: nodes, hint: hint, reading: target.boxSources,
        visitsTaps: visitsNodes, explainsAllImages: target.explainsAllImages)
      return (target, focus)
    }
  }

  /// Plans a model for explanations.
  ///
  /// - Parameters:
  ///   - request: what is explained.
  ///   - nodes: names as `NodeCatalogue.matches` takes them; empty means `auto`.
  ///   - hint: what the dimensions of the nodes' tensors are, if the graph does not say.
  ///   - preprocessing: nil means what the model's file and those beside it say, else ImageNet's with a warning.
  ///   - inputSize: the size of the network's input, if the model leaves it open and `preprocessing` is nil.
  ///   - labels: nil means those of the model's metadata, else `no` and `yes` for a single score, else ImageNet's for
  ///     1,000 classes with a warning.
  ///   - inputs: contents of inputs other than images, by name.
  ///   - picture: the name of the image input that `auto` is about; nil means the first.
  ///   - threadCount: the threads to run on; nil means one per core.
  ///   - reusesWeights: whether many images follow, so that packing weights pays off.
  ///   - visitsNodes: whether the nodes are visited one after another, which takes less memory but allows
  ///     only `sweep` by methods that need nothing but the tap.
  ///   - example: prepares the first image, for a model whose extents depend on images; without it, such a model can be
  ///     asked only about what is known before it runs.
  ///
  /// Throws what `PlannedTarget`, `ModelPlanner` and its `focus` throw, and what planning throws.
  public init(
    _ model: Model, explaining request: TargetRequest = TargetRequest(), nodes: [String] = [],
    hint: FeatureMapHint = FeatureMapHint(), preprocessing: DecidedPreprocessing? = nil, inputSize: PixelSize? = nil,
    labels: Labels? = nil, compatibility: Compatibility = .pytorchGradCAM, inputs: [String: Tensor] = [:],
    picture: String? = nil, threadCount: Int? = nil, reusesWeights: Bool = false, visitsNodes: Bool = false,
    example: ((Explainer) throws -> PreparedImage)? = nil
  ) throws {
    var asked = PreprocessingChoice()
    asked.size = inputSize
    let decided =
      try preprocessing
      ?? DecidedPreprocessing(asked, for: model, inputs: inputs.mapValues { ValueInfo($0) })
    let pool = ThreadPool(threadCount: threadCount), pictured = model.imageInputs.first { $0.name == picture }?.value
    var planners = try ModelPlanners(decided) { size in
      try ModelPlanner(
        model, inputSize: size, inputs: inputs, otherSizes: decided.others.mapValues(\.inputSize),
        pictured: pictured, pool: pool, reusesWeights: reusesWeights)
    }
    if let example, try planners.usual.dependsOnData {
      planners = try planners.deciding(for: example(Explainer(planners, decided, labels, compatibility, Question())))
    }
    try self.init(
      planners, decided, labels, compatibility,
      Question(request: request, nodes: nodes, hint: hint, visitsNodes: visitsNodes))
    _ = try planner.plan(planner.key(focus))
  }

  /// The same model with plans, weights and memory, asked what a request says, to be asked of open observations.
  ///
  /// - Parameters:
  ///   - request: what is explained.
  ///   - nodes: as for the initialiser.
  ///   - hint: as for the initialiser.
  ///   - compatibility: nil means as before.
  ///   - visitsNodes: as for the initialiser; then observations that are not open are asked.
  ///
  /// Throws what `PlannedTarget`, `ModelPlanner.focus` and `TargetChoice` throw.
  public func asking(
    _ request: TargetRequest, nodes: [String] = [], hint: FeatureMapHint = FeatureMapHint(),
    compatibility: Compatibility? = nil, visitsNodes: Bool = false
  ) throws -> (Explainer, TargetChoice) {
    var asking = try Explainer(
      planners, decided, givenLabels, compatibility ?? self.compatibility,
      Question(request: request, nodes: nodes, hint: hint, visitsNodes: visitsNodes))
    asking.settings = settings
    return (asking, try TargetChoice(of: asking))
  }

  /// The same explainer, planned for the extents that the model has for an image; itself if they depend on none.
  ///
  /// - Parameter image: prepares the image, if it is needed.
  ///
  /// Throws what preparing, planning and running throws.
  public func deciding(for image: () throws -> PreparedImage) throws -> Explainer {
    try dependsOnData ? deciding(planners.deciding(for: image())) : self
  }

  /// The same explainer, planned for the extents that the model has for the image of an observation; itself if they
  /// depend on none.
  ///
  /// Throws what planning throws.
  public func deciding(by observation: Observation) throws -> Explainer {
    try observation.planner.isDecided ? deciding(planners.deciding(by: observation.planner)) : self
  }

  private func deciding(_ planners: ModelPlanners) throws -> Explainer {
    var deciding = try Explainer(planners, decided, givenLabels, compatibility, question)
    deciding.settings = settings
    return deciding
  }

  /// Whether what the model returns has extents that depend on the image.
  public var dependsOnData: Bool { get throws { try planners.undecided.dependsOnData } }

  /// Whether an open observation of a picture can be asked for the maps of all nodes at once, for its memory.
  ///
  /// Throws what planning throws.
  package var fitsMemoryOpen: Bool { get throws { try planner.fitsMemoryOpen(focus) } }

  /// Frees the memory that is kept for the next images.
  package func freeIdleMemory() { planners.freeIdleMemory() }

  /// What is explained, as it lies in the values of an observation.
  func target(of observation: Observation) throws -> PlannedTarget {
    observation.planner === planner
      ? target : try PlannedTarget(question.request, by: observation.planner, labels: givenLabels)
  }

  private init(
    _ planners: ModelPlanners, _ decided: DecidedPreprocessing, _ givenLabels: Labels?,
    _ compatibility: Compatibility, _ question: Question
  ) throws {
    (self.decided, self.givenLabels, self.question) = (decided, givenLabels, question)
    self.compatibility = compatibility
    (target, focus) = try question.planned(by: planners.usual, labels: givenLabels)
    self.planners = planners.adding(target.added)
    let model = self.planners.usual.model
    let (usual, isAssumed) = Labels.known(of: model, focus.catalogue)
    labels = givenLabels ?? usual
    var warnings = decided.warnings
    if givenLabels == nil { warnings += Self.warnings(aboutLabelsOf: model, areAssumed: isAssumed) }
    if target.explained == nil {
      warnings += try Self.warnings(aboutScores: focus, of: model, labels, areGiven: givenLabels != nil)
    }
    if focus.takesImagesTogether(in: model) { warnings.append(.imageRepeated(model.imageShape.batch)) }
    self.warnings = warnings + target.warnings
  }

  /// The same explainer with the settings and the library of an explanation, to make another one in the same way.
  func following(_ explanation: Explanation) -> Explainer {
    var explainer = self
    (explainer.settings, explainer.compatibility) = (explanation.settings, explanation.drawing.compatibility)
    return explainer
  }

  /// The same explainer with another preprocessing, for the same size of the input.
  public func preparing(by decided: DecidedPreprocessing) -> Explainer {
    var explainer = self
    explainer.decided = decided
    return explainer
  }

  private static func warnings(aboutLabelsOf model: Model, areAssumed: Bool) -> [Warning] {
    var warnings: [Warning] = []
    if areAssumed {
      warnings.append(
        Warning(
          code: .labelsAssumed,
          text: "the file does not name its classes; with 1,000 of them ImageNet's are assumed; "
            + "give \(.labels, as: "FILE")"))
    }
    if model.metadata.takesNeighboursLabels, let neighbour = model.metadata.huggingFace {
      warnings.append(.read("the names of the classes are", from: neighbour.files))
    }
    return warnings
  }

  private static func warnings(
    aboutScores focus: Focus, of model: Model, _ labels: Labels, areGiven: Bool
  ) throws -> [Warning] {
    let labelCount = labels.names.count, classCount = focus.catalogue.classCount
    guard classCount > 0 else { return [] }
    var warnings = model.head.warnings(model.graph)
    guard labelCount != classCount else { return warnings }
    if model.head.evidence == .none {
      warnings.append(
        .scoresAssumed(
          model.graph.values[model.head.output].name, count: focus.catalogue.isBinary ? 1 : classCount,
          isExplainedItself: isMeasurement(focus, labels)))
    }
    guard labelCount > 0 else { return warnings }
    guard !areGiven else {
      throw GradCAMError(
        .badData, at: "\(.labels, labels.path ?? "")",
        problem: "names \(labelCount) classes, but the model has \(classCount)",
        advice: "give the names of all classes, in the model's order")
    }
    warnings.append(
      Warning(
        code: .labelsCount,
        text: "there are \(labelCount) labels for \(classCount) classes; "
          + "give \(.labels) a file with one line per class, in the model's order"))
    return warnings
  }

  private static func isMeasurement(_ focus: Focus, _ labels: Labels) -> Bool {
    focus.catalogue.isMeasurement && labels.names.isEmpty
  }

  /// Whether the model's scores are one number for each image of which nothing says that it is a score: neither an
  /// operator, nor a name, nor labels of a no and a yes.
  var explainsMeasurement: Bool { Self.isMeasurement(focus, labels) }

  /// Throws `unsupported` if the model does not give an image the scores of classes.
  public func checkClasses() throws {
    guard focus.catalogue.hasClassScores, !explainsMeasurement else { throw planner.noClassScores(focus) }
  }

  private var knowsProbabilities: Bool {
    model.head.evidence > .none || focus.catalogue.classCount > 4 || labels.names.count == focus.catalogue.classCount
  }

  /// Whether the network takes several images together to compute what is explained, such as the frames of a film.
  public var takesImagesTogether: Bool { focus.takesImagesTogether(in: model) }

  /// Works on many images: one per thread while there are enough of them, the rest with all threads together.
  ///
  /// Results are bit for bit those of one image after another.
  /// - Parameters:
  ///   - count: how many there are; nil if that is not known, or if they are many.
  ///   - next: gives the next image, nil after the last; called one at a time.
  ///   - work: computes the result of an image; called for several at a time.
  ///   - deliver: receives the results in the images' order, one at a time; few are held back.
  ///
  /// Throws the first error of `deliver`, after which nothing more is delivered; else that of `next`, once all images
  /// before it are delivered.
  package func explainMany<Image, Result>(
    count: Int?, next: () throws -> Image?, work: (Image) -> Result, deliver: (Image, Result) throws -> Void
  ) throws {
    let threads = planner.pool.threadCount
    var together =
      try threads > 1 && planner.fitsMemory(threads, focus) ? count.map { $0 / threads * threads } ?? .max : 0
    if together > 0 {
      try OrderedWork.run(places: threads, on: planner.pool) {
        guard together > 0 else { return nil }
        together -= 1
        return try next()
      } work: { image, _ in
        work(image)
      } deliver: {
        try deliver($0, $1)
      }
    }
    while let image = try next() { try deliver(image, work(image)) }
  }

  /// The same, of images by their numbers below `count`.
  public func explainMany<Result>(
    _ count: Int, work: (_ index: Int) -> Result, deliver: (_ index: Int, Result) throws -> Void
  ) throws {
    var taken = 0
    try explainMany(count: count) {
      guard taken < count else { return nil }
      defer { taken += 1 }
      return taken
    } work: {
      work($0)
    } deliver: {
      try deliver($0, $1)
    }
  }

  /// The `count` most probable classes of an image, best first; none if the model gives no class scores.
  public func classes(of observation: Observation, count: Int) throws -> [ScoredClass] {
    explainsMeasurement ? [] : classes(of: try observation.logits, count: count)
  }

  /// The `count` most probable classes by raw scores, best first.
  func classes(of logits: [Float], count: Int) -> [ScoredClass] {
    Array(scoredClasses(logits).sorted { ($1.logit, $0.index) < ($0.logit, $1.index) }.prefix(count))
  }

  /// The classes in their order, with their scores.
  func scoredClasses(_ logits: [Float]) -> [ScoredClass] {
    let scores = model.head.classScores(logits), probabilities = model.head.probabilities(logits)
    return scores.indices.map { index in
      ScoredClass(
        index: index, label: labels[index], logit: scores[index],
        probability: probabilities[index], hasMeaningfulProbability: knowsProbabilities)
    }
  }

  /// The shape of the explained value, for one image unless all are explained together.
  func explainedShape(_ focus: Focus) -> Shape {
    let shape = focus.explainedInfo.shape
    return focus.explainsAllImages ? shape : model.imageShape.images.shapeOfOne(shape)
  }
}

// MARK: Maps

extension Explainer {
  /// Explains a class of an image, at every tap by every method.
  ///
  /// Throws `usage` if the class or a method does not exist.
  public func explain(
    classIndex: Int, of observation: Observation, methods: [String] = ["gradcam"], score: ScoreKind = .logit,
    fusion: Fusion? = nil, smoothing: Set<Smoothing> = [], skipsUnsupported: Bool = false
  ) throws -> [Explanation] {
    try explain(
      target(classIndex: classIndex, score: score), of: observation, methods: methods, fusion: fusion,
      smoothing: smoothing, skipsUnsupported: skipsUnsupported)
  }

  /// Explains a target of an image, at every tap by every method.
  ///
  /// - Parameters:
  ///   - target: a number computed from the value that the observation is focused on.
  ///   - fusion: how the maps of all taps become one; nil for one map per tap.
  ///   - skipsUnsupported: whether a method that cannot do a tap or target is skipped, with a warning in the others.
  ///   - progress: receives the fraction done, from 0 to 1; what it throws ends the work.
  ///
  /// Throws `usage` if a method does not exist, `unsupported` if a method does not support the request.
  public func explain(
    _ target: any Target, of observation: Observation, methods: [String] = ["gradcam"], fusion: Fusion? = nil,
    smoothing: Set<Smoothing> = [], skipsUnsupported: Bool = false,
    progress: @escaping (Double) throws -> Void = { _ in }
  ) throws -> [Explanation] {
    try explainByNode(
      target, of: observation, methods: methods, fusion: fusion, smoothing: smoothing,
      skipsUnsupported: skipsUnsupported
    ) { part, _ in try progress(part) }.flatMap { $0 }
  }

  /// The same, node by node; explanations of all nodes together, or of the whole network, come with the first.
  package func explainByNode(
    _ target: any Target, of observation: Observation, methods: [String], fusion: Fusion?, smoothing: Set<Smoothing>,
    skipsUnsupported: Bool, progress: @escaping (Double, _ method: String) throws -> Void
  ) throws -> [[Explanation]] {
    let observation = try observation.narrowed(to: target)
    let methods = try methods.map(method)
    var runner = MethodRunner(
      explainer: self, target: target, observation: observation, places: Array(observation.taps.indices),
      taps: try observation.taps(of: target), methods: methods, fusion: fusion, smoothing: smoothing)
    try runner.makeMaps(skipsUnsupported: skipsUnsupported, progress: progress)
    return try runner.explanations(tellsIgnoredNodes: !question.nodes.isEmpty && !skipsUnsupported)
  }

  /// Explains a target of an image at every tap by one method, tap after tap.
  ///
  /// The explanations do not hold activations, so that few are in memory twice. If the explainer visits nodes, each is
  /// explained when the gradient reaches it.
  ///
  /// - Parameter progress: receives the fraction done, from 0 to 1; what it throws ends the work.
  ///
  /// Throws what `explain` throws, and `defect` if the explainer visits nodes and the method needs more than the tap.
  public func sweep(
    _ target: any Target, of observation: Observation, method name: String,
    progress: @escaping (Double) throws -> Void = { _ in }
  ) throws -> [Explanation] {
    let observation = try observation.narrowed(to: target)
    let method = try method(name)
    guard !observation.focus.visitsTaps || method.method is any TapMethod else {
      throw GradCAMError(.defect, at: "\(.method, name)", problem: "needs more than the taps of visited nodes")
    }
    var found = [[Explanation]](repeating: [], count: observation.taps.count), done = 0.0
    let share = 1 / Double(found.count)
    try observation.visit(target) { place, tap in
      var runner = MethodRunner(
        explainer: self, target: target, observation: observation, places: [place], taps: [tap], methods: [method])
      let before = done
      try runner.makeMaps(skipsUnsupported: false) { part, _ in try progress((before + part) * share) }
      done += 1
      try progress(done * share)
      found[place] = try runner.explanations(tellsIgnoredNodes: false)[0].map(\.withoutTap)
    }
    return found.flatMap { $0 }
  }

  /// The number of explanations of a target by some methods.
  ///
  /// Throws `usage` if a method does not exist.
  public func mapCount(of methods: [String], fusion: Fusion? = nil) throws -> Int {
    try methods.reduce(0) { count, name in
      let method = try method(name).method
      return count
        + (method.scope == .node && fusion == nil ? focus.mapCount : 1)
        * ((method as? any ConceptMethod)?.conceptCount ?? 1)
    }
  }

  private func method(_ name: String) throws -> NamedMethod {
    try NamedMethod(
      name: name, method: model.registry.method(named: name, following: compatibility, settings: settings))
  }
}
