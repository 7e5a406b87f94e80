import CGradCAM
import Foundation

/// What a program in C does, without what differs from test to test.
final class Client {
  private(set) var model: OpaquePointer?

  /// Opens a shipped model.
  init(_ name: String = "shapes-resnet", node: String? = nil) throws {
    let code = withOptional(node) { node in
      var options = gradcam_options()
      options.size = MemoryLayout<gradcam_options>.size
      options.node = node
      options.threads = 2
      return gradcam_open(shipped("\(name).onnx"), &options, &model)
    }
    try check(code)
  }

  /// Takes an open model.
  init(_ model: OpaquePointer?) { self.model = model }

  deinit { gradcam_close(model) }

  var info: gradcam_model_info {
    get throws {
      var info = gradcam_model_info()
      info.size = MemoryLayout<gradcam_model_info>.size
      try check(gradcam_get_model_info(model, &info))
      return info
    }
  }

  func run(_ path: String) throws {
    try path.withCString { path in
      try run { $0.path = path }
    }
  }

  func run(_ set: (inout gradcam_image) -> Void) throws {
    var image = gradcam_image()
    image.size = MemoryLayout<gradcam_image>.size
    set(&image)
    try check(gradcam_run(model, &image))
  }

  func explain(_ set: (inout gradcam_request) -> Void = { _ in }) throws -> Made {
    var request = gradcam_request()
    request.size = MemoryLayout<gradcam_request>.size
    set(&request)
    var explanation: OpaquePointer?
    try check(gradcam_explain(model, &request, &explanation))
    return Made(explanation)
  }
}

/// An explanation that a program in C holds.
final class Made {
  let handle: OpaquePointer?

  init(_ handle: OpaquePointer?) { self.handle = handle }
  deinit { gradcam_close_explanation(handle) }

  var info: gradcam_explanation_info {
    get throws {
      var info = gradcam_explanation_info()
      info.size = MemoryLayout<gradcam_explanation_info>.size
      try check(gradcam_get_explanation_info(handle, &info))
      return info
    }
  }

  func heat() throws -> [Float] {
    let info = try info
    var values = [Float](repeating: -1, count: Int(info.width * info.height))
    try check(gradcam_copy_heat(handle, &values, values.count))
    return values
  }

  func map() throws -> [Float] {
    let info = try info
    var values = [Float](repeating: -1, count: Int(info.map_width * info.map_height))
    try check(gradcam_copy_map(handle, &values, values.count))
    return values
  }

  func drawn(widths: Int = 1, _ set: (inout gradcam_drawing) -> Void = { _ in }) throws -> [UInt8] {
    var drawing = gradcam_drawing()
    drawing.size = MemoryLayout<gradcam_drawing>.size
    set(&drawing)
    let info = try info
    var pixels = [UInt8](repeating: 0, count: 3 * widths * Int(info.width * info.height))
    try check(gradcam_draw(handle, &drawing, &pixels, pixels.count))
    return pixels
  }
}

/// A status that is not 0, with the error's text.
struct Failure: Error, CustomStringConvertible {
  let code: gradcam_status
  let description: String
}

func check(_ code: gradcam_status) throws {
  if code != 0 { throw Failure(code: code, description: lastError) }
}

var lastError: String { String(cString: gradcam_last_error()) }

func string(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

func withOptional<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) throws -> Result) rethrows -> Result {
  try text?.withCString { try body($0) } ?? body(nil)
}

/// The path of a file that the project ships in `models`.
func shipped(_ name: String) -> String {
  URL(filePath: #filePath).appending(path: "../../../models/\(name)").standardizedFileURL.path
}

let sample = shipped("samples/pair-006-star-cross.png")
