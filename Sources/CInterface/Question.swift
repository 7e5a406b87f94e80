import CGradCAM
import GradCAM
import Graph

/// Answers requests about images of a model.
struct Asker {
  let explainer: Explainer
  /// The node that is explained unless others are asked for.
  private let node: String
  /// What inputs that take no image are given, by name.
  private let inputs: [String: Tensor]
  /// The libraries of operators, methods and targets.
  private let plugins: [String]

  init(_ explainer: Explainer, node: String, inputs: [String: Tensor], plugins: [String]) {
    (self.explainer, self.node, self.inputs, self.plugins) = (explainer, node, inputs, plugins)
  }

  /// One for a model whose extents depend on the image of an observation.
  func deciding(by observation: Observation) throws -> Asker {
    try asking(explainer.deciding(by: observation))
  }

  /// One for the same model, decided for an image.
  func asking(_ decided: Explainer) -> Asker { Asker(decided, node: node, inputs: inputs, plugins: plugins) }

  /// Plans what a request asks for.
  func asking(_ question: Question) throws -> AskedQuestion {
    var (asking, choice) = try explainer.asking(
      question.target, nodes: nodes(of: question), hint: question.hint,
      compatibility: question.compatibility)
    asking.settings = question.settings
    asking.settings.baseline = try question.baseline.baseline(for: asking)
    return AskedQuestion(question: question, explainer: asking, choice: choice, asker: self)
  }
}

extension Asker {
  /// What decides the maps of an explainer that asks on its behalf.
  func configuration(of asking: Explainer) -> Configuration {
    Configuration(of: asking, inputs: inputs, files: ["plugins": plugins])
  }

  /// The same for a question that nothing plans, because no image is there that it could be asked of.
  ///
  /// Throws what reading the baseline's pictures throws.
  func configuration(of question: Question) throws -> Configuration {
    var explainer = explainer
    explainer.settings = question.settings
    explainer.settings.baseline = try question.baseline.baseline(for: explainer)
    return Configuration(
      of: explainer, asking: question.target, nodes: nodes(of: question), hint: question.hint,
      compatibility: question.compatibility, inputs: inputs, files: ["plugins": plugins])
  }

  private func nodes(of question: Question) -> [String] { question.nodes.isEmpty ? [node] : question.nodes }
}

/// A request, and what answers it.
struct AskedQuestion {
  let question: Question
  let explainer: Explainer
  let choice: TargetChoice
  let asker: Asker

  /// What decides its maps; costs reading the model's files once.
  var configuration: Configuration { asker.configuration(of: explainer) }

  /// What makes the rows of an image; nil for one without a name.
  func rows(of image: NamedImage?) -> RowMaker? {
    image.map { RowMaker(image: $0, model: explainer.model, configuration: configuration) }
  }

  /// The maps of an image, for each target.
  ///
  /// - Parameters:
  ///   - observation: one of `explainer`.
  ///   - rows: makes the rows of the image.
  ///   - report: receives the fraction done, and throws to end the work.
  func explanations(
    of observation: Observation, rows: RowMaker?, report: @escaping (Double) throws -> Void
  ) throws -> [ExplanationHandle] {
    let methods = question.methods.isEmpty ? [question.target.usualMethod] : question.methods
    let targets = try choice.targets(explainer, of: observation)
    var explanations: [Explanation] = []
    for (index, target) in targets.enumerated() {
      explanations += try explainer.explain(
        target, of: observation, methods: methods, fusion: question.fusion, smoothing: question.smoothing,
        skipsUnsupported: question.skipsUnsupported
      ) { part in try report((Double(index) + part) / Double(targets.count)) }
    }
    return explanations.map { ExplanationHandle($0, of: observation.image, by: explainer, rows: rows) }
  }
}

/// A caller's request, read.
struct Question {
  var nodes: [String]
  let methods: [String]
  let target: TargetRequest
  let fusion: Fusion?
  let smoothing: Set<Smoothing>
  let compatibility: Compatibility?
  let hint: FeatureMapHint
  let settings: MethodSettings
  let baseline: BaselineChoice
  let skipsUnsupported: Bool

  /// Throws `usage` for what cannot be read.
  init(_ request: gradcam_request) throws {
    func list(
      _ several: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int, _ name: String, or one: UnsafePointer<CChar>?
    ) throws -> [String] {
      let several = try texts(several, count, name), one = text(one)
      guard several.isEmpty || one == nil else {
        throw GradCAMError(.usage, at: "argument 'request'", problem: "has both one and several \(name)")
      }
      return one.map { [$0] } ?? several
    }
    nodes = try texts(request.nodes, request.node_count, "nodes")
    methods = try list(request.methods, request.method_count, "methods", or: request.method)
    fusion = try choice(request.fuse, "fuse")
    smoothing = Set(
      try texts(request.smooth, request.smooth_count, "smooth").map { name in
        try name.withCString { try choice($0, "smooth")! }
      })
    compatibility = try choice(request.compat, "compat")
    hint = FeatureMapHint(
      grid: try parsed(request.grid, "grid", "rows and columns, such as 14x14") { FeatureMapHint.Grid($0) },
      channels: try choice(request.channel_axis, "channel_axis"), item: nil)
    var settings = MethodSettings()
    func count(_ given: Int32, _ name: String, upTo limit: Int, _ setting: WritableKeyPath<MethodSettings, Int>) throws
    {
      guard (0...limit).contains(Int(given)) else {
        throw GradCAMError(.usage, at: name, problem: "is \(given)", advice: "use 1 to \(limit)")
      }
      if given != 0 { settings[keyPath: setting] = Int(given) }
    }
    try count(request.concept_count, "concept_count", upTo: MethodSettings.largestConceptCount, \.conceptCount)
    try count(request.step_count, "step_count", upTo: MethodSettings.largestStepCount, \.steps)
    try count(request.mask_count, "mask_count", upTo: MethodSettings.largestMaskCount, \.maskCount)
    settings.window = try parsed(request.window, "window", "extents, such as 32x32") { PixelSize($0) }
    settings.stride = try parsed(request.stride, "stride", "extents, such as 16x16") { PixelSize($0) }
    settings.isSigned = request.is_signed != 0
    self.settings = settings
    baseline = try BaselineChoice(texts(request.baselines, request.baseline_count, "baselines"))
    skipsUnsupported = request.skips_unsupported != 0
    var target = TargetRequest()
    target.classes = try list(request.classes, request.class_count, "classes", or: request.class_name)
    target.top = request.top == 0 ? nil : Int(request.top)
    target.score = request.of_probability != 0 ? .probability : .logit
    target.isCounterfactual = request.counterfactual != 0
    (target.contrast, target.elements) = (text(request.contrast), text(request.target))
    (target.mask, target.embedding) = (text(request.mask), text(request.embedding))
    target.detection = request.detection == 0 ? nil : Int(request.detection) - 1
    target.columns = try texts(request.columns, request.column_count, "columns")
    target.boxesOf = text(request.boxes_of)
    target.overlap = request.iou == 0 ? nil : request.iou
    self.target = target
  }
}

/// The caller's progress function.
struct Progress {
  private let function: (@convention(c) (UnsafeMutableRawPointer?, Double) -> Int32)?
  private let context: UnsafeMutableRawPointer?

  init(_ request: gradcam_request) { (function, context) = (request.progress, request.context) }

  /// Reports the fraction done.
  ///
  /// Throws `Cancelled` if the caller ends the work.
  func report(_ fraction: Double) throws {
    if let function, function(context, fraction) != 0 { throw Cancelled() }
  }
}
