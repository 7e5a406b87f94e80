import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The pictures in a folder and its subfolders.
struct ImageFolder {
  /// The pictures' paths relative to the folder, sorted.
  let names: [String]
  private let folder: String

  /// Lists a folder.
  ///
  /// Throws `unreadable` if it cannot be read or holds no picture.
  init(_ folder: String) throws {
    self.folder = folder.hasSuffix("/") ? folder : folder + "/"
    let files = FileManager.default
    guard (try? files.contentsOfDirectory(atPath: folder)) != nil,
      let found = try? files.subpathsOfDirectory(atPath: folder)
    else {
      throw GradCAMError(
        .unreadable, at: folder, problem: "is not a folder that can be read",
        advice: "name a folder of pictures")
    }
    names = found.filter(Picture.hasKnownExtension).sorted()
    guard !names.isEmpty else {
      throw GradCAMError(
        .unreadable, at: folder, problem: "holds no picture",
        advice: "files are found by their extensions: \(Picture.extensions.joined(separator: ", "))")
    }
  }

  func path(_ name: String) -> String { folder + name }

  /// The paths of pictures, with those of all pictures in a folder in place of the folder.
  ///
  /// Throws what listing a folder throws.
  static func expanding(_ paths: [String]) throws -> [String] {
    try paths.flatMap { path in
      guard isFolder(path) else { return [path] }
      let folder = try ImageFolder(path)
      return folder.names.map(folder.path)
    }
  }
}
