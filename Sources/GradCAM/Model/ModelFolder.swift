import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A folder of exported networks, each with a name.
public struct ModelFolder: Sendable {
  /// The folder's path.
  public let path: String

  /// The folder at a path.
  public init(_ path: String) { self.path = path }

  /// The folder that the environment variable `GRADCAM_MODELS` names, else `models` in the working directory.
  public static var usual: ModelFolder {
    let named = ProcessInfo.processInfo.environment["GRADCAM_MODELS"] ?? ""
    return ModelFolder(named.isEmpty ? "models" : named)
  }

  /// The names of the networks in it, without `.onnx`, sorted.
  ///
  /// Throws `unreadable` if the folder cannot be listed.
  public func names() throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }.map { String($0.dropLast(Self.suffix.count)) }
        .sorted()
    } catch {
      throw GradCAMError(
        .unreadable, at: "\(path)", problem: "is not a folder that can be listed",
        advice: "name the folder of your models with \(.models) or GRADCAM_MODELS")
    }
  }

  /// The path of the file with a name, given with or without `.onnx`.
  public func file(of name: String) -> String {
    path + (path.hasSuffix("/") ? "" : "/") + name + (name.hasSuffix(Self.suffix) ? "" : Self.suffix)
  }

  /// The path of the file that a user means: the path given if it exists, has a separator or is empty; else that of the
  /// file with this name in this folder.
  ///
  /// Throws `unreadable` with the nearest names if there is neither.
  public func resolve(_ pathOrName: String) throws -> String {
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    if pathOrName.isEmpty || pathOrName.contains("/") || exists(pathOrName) { return pathOrName }
    let file = file(of: pathOrName)
    if exists(file) { return file }
    let missing: Message = "cannot be opened: neither it nor \(file) exists"
    guard let names = try? names() else {
      throw GradCAMError(
        .unreadable, at: "\(pathOrName)", problem: missing,
        advice: "give the file's path, or its folder with \(.models) or GRADCAM_MODELS")
    }
    let parts = names.filter { $0.lowercased().contains(pathOrName.lowercased()) }
    let near = parts.isEmpty ? nearest(to: pathOrName, among: names, count: 4) : Array(parts.prefix(4))
    throw GradCAMError(
      .unreadable, at: "\(pathOrName)", problem: missing,
      advice: "\(near.isEmpty ? "" : "try \(near.joined(separator: ", ")); ")\(listing: .models) lists the names")
  }

  private static let suffix = ".onnx"
}
