@testable import GradCAM
import Graph

/// Reads a text as the files beside a model, and its lines `KEY=VALUE` as the entries in the model's own file.
func fuzzMetadata(_ input: [UInt8]) throws {
  for name in ["model.json", "config.json", "preprocessor_config.json"] {
    let file = FuzzFolder.write(input, to: name)
    defer { unlink(file) }
    _ = try? ModelMetadata([:], beside: "\(FuzzFolder.path)/model.onnx")
  }
  var entries: [String: String] = [:]
  for line in String(decoding: input, as: UTF8.self).split(separator: "\n") {
    let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    entries[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
  }
  _ = try ModelMetadata(entries)
}
