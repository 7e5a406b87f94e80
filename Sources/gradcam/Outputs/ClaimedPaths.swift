import GradCAM
import Graph

/// The paths that a command writes to: never a file that it reads, never the same path twice.
struct ClaimedPaths {
  private let inputs: Set<FileIdentity>
  /// The folders of which all images are read, as the system knows them.
  private let folders: [String]
  private var used: Set<String> = []

  /// - Parameter inputs: the files that are read.
  init(inputs: [String]) { (self.inputs, folders) = (Set(inputs.compactMap { FileIdentity($0) }), []) }

  /// - Parameters:
  ///   - inputs: the files that are read.
  ///   - images: the images that are read, too.
  ///
  /// Throws what going through a folder throws.
  init(inputs: [String], images: NamedImages) throws {
    self.inputs = Set((inputs + images.containers + (try images.singleFiles)).compactMap { FileIdentity($0) })
    folders = images.folders.compactMap(Self.resolved).map { $0 == "/" ? $0 : $0 + "/" }
  }

  /// Claims a path that the user named.
  ///
  /// Throws `usage` if it is a file that is read, or is already claimed.
  mutating func claim(_ path: String) throws {
    try checkInputs(path)
    guard used.insert(Self.place(of: path)).inserted else {
      throw GradCAMError(.usage, at: path, problem: "is named for two results", advice: "give each its own name")
    }
  }

  /// Throws `usage` if a path is that of a file that is read.
  func checkInputs(_ path: String) throws {
    guard !isInput(path) else {
      throw GradCAMError(.usage, at: path, problem: "is an input and would be overwritten", advice: "give another name")
    }
  }

  /// Claims a free path, numbered if necessary: images in different folders may have the same name, and this run may
  /// read a picture that an earlier one made.
  mutating func claimFree(_ stem: String, _ extension: String) -> String { claimFree("\(stem).\(`extension`)") }

  /// The same for a whole name.
  mutating func claimFree(_ name: String) -> String {
    let end = name.lastIndex(of: ".") ?? name.endIndex
    return claimFree { "\(name[..<end])\($0)\(name[end...])" }
  }

  /// The first free one of some names.
  ///
  /// - Parameter name: receives what distinguishes a name from the others: nothing, `-2`, `-3` and so on.
  mutating func claimFree(_ name: (String) -> String) -> String {
    var path = name(""), copy = 2
    while used.contains(Self.place(of: path)) || isInput(path) {
      path = name("-\(copy)")
      copy += 1
    }
    used.insert(Self.place(of: path))
    return path
  }

  /// The same text for all paths of a file: the path as the system knows it, or that of its folder, if they are there.
  private static func place(of path: String) -> String {
    let folder = String(path.dropLast(fileName(path).count))
    return resolved(path) ?? resolved(folder.isEmpty ? "." : folder).map { $0 + "/" + fileName(path) }
      ?? path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private func isInput(_ path: String) -> Bool {
    guard let file = FileIdentity(path) else { return false }
    if inputs.contains(file) { return true }
    guard Picture.hasKnownExtension(path) || NumberFile.isOne(path), let place = Self.resolved(path) else {
      return false
    }
    return folders.contains { place.hasPrefix($0) }
  }
}

/// The name of a file without its folders and its extension.
func stem(_ path: String) -> String {
  let file = fileName(path)
  return file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
}
