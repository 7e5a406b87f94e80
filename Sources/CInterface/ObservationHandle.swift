import CGradCAM
import GradCAM
import Graph

/// The object that an observation's handle refers to.
final class ObservationHandle: HeldObject, @unchecked Sendable {
  private let observation: Observation
  private let explainer: Explainer
  /// The node that is explained unless others are asked for.
  private let node: String

  /// - Parameter observation: an open one.
  init(_ observation: Observation, _ explainer: Explainer, node: String) {
    (self.observation, self.explainer, self.node) = (observation, explainer, node)
  }

  /// The most probable classes.
  func classes(_ count: Int) throws -> [gradcam_class] {
    try explainer.classes(of: observation, count: count).map { gradcam_class($0, memory) }
  }

  /// The maps that answer a request.
  func ask(_ request: gradcam_request) throws -> ExplanationList {
    let question = try Question(request)
    let (explainer, observation, targets) = try focused(on: question)
    let methods = question.methods.isEmpty ? ["gradcam"] : question.methods
    let progress = Progress(request)
    var explanations: [Explanation] = []
    for (index, target) in targets.enumerated() {
      explanations += try explainer.explain(
        target, of: observation, methods: methods, fusion: question.fusion, smoothing: question.smoothing,
        skipsUnsupported: question.skipsUnsupported
      ) { part in try progress.report((Double(index) + part) / Double(targets.count)) }
    }
    return ExplanationList(explanations.map { ExplanationHandle($0, of: observation.image, by: explainer) })
  }

  /// A map at every node.
  func sweep(_ request: gradcam_request) throws -> ExplanationList {
    var question = try Question(request)
    if question.nodes.isEmpty {
      question.nodes = self.explainer.focus.catalogue.entries.filter(\.isMappable).map { "#\($0.index)" }
    }
    guard question.methods.count <= 1, question.fusion == nil, question.smoothing.isEmpty else {
      throw GradCAMError(
        .usage, at: "argument 'request'", problem: "asks gradcam_sweep for several methods, fused or smooth maps",
        advice: "use gradcam_ask for them")
    }
    let (explainer, observation, targets) = try focused(on: question), progress = Progress(request)
    var explanations: [Explanation] = []
    for (index, target) in targets.enumerated() {
      explanations += try explainer.sweep(target, of: observation, method: question.methods.first ?? "gradcam")
      try progress.report(Double(index + 1) / Double(targets.count))
    }
    return ExplanationList(explanations.map { ExplanationHandle($0, of: observation.image, by: explainer) })
  }

  /// One number for each of some maps of this image.
  func measure(_ explanations: [Explanation], by name: String, boxes: [PixelRectangle]) throws -> [Double] {
    let metric = try Metrics.named(name)
    return try explainer.measure(explanations, of: observation, by: [metric], boxes: boxes).map { $0[0] ?? .nan }
  }

  private func focused(on question: Question) throws -> (Explainer, Observation, [any Target]) {
    let planned = try PlannedTarget(
      question.target, in: explainer.model, size: explainer.planner.inputSize, labels: explainer.labels)
    var asking = try explainer.asking(
      planned, nodes: question.nodes.isEmpty ? [node] : question.nodes, hint: question.hint,
      compatibility: question.compatibility)
    asking.settings.conceptCount = question.conceptCount
    let observation = try asking.ask(observation)
    return (asking, observation, try TargetChoice(planned, of: asking).targets(asking, of: observation))
  }
}

/// A caller's request, read.
private struct Question {
  var nodes: [String]
  let methods: [String]
  let target: TargetRequest
  let fusion: Fusion?
  let smoothing: Set<Smoothing>
  let compatibility: Compatibility?
  let hint: FeatureMapHint
  let conceptCount: Int
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
    guard (0...64).contains(request.concept_count) else {
      throw GradCAMError(.usage, at: "concept_count", problem: "is \(request.concept_count)", advice: "use 1 to 64")
    }
    conceptCount = request.concept_count == 0 ? MethodSettings().conceptCount : Int(request.concept_count)
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
    self.target = target
  }
}

/// The caller's progress function.
private struct Progress {
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

/// The object that a handle of several explanations refers to.
final class ExplanationList: HeldObject, @unchecked Sendable {
  let explanations: [ExplanationHandle]

