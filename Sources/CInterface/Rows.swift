import CGradCAM
import GradCAM
import Graph

/// A caller's image as rows name it.
struct NamedImage {
  let name: String
  /// What messages call it.
  let path: String
  /// That of its file; nil if it is none, or cannot be read.
  let sha256: String?

  /// Nil for an image without a name.
  init?(_ image: gradcam_image) {
    guard let name = text(image.name) else { return nil }
    let path = text(image.path)
    (self.name, self.path) = (name, path ?? name)
    let digest = if let path { FileDigest.ofFile(path) } else { image.file.map { FileDigest.of($0) } }
    sha256 = digest?.hexadecimal
  }
}

extension gradcam_image {
  /// The contents of its file, if the caller gives them.
  var file: [UInt8]? { bytes.map { Array(UnsafeBufferPointer(start: $0, count: max(0, byte_count))) } }
}

/// Makes the rows of a named image, as lines without their ends.
struct RowMaker {
  let image: NamedImage
  let model: Model
  let configuration: Configuration

  /// The row of a map.
  func row(_ explanation: Explanation, output: String?) throws -> String {
    try RowFormat.json.text(
      Row(explanation, image: image.name, model: model, configuration, output: output, sha256: image.sha256), [])
  }

  /// The row of an image that could not be explained.
  func row(_ error: GradCAMError) throws -> String {
    try RowFormat.json.text(
      Row(error, image: image.name, path: image.path, model: model, configuration, sha256: image.sha256), [])
  }
}

extension RowMaker? {
  /// Throws `usage` for an image without a name.
  func required() throws -> RowMaker {
    guard let maker = self else {
      throw GradCAMError(
        .usage, at: "name", problem: "was not given for the image, so that it has no rows",
        advice: "set it in gradcam_image")
    }
    return maker
  }
}

/// Gives a map's row, as the header says.
@c @implementation
public func gradcam_get_row(
  _ explanation: OpaquePointer!, _ output: UnsafePointer<CChar>!, _ row: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  lend(to: row, "row") {
    try Handles.use(explanation, "explanation", as: ExplanationHandle.self) { try $0.row(output: text(output)) }
  }
}

/// Gives the row of an image that failed, as the header says.
@c @implementation
public func gradcam_get_error_row(
  _ explanations: OpaquePointer!, _ row: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  lend(to: row, "row") {
    try Handles.use(explanations, "explanations", as: ExplanationList.self) { try $0.errorRow() }
  }
}

/// Gives the line of a configuration, as the header says.
@c @implementation
public func gradcam_get_configuration(
  _ model: OpaquePointer!, _ request: UnsafePointer<gradcam_request>!,
  _ line: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  lend(to: line, "line") {
    let request = try read(request, "request", empty: gradcam_request()) ?? gradcam_request()
    return try Handles.use(model, "model", as: ModelHandle.self) { try $0.configuration(request) }
  }
}

/// Writes a row as the program does, as the header says.
@c @implementation
public func gradcam_format_row(
  _ row: UnsafePointer<CChar>!, _ line: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ length: UnsafeMutablePointer<Int>!
) -> gradcam_status {
  status {
    guard let parsed = RowFormat.json.row(String(cString: try required(row, "row")), []) else {
      throw GradCAMError(
        .badData, at: "row", problem: "is no row of a table", advice: "give what gradcam_get_row gives, as JSON")
    }
    let text = try RowFormat.json.text(parsed, []).utf8CString
    length?.pointee = text.count - 1
    _ = try checkedBuffer(line, "line", capacity: capacity, needed: text.count).initialize(from: text)
  }
}

private func lend(
  to text: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ name: String, _ make: () throws -> UnsafePointer<CChar>
) -> gradcam_status {
  status {
    let result = try required(text, name)
    result.pointee = nil
    result.pointee = try make()
  }
}
