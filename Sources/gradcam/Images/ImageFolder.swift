import GradCAM
import Graph

/// Files of images that are found by their extensions: pictures; if there are none, files of numbers.
struct FoundImages {
  private let isPictured: Bool

  /// Decides by what there is.
  ///
  /// - Parameters:
  ///   - path: what is looked through, for messages.
  ///   - first: the first file that is wanted; nil if there is none.
  ///
  /// Throws `unreadable` if there is neither, and what `first` throws.
  init(in path: String, first: (_ isWanted: @escaping (String) -> Bool) throws -> String?) throws {
    isPictured = try first(Picture.hasKnownExtension) != nil
    guard try isPictured || first(NumberFile.isOne) != nil else {
      throw GradCAMError(
        .unreadable, at: path, problem: "holds no picture",
        advice: "files are found by their extensions: "
          + (Picture.extensions + NumberFile.extensions).joined(separator: ", "))
    }
  }

  /// What macOS keeps beside a file, under its name after `._`, is no image.
  func contains(_ name: String) -> Bool {
    !fileName(name).hasPrefix("._") && isKnown(name)
  }

  private func isKnown(_ name: String) -> Bool {
    isPictured ? Picture.hasKnownExtension(name) : NumberFile.isOne(name)
  }
}

/// The pictures in a folder and its subfolders; if there are none, its files of numbers.
final class ImageFolder {
  private let folder: String
  private let found: FoundImages
  /// What `fewLinks` found, once it has looked.
  private var links: [String]??

  /// Looks for the first picture.
  ///
  /// Throws `unreadable` if it cannot be read or holds no picture.
  init(_ folder: String) throws {
    let path = folder.hasSuffix("/") ? folder : folder + "/"
    self.folder = path
    found = try FoundImages(in: folder) { try FolderWalk(path, where: $0).next() }
  }

  /// The paths of symbolic links; nil if there are more than 4,096.
  func fewLinks() throws -> [String]? {
    if let links { return links }
    let found = try foundLinks()
    links = .some(found)
    return found
  }

  private func foundLinks() throws -> [String]? {
    let walk = try FolderWalk(folder, .links, where: found.contains)
    var paths: [String] = []
    while let link = try walk.next() {
      guard paths.count < 4096 else { return nil }
      paths.append(path(link))
    }
    return paths
  }

  /// Goes through the files, by their paths relative to the folder.
  func walk() throws -> FolderWalk { try FolderWalk(folder, where: found.contains) }

  /// All files' paths relative to the folder, sorted: numbers in them by their size.
  func names() throws -> [String] {
    let walk = try walk()
    var names: [String] = []
    while let name = try walk.next() { names.append(name) }
    return names
  }

  func path(_ name: String) -> String { folder + name }

  /// The paths of pictures, with those of all pictures in a folder in place of the folder.
  ///
  /// Throws what listing a folder throws.
  static func expanding(_ paths: [String]) throws -> [String] {
    try paths.flatMap { path in
      guard isFolder(path) else { return [path] }
      let folder = try ImageFolder(path)
      return try folder.names().map(folder.path)
    }
  }
}

/// The pictures in a tar archive; if there are none, its files of numbers.
struct ImageArchive {
  let path: String

  /// An image, or why it cannot be had.
  enum Member {
    case read(TarMember)
    case failed(name: String, GradCAMError)

    var name: String {
      switch self {
      case .read(let member): member.name
      case .failed(let name, _): name
      }
    }
  }

  /// Whether a path names one, by its extension.
  static func isOne(_ path: String) -> Bool { TarArchive.isNamed(by: path) }

  /// Goes through the images, by their names in the archive.
  ///
  /// - Parameter isWanted: whether one is to be read.
  ///
  /// Throws `unreadable` if it cannot be read or holds no picture, and `badData` if it is no archive.
  func reader(where isWanted: @escaping (String) -> Bool) throws -> () throws -> Member? {
    let path = path, archive = try TarArchive(path), found = try FoundImages(in: path, first: first)
    return {
      do {
        return try archive.next { found.contains($0) && isWanted($0) }.map { .read($0) }
      } catch let error as GradCAMError where !archive.isAtEnd {
        return .failed(name: error.place.last?.description ?? "", error)
      }
    }
  }

  /// The name of the first member that is wanted; nil if there is none.
  private func first(where isWanted: @escaping (String) -> Bool) throws -> String? {
    let archive = try TarArchive(path)
    do {
      return try archive.next(where: isWanted)?.name
    } catch let error as GradCAMError where !archive.isAtEnd {
      return error.place.last?.description
    }
  }
}
