import CGradCAM
import GradCAM
import Graph

/// The object that an observation's handle refers to.
final class ObservationHandle: HeldObject, @unchecked Sendable {
  private let observation: Observation
  private let asker: Asker
  private let name: NamedImage?

  /// - Parameter observation: an open one.
  init(_ observation: Observation, _ asker: Asker, _ name: NamedImage?) {
    (self.observation, self.asker, self.name) = (observation, asker, name)
  }

  /// The most probable classes.
  func classes(_ count: Int) throws -> [gradcam_class] {
    try asker.explainer.classes(of: observation, count: count).map { gradcam_class($0, memory) }
  }

  /// The maps that answer a request.
  func ask(_ request: gradcam_request) throws -> ExplanationList {
    let asked = try asker.deciding(by: observation).asking(Question(request)), progress = Progress(request)
    return try ExplanationList(
      asked.explanations(of: asked.explainer.ask(observation), rows: asked.rows(of: name), report: progress.report))
  }

  /// A map at every node.
  func sweep(_ request: gradcam_request) throws -> ExplanationList {
    var question = try Question(request)
    if question.nodes.isEmpty { question.nodes = ["all"] }
    guard question.methods.count <= 1, question.fusion == nil, question.smoothing.isEmpty else {
      throw GradCAMError(
        .usage, at: "argument 'request'", problem: "asks gradcam_sweep for several methods, fused or smooth maps",
        advice: "use gradcam_ask for them")
    }
    let asked = try asker.deciding(by: observation).asking(question), progress = Progress(request),
      explainer = asked.explainer
    let observation = try explainer.ask(observation)
    let targets = try asked.choice.targets(explainer, of: observation), rows = asked.rows(of: name)
    var explanations: [Explanation] = []
    for (index, target) in targets.enumerated() {
      explanations += try explainer.sweep(
        target, of: observation, method: question.methods.first ?? question.target.usualMethod)
      try progress.report(Double(index + 1) / Double(targets.count))
    }
    return ExplanationList(explanations.map { ExplanationHandle($0, of: observation.image, by: explainer, rows: rows) })
  }

  /// One number for each of some maps of this image.
  func measure(_ handles: [ExplanationHandle], by name: String, boxes: [PixelRectangle]) throws -> [Double] {
    let metric = try Metrics.named(name), explanations = handles.map(\.explanation)
    if metric.needsBoxes, boxes.isEmpty {
      throw GradCAMError(.usage, at: "metric '\(name)'", problem: "needs the boxes of the object", advice: "give boxes")
    }
    if let other = handles.firstIndex(where: { !$0.isOf(observation.image) }) {
      throw GradCAMError(.usage, at: "explanations[\(other)]", problem: "is of another image")
    }
    return try asker.explainer.measure(explanations, of: observation, by: [metric], boxes: boxes).map { $0[0] ?? .nan }
  }
}

/// The object that a handle of several explanations refers to: the maps of an image, or why it has none.
final class ExplanationList: HeldObject, @unchecked Sendable {
  private let result: Result<[ExplanationHandle], GradCAMError>
  private let rows: RowMaker?
  private let isOfImage: Bool

  init(_ explanations: [ExplanationHandle]) { (result, rows, isOfImage) = (.success(explanations), nil, true) }

  /// - Parameters:
  ///   - rows: makes the row of an image that has no maps.
  ///   - isRead: whether it could be read.
  ///
  /// Throws an error that is no `GradCAMError`.
  init(_ result: Result<[ExplanationHandle], any Error>, rows: RowMaker?, isRead: Bool) throws {
    self.rows = rows
    isOfImage =
      if case .failure(let error as GradCAMError) = result {
        isRead ? error.isAboutImage : error.kind != .usage
      } else {
        true
      }
    do {
      self.result = .success(try result.get())
    } catch let error as GradCAMError {
      self.result = .failure(error)
    }
  }

  /// Throws why the image has no maps.
  var explanations: [ExplanationHandle] { get throws { try result.get() } }

  /// The row that says so.
  ///
  /// Throws `usage` if it has maps, and the error if other images would have it, too.
  func errorRow() throws -> UnsafePointer<CChar> {
    guard case .failure(let error) = result else {
      throw GradCAMError(
        .usage, at: "argument 'explanations'", problem: "is of an image that did not fail",
        advice: "use gradcam_get_row for its maps")
    }
    guard isOfImage else { throw error }
    let row: String = try rows.required().row(error)
    return memory.string(row)
  }
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
    result.pointee = try Handles.use(explanations, "explanations", as: ExplanationList.self) {
      try $0.explanations.count
    }
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
      try Handles.use(handles[index], "explanations[\(index)]", as: ExplanationHandle.self) { $0 }
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
