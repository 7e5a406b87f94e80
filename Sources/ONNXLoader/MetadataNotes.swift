import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads the notes that exporters and users attach to models and nodes.
enum MetadataNotes {
  /// The keys of a node's entries that tell the path of its PyTorch module, the operation that it was exported from, and
  /// the rules that made it of others.
  static let nodeKeys = [
    "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.fx_node", "pkg.onnxscript.rewriter.rule_name",
  ]

  private static let prefix = "gradcam."

  /// The notes of a model; if none of them is for this program, those of the sidecar `MODEL.json` are added.
  static func completed(_ metadata: [String: String], modelPath: String) throws -> [String: String] {
    guard !metadata.keys.contains(where: { $0.hasPrefix(prefix) }), modelPath.hasSuffix(".onnx") else {
      return metadata
    }
    let path = sidecarPath(of: modelPath)
    guard access(path, F_OK) == 0 else { return metadata }
    return try located("sidecar '\(path)'") { metadata.merging(try sidecar(path)) { $1 } }
  }

  /// The path of a model's sidecar, whether or not it exists.
  static func sidecarPath(of modelPath: String) -> String {
    (modelPath.hasSuffix(".onnx") ? String(modelPath.dropLast(".onnx".count)) : modelPath) + ".json"
  }

  private static func sidecar(_ path: String) throws -> [String: String] {
    let file = try MappedFile(path: path)
    guard let entries = try? JSONDecoder().decode([String: SidecarValue].self, from: Data(file.bytes)) else {
      throw GradCAMError(.badData, problem: "is not a JSON object", advice: "correct it or move it away")
    }
    var metadata: [String: String] = [:]
    for (key, value) in entries where key.hasPrefix(prefix) {
      guard let text = value.text else {
        throw GradCAMError(.badData, problem: "'\(key)' is neither text, a number nor a list of these")
      }
      metadata[key] = text
    }
    return metadata
  }
}

/// A value in a sidecar, as the text that `metadata_props` would hold; nil for values of other forms.
private struct SidecarValue: Decodable {
  let text: String?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.text = text
    } else if let number = try? container.decode(Double.self) {
      text = SidecarValue.format(number)
    } else if let numbers = try? container.decode([Double].self) {
      text = numbers.map(SidecarValue.format).joined(separator: ",")
    } else {
      text = (try? container.decode([String].self))?.joined(separator: "\n")
    }
  }

  private static func format(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? String(number) }
}
