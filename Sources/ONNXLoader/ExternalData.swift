import Graph

/// The data files that lie beside a model, each mapped once.
final class ExternalData {
  private let modelPath, folder: String
  private var files: [String: MappedFile] = [:]

  /// Serves the model at a path, which may be relative.
  init(modelPath: String) { (self.modelPath, folder) = (modelPath, Self.folder(of: modelPath)) }

  private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./" }

  /// The paths of the data files used, sorted.
  var paths: [String] { files.keys.sorted().map { folder + $0 } }

  /// The size of the data files used.
  var byteCount: Int { files.values.reduce(0) { $0 + $1.bytes.count } }

  /// The bytes that the `external_data` entries of a tensor refer to; there must be `byteCount` of them.
  func bytes(_ entries: [String: String], byteCount: Int) throws -> (UnsafeRawBufferPointer, owner: MappedFile) {
    guard let location = entries["location"], !location.isEmpty else {
      throw GradCAMError(.badData, problem: "is stored in another file, but none is named")
    }
    let offset = try number(entries["offset"] ?? "0", "offset")
    let length = try entries["length"].map { try number($0, "length") } ?? byteCount
    let file = try file(location)
    guard length == byteCount else {
      throw GradCAMError(
        .badData, problem: "takes \(byteCount) bytes, but \(length) of data file '\(location)' are assigned to it")
    }
    guard offset <= file.bytes.count, byteCount <= file.bytes.count - offset else {
      throw GradCAMError(
        .badData,
        problem: "needs \(byteCount) bytes at \(offset) of data file '\(location)', which has \(file.bytes.count)",
        advice: "the data file is cut short or belongs to another model; export the two together")
    }
    return (UnsafeRawBufferPointer(rebasing: file.bytes[offset..<(offset + byteCount)]), file)
  }

  private func number(_ entry: String, _ key: String) throws -> Int {
    guard let value = Int(entry), value >= 0 else {
      throw GradCAMError(.badData, problem: "external data has the invalid \(key) '\(entry)'")
    }
    return value
  }

  private func file(_ location: String) throws -> MappedFile {
    if let file = files[location] { return file }
    let file = try located("data file '\(location)'") {
      let outside = GradCAMError(
        .badData, problem: "lies outside the folder of the model", advice: "data files must lie beside the model")
      let components = location.split(separator: "/", omittingEmptySubsequences: false)
      guard !location.hasPrefix("/"), !components.contains("..") else { throw outside }
      guard let resolved = resolvedPath(folder + location) else {
        let reason = String(cString: strerror(errno))
        throw GradCAMError(
          .unreadable, problem: "cannot be opened: \(reason)",
          advice: "the weights of this model are in that file; put it into the same folder as the model")
      }
      // Where the model is a link, as in the cache of Hugging Face, its data files are links to the same folder.
      let roots = [resolvedPath(folder), resolvedPath(modelPath).map(Self.folder)].compactMap { $0 }
      guard roots.contains(where: { resolved.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }) else { throw outside }
      return try MappedFile(path: resolved)
    }
    files[location] = file
    return file
  }

  /// The path without symbolic links; nil if it does not exist.
  private func resolvedPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