  init(_ explanations: [ExplanationHandle]) { self.explanations = explanations }
}

/// Closes an observation, as the header says.
@c @implementation
public func gradcam_close_observation(_ observation: OpaquePointer!) {
  Handles.remove(observation, ObservationHandle.self)
}

/// Gives the best classes, as the header says.
@c @implementation
public func gradcam_get_classes(
  _ observation: OpaquePointer!, _ classes: UnsafeMutablePointer<gradcam_class>!, _ capacity: Int,
  _ count: UnsafeMutablePointer<Int>!
) -> gradcam_status {
  write(to: classes, capacity, count) { capacity in try use(observation) { try $0.classes(capacity) } }
}

/// Explains an image, as the header says.
@c @implementation
public func gradcam_ask(
  _ observation: OpaquePointer!, _ request: UnsafePointer<gradcam_request>!,
  _ explanations: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  answer(observation, request, explanations) { try $0.ask($1) }
}

/// Explains an image at all nodes, as the header says.
@c @implementation
public func gradcam_sweep(
  _ observation: OpaquePointer!, _ request: UnsafePointer<gradcam_request>!,
  _ explanations: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  answer(observation, request, explanations) { try $0.sweep($1) }
}

private func answer(
  _ observation: OpaquePointer?, _ request: UnsafePointer<gradcam_request>?,
  _ explanations: UnsafeMutablePointer<OpaquePointer?>?,
  by answer: (ObservationHandle, gradcam_request) throws -> ExplanationList
) -> gradcam_status {
  hand(to: explanations, "explanations") {
    let request = try read(request, "request", empty: gradcam_request()) ?? gradcam_request()
    return try use(observation) { try answer($0, request) }
  }
}

/// Closes the maps of a request, as the header says.
@c @implementation
public func gradcam_close_explanations(_ explanations: OpaquePointer!) {
  Handles.remove(explanations, ExplanationList.self)
}

/// Counts the maps of a request, as the header says.
@c @implementation
public func gradcam_count_explanations(
  _ explanations: OpaquePointer!, _ count: UnsafeMutablePointer<Int>!
) -> gradcam_status {
  status {
    let result = try required(count, "count")
    result.pointee = try Handles.use(explanations, "explanations", as: ExplanationList.self) { $0.explanations.count }
  }
}

/// Gives a map of a request, as the header says.
@c @implementation
public func gradcam_get_explanation(
  _ explanations: OpaquePointer!, _ index: Int, _ explanation: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  hand(to: explanation, "explanation") {
    try Handles.use(explanations, "explanations", as: ExplanationList.self) { list in
      try element(list.explanations, at: index, "maps")
    }
  }
}

/// Measures maps, as the header says.
@c @implementation
public func gradcam_measure(
  _ observation: OpaquePointer!, _ explanations: UnsafePointer<OpaquePointer?>!, _ count: Int,
  _ metric: UnsafePointer<CChar>!, _ boxes: UnsafePointer<Int32>!, _ box_count: Int,
  _ values: UnsafeMutablePointer<Double>!
) -> gradcam_status {
  status {
    let metric = String(cString: try required(metric, "metric"))
    guard count > 0 else { return }
    let handles = try required(explanations, "explanations")
    let maps = try (0..<count).map { index in
      try Handles.use(handles[index], "explanations[\(index)]", as: ExplanationHandle.self) { $0.explanation }
    }
    let corners = box_count > 0 ? try required(boxes, "boxes") : nil
    let rectangles = try (0..<max(0, box_count)).map { index in
      let numbers = (0..<4).map { Int(corners![4 * index + $0]) }
      guard numbers[2] > 0, numbers[3] > 0 else {
        throw GradCAMError(.usage, at: "boxes[\(index)]", problem: "has no width or no height")
      }
      return PixelRectangle(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    }
    let found = try use(observation) { try $0.measure(maps, by: metric, boxes: rectangles) }
    _ = try checkedBuffer(values, "values", capacity: count, needed: count).initialize(from: found)
  }
}

private func use<Result>(_ handle: OpaquePointer?, _ body: (ObservationHandle) throws -> Result) throws -> Result {
  try Handles.use(handle, "observation", as: ObservationHandle.self, body)
}
