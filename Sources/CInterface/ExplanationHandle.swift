import CGradCAM
import GradCAM
import Graph

/// The object that an explanation's handle refers to.
final class ExplanationHandle: HeldObject, @unchecked Sendable {
  let explanation: Explanation
  /// The network's input that it is of, as long as an observation has it.
  private weak var input: AnyObject?
  private let size: PixelSize
  /// The size of what is drawn in the usual style.
  private lazy var drawnSize: PixelSize = {
    let image = explanation.shown[0]
    guard image.picture == nil, !image.input.shape.takesPictures else { return size }
    return (try? drawn(gradcam_drawing()))?.size ?? size
  }()
  private let classIndex: Int
  private let label: String?
  private let warnings: [Warning]
  /// Nil for an image without a name.
  private let rows: RowMaker?
  /// The arrays lent to the caller, by their kinds.
  private var lent: [Int32: gradcam_array] = [:]

  init(_ explanation: Explanation, of image: PreparedImage, by explainer: Explainer, rows: RowMaker?) {
    (self.explanation, self.rows) = (explanation, rows)
    input = image.tensor.storage
    size = image.geometry.original
    classIndex = explanation.target.subject ?? -1
    label = explainer.labels[classIndex]
    let assumed = image.picture == nil ? explainer.warnings.aboutTensors : explainer.warnings
    warnings = assumed + explanation.warnings
  }

  deinit { lent.values.forEach { $0.values.deallocate() } }

  /// Whether it explains an image, not another one.
  func isOf(_ image: PreparedImage) -> Bool { input === image.tensor.storage }

  var info: gradcam_explanation_info {
    var info = gradcam_explanation_info()
    info.node = memory.string(explanation.node)
    info.method = memory.string(explanation.method)
    info.label = memory.string(label)
    info.class_index = Int32(clamping: classIndex)
    info.logit = explanation.scored?.logit ?? .nan
    info.probability = explanation.scored.map { $0.hasMeaningfulProbability ? $0.probability : .nan } ?? .nan
    info.score = explanation.score
    info.width = Int32(clamping: size.width)
    info.height = Int32(clamping: size.height)
    info.map_width = Int32(clamping: explanation.map.width)
    info.map_height = Int32(clamping: explanation.map.height)
    info.warning_count = Int32(clamping: warnings.count)
    info.tensor = memory.string(explanation.tensor)
    info.target = memory.string(explanation.target.description)
    info.channels = Int32(clamping: explanation.tap?.channels ?? 0)
    info.input_width = Int32(clamping: explanation.inputSize.width)
    info.input_height = Int32(clamping: explanation.inputSize.height)
    let seen = explanation.seen(size: size)
    (info.seen_x, info.seen_y) = (Int32(clamping: seen.x), Int32(clamping: seen.y))
    (info.seen_width, info.seen_height) = (Int32(clamping: seen.size.width), Int32(clamping: seen.size.height))
    info.concept_number = Int32(clamping: explanation.concept?.number ?? 0)
    info.is_empty = explanation.isEmpty ? 1 : 0
    if let box = explanation.detection?.place?.edges(in: explanation.geometry).map(Float.init) {
      info.has_box = 1
      info.box = (box[0], box[1], box[2], box[3])
    }
    info.axes = Int32(clamping: explanation.map.size.rank)
    (info.depth, info.map_depth) = (Int32(clamping: size.depth), Int32(clamping: explanation.map.size.depth))
    info.drawn_width = Int32(clamping: drawnSize.width)
    info.drawn_height = Int32(clamping: drawnSize.height)
    info.attribution_sum = explanation.completeness?.sum ?? .nan
    info.score_difference = explanation.completeness?.difference ?? .nan
    return info
  }

