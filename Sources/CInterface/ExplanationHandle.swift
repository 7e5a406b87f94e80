import CGradCAM
import GradCAM
import Graph

/// The object that an explanation's handle refers to.
final class ExplanationHandle: HeldObject, @unchecked Sendable {
  fileprivate let explanation: Explanation
  private let picture: Picture?
  private let size: PixelSize
  private let classIndex: Int
  private let label: String?
  private let warnings: [Warning]

  init(_ explanation: Explanation, of image: PreparedImage, labels: Labels, assumed: [Warning]) {
    self.explanation = explanation
    picture = image.picture
    size = image.geometry.original
    classIndex = explanation.target.subject ?? -1
    label = labels[classIndex]
    warnings = assumed + explanation.warnings
  }

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
    return info
  }

  func warning(at index: Int32) throws -> (code: UnsafePointer<CChar>, text: UnsafePointer<CChar>) {
    guard warnings.indices.contains(Int(index)) else {
      throw GradCAMError(
        .usage, at: "argument 'index'", problem: "is \(index), but there are \(warnings.count) warnings")
    }
    let warning = warnings[Int(index)]
    return (memory.string(warning.code.rawValue), memory.string(warning.text.asFields))
  }

  /// The map as drawn, at the picture's size.
  func heat() -> HeatMap { explanation.drawnMap().resized(width: size.width, height: size.height) }

  func drawn(_ drawing: gradcam_drawing) throws -> Picture {
    let style: DrawingStyle = try choice(drawing.style, "style") ?? .overlay
    let colormap: Colormap = try choice(drawing.colormap, "colormap") ?? .jet
    guard drawing.blend >= 0, drawing.blend <= 1 else {
      throw GradCAMError(.usage, at: "blend", problem: "is \(drawing.blend)", advice: "use 0 to 1; 0 means 0.5")
    }
    guard let picture else { return explanation.drawnMap().colored(with: colormap) }
    return style.draw(
      explanation.drawnMap(), on: picture, colormap: colormap, blend: drawing.blend == 0 ? 0.5 : drawing.blend)
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
