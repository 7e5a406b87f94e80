import Graph

/// Recognises the format of a file that is not an ONNX model.
///
/// Returns nil if the format is unknown.
func foreignFileError(_ bytes: UnsafeRawBufferPointer) -> GradCAMError? {
  func starts(with text: String, at offset: Int = 0) -> Bool {
    bytes.dropFirst(offset).prefix(text.utf8.count).elementsEqual(text.utf8)
  }
  func error(_ kind: String, _ advice: String) -> GradCAMError {
    GradCAMError(.badData, problem: "is \(kind), not an ONNX model", advice: advice)
  }
  if bytes.isEmpty { return error("an empty file", "download or export it again") }
  if starts(with: "version https://git-lfs") {
    return error("a Git LFS pointer", "fetch the model itself with 'git lfs pull'")
  }
  if starts(with: "PK\u{03}\u{04}") {
    return error("a zip archive, such as PyTorch's .pt", "unpack it, or export it with torch.onnx.export")
  }
  if bytes.dropFirst().prefix(3).elementsEqual("HDF".utf8) {
    return error("an HDF5 file, such as Keras's .h5", "convert it with tf2onnx")
  }
  if starts(with: "ORTM", at: 4) {
    return error("ONNX Runtime's own format (.ort)", "give the .onnx file that it was made of")
  }
  if bytes.prefix(2).elementsEqual([0x1F, 0x8B]) { return error("a gzip file", "unpack it with 'gunzip'") }
  if starts(with: "TFL3", at: 4) { return error("a TensorFlow Lite model", "convert it with tf2onnx") }
  if bytes.dropFirst().prefix(3).elementsEqual("PNG".utf8) || bytes.prefix(3).elementsEqual([0xFF, 0xD8, 0xFF]) {
    return error("a picture", "give the model first, then the picture")
  }
  let isText = bytes[0] < 0x7F && bytes.prefix(256).allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0D].contains($0) }
  return isText ? error("text", "export it as a binary .onnx file") : nil
}