  /// Lends an array until the explanation is closed.
  ///
  /// Throws `usage` for an unknown kind, and `unsupported` if there is no such array.
  func array(_ kind: Int32) throws -> gradcam_array {
    if let known = lent[kind] { return known }
    let (values, shape) = try numbers(kind)
    let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(values.count, 1))
    _ = copy.initialize(from: values)
    var array = gradcam_array()
    array.values = UnsafePointer(copy.baseAddress)
    array.rank = Int32(shape.count)
    withUnsafeMutableBytes(of: &array.shape) { bytes in
      for (axis, extent) in shape.enumerated() { bytes.bindMemory(to: Int64.self)[axis] = Int64(extent) }
    }
    lent[kind] = array
    return array
  }

  private func numbers(_ kind: Int32) throws -> (values: [Float], shape: [Int]) {
    func map(_ map: HeatMap) -> ([Float], [Int]) { (map.values, map.size.extents) }
    func tap(_ elements: (Tap) -> [Float]) throws -> ([Float], [Int]) {
      guard let tap = explanation.tap else {
        throw GradCAMError(
          .unsupported, problem: "the map has no activation and no gradient of its own",
          advice: "explain a single node, by gradcam_ask")
      }
      return (elements(tap), [tap.channels] + tap.size.extents)
    }
    switch kind {
    case Int32(GRADCAM_MAP): return map(explanation.rectifiedMap())
    case Int32(GRADCAM_HEAT): return map(heat())
    case Int32(GRADCAM_ACTIVATION): return try tap(\.activation)
    case Int32(GRADCAM_GRADIENT): return try tap(\.gradient)
    case Int32(GRADCAM_RAW_MAP): return map(explanation.map)
    default:
      throw GradCAMError(.usage, at: "argument 'kind'", problem: "is \(kind)", advice: "use a constant GRADCAM_…")
    }
  }

  func warning(at index: Int32) throws -> (code: UnsafePointer<CChar>, text: UnsafePointer<CChar>) {
    let warning = try element(warnings, at: Int(index), "warnings")
    return (memory.string(warning.code.rawValue), memory.string(warning.text.asFields))
  }

  /// Its row.
  func row(output: String?) throws -> UnsafePointer<CChar> {
    let row: String = try rows.required().row(explanation, output: output)
    return memory.string(row)
  }

  /// The map as drawn, at the picture's size.
  func heat() -> HeatMap { explanation.drawnMap().resized(to: size) }

  func drawn(_ drawing: gradcam_drawing) throws -> Picture {
    let style: DrawingStyle = try choice(drawing.style, "style") ?? .overlay
    let colormap: Colormap = try choice(drawing.colormap, "colormap") ?? .jet
    guard drawing.blend >= 0, drawing.blend <= 1 else {
      throw GradCAMError(.usage, at: "blend", problem: "is \(drawing.blend)", advice: "use 0 to 1; 0 means 0.5")
    }
    guard drawing.show_count <= 64, drawing.rate >= 0, drawing.rate.isFinite else {
      throw GradCAMError(.usage, at: "argument 'drawing'", problem: "has more than 64 channels, or no rate")
    }
    let show =
      drawing.show_count == 0
      ? []
      : UnsafeBufferPointer(start: try required(drawing.show, "show"), count: drawing.show_count).map { Int($0) }
    return try explanation.drawn(
      style: style, colormap: colormap, blend: drawing.blend == 0 ? 0.5 : drawing.blend,
      view: InputView(channels: show, rate: drawing.rate == 0 ? nil : drawing.rate))
  }
}

/// Closes an explanation, as the header says.
@c @implementation
public func gradcam_close_explanation(_ explanation: OpaquePointer!) {
  Handles.remove(explanation, ExplanationHandle.self)
}

/// Describes an explanation, as the header says.
@c @implementation
public func gradcam_get_explanation_info(
  _ explanation: OpaquePointer!, _ info: UnsafeMutablePointer<gradcam_explanation_info>!
) -> gradcam_status {
  status { try use(explanation) { try fill(info, "info", $0.info) } }
}

/// Gives a warning, as the header says.
@c @implementation
public func gradcam_get_warning(
  _ explanation: OpaquePointer!, _ index: Int32, _ code: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  status {
    let warning = try use(explanation) { try $0.warning(at: index) }
    code?.pointee = warning.code
    text?.pointee = warning.text
  }
}

/// Lends an array, as the header says.
@c @implementation
public func gradcam_get_array(
  _ explanation: OpaquePointer!, _ kind: Int32, _ array: UnsafeMutablePointer<gradcam_array>!
) -> gradcam_status {
  status {
    let result = try required(array, "array")
    result.pointee = gradcam_array()
    result.pointee = try use(explanation) { try $0.array(kind) }
  }
}

/// Copies the map as drawn, as the header says.
@c @implementation
public func gradcam_copy_heat(
  _ explanation: OpaquePointer!, _ values: UnsafeMutablePointer<Float>!, _ capacity: Int
) -> gradcam_status {
  status { try use(explanation) { try copy($0.heat().values, to: values, "values", capacity) } }
}

/// Copies the map at the node, as the header says.
@c @implementation
public func gradcam_copy_map(
  _ explanation: OpaquePointer!, _ values: UnsafeMutablePointer<Float>!, _ capacity: Int
) -> gradcam_status {
  status { try use(explanation) { try copy($0.explanation.rectifiedMap().values, to: values, "values", capacity) } }
}

/// Draws the map, as the header says.
@c @implementation
public func gradcam_draw(
  _ explanation: OpaquePointer!, _ drawing: UnsafePointer<gradcam_drawing>!, _ pixels: UnsafeMutablePointer<UInt8>!,
  _ capacity: Int
) -> gradcam_status {
  status {
    let drawing = try read(drawing, "drawing", empty: gradcam_drawing()) ?? gradcam_drawing()
    try use(explanation) { try copy($0.drawn(drawing).pixels, to: pixels, "pixels", capacity) }
  }
}

private func use<Result>(_ handle: OpaquePointer?, _ body: (ExplanationHandle) throws -> Result) throws -> Result {
  try Handles.use(handle, "explanation", as: ExplanationHandle.self, body)
}

private func copy<Element>(
  _ elements: [Element], to buffer: UnsafeMutablePointer<Element>?, _ name: String, _ capacity: Int
) throws {
  _ = try checkedBuffer(buffer, name, capacity: capacity, needed: elements.count).initialize(from: elements)
}
