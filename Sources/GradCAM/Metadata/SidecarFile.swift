import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `MODEL.json` beside a network, into which a preprocessing is written.
public struct SidecarFile {
  /// Its path.
  public let path: String
  /// Its entries that are not about preprocessing.
  private var kept: [String: LiteralValue] = [:]

  /// Reads what it holds already.
  ///
  /// Throws `usage` if it would not count for the network, and what reading throws.
  public init(of model: Model) throws {
    func failure(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: model.path, problem: "\(problem)", advice: "\(advice)")
    }
    guard let path = ModelMetadata.sidecarPath(of: model.path) else {
      throw failure("is not called .onnx, so no file beside it is read", "rename it")
    }
    // The target of a symbolic link is written, not the link.
    self.path =
      realpath(path, nil).map { resolved in
        defer { free(resolved) }
        return String(cString: resolved)
      } ?? path
    guard !model.graph.metadata.keys.contains(where: { $0.hasPrefix(DeclaredEntries.prefix) }) else {
      throw failure("has entries 'gradcam.…' of its own, so '\(path)' is not read", "change these entries")
    }
    guard access(path, F_OK) == 0 else { return }
    guard model.metadata.sidecar == path else {
      throw failure("has a file '\(path)' beside it that is not for this program", "move it away")
    }
    kept = Self.kept(try DeclaredEntries.contents(ofSidecar: path))
  }

  /// Entries without those about preprocessing, in groups, too.
  private static func kept(_ map: [String: LiteralValue]) -> [String: LiteralValue] {
    let others: Set<DeclaredEntries.Key> = [.labels, .layout, .size]
    var result: [String: LiteralValue] = [:]
    for (name, value) in map {
      if ["gradcam", "preprocessing"].contains(name), let group = value.map {
        result.merge(kept(group)) { $1 }
      } else if let key = DeclaredEntries.key(name), others.contains(key) {
        result[name] = value
      }
    }
    return result
  }

  /// Writes entries about preprocessing, and those that were there about something else.
  ///
  /// Throws `unwritable` if that fails.
  public func write(_ entries: [String: String]) throws {
    let all = kept.merging(entries.mapValues { LiteralValue.text($0) }) { $1 }
    let lines = all.sorted { $0.key < $1.key }.map { "  \(LiteralValue.text($0.key).json): \($0.value.json)" }
    try writeAtomically(Array("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8), to: path)
  }
}

extension LiteralValue {
  /// The value in JSON.
  fileprivate var json: String {
    switch self {
    case .text(let text): return (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    case .number(let number): return Int(exactly: number).map(String.init) ?? "\(number)"
    case .bool(let value): return "\(value)"
    case .null: return "null"
    case .list(let values): return "[" + values.map(\.json).joined(separator: ", ") + "]"
    case .map(let map):
      let entries = map.sorted { $0.key < $1.key }.map { "\(LiteralValue.text($0.key).json): \($0.value.json)" }
      return "{" + entries.joined(separator: ", ") + "}"
    }
  }
}
