import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The pictures in a folder and its subfolders; if there are none, its files of numbers.
struct ImageFolder {
  /// The files' paths relative to the folder, sorted: numbers in them by their size.
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
    let pictures = found.filter(Picture.hasKnownExtension)
    names = (pictures.isEmpty ? found.filter(NumberFile.isOne) : pictures).sorted { $0.precedesByNumber($1) }
    guard !names.isEmpty else {
      throw GradCAMError(
        .unreadable, at: folder, problem: "holds no picture",
        advice: "files are found by their extensions: "
          + (Picture.extensions + NumberFile.extensions).joined(separator: ", "))
    }
  }

  func path(_ name: String) -> String { folder + name }

  /// The paths of pictures, with those of all pictures in a folder in place of the folder.
  ///
  /// Throws what listing a folder throws.
  static func expanding(_ paths: [String]) throws -> [String] { try NamedImages(paths).files }
}

/// The files that a command line names, alone or by folders.
struct NamedImages {
  /// A file, or a folder with its files.
  struct Group {
    let path: String
    let files: [String]
    let isFolder: Bool
  }

  let groups: [Group]
  /// All files.
  var files: [String] { groups.flatMap(\.files) }

  /// Lists the folders among some paths.
  ///
  /// Throws what listing a folder throws.
  init(_ paths: [String]) throws {
    groups = try paths.map { path in
      guard isFolder(path) else { return Group(path: path, files: [path], isFolder: false) }
      let folder = try ImageFolder(path)
      return Group(path: path, files: folder.names.map(folder.path), isFolder: true)
    }
  }
}

extension String {
  /// Whether it comes before another name, where digits one after another are one number: 9 comes before 10.
  fileprivate func precedesByNumber(_ other: String) -> Bool {
    var one = utf8[...], two = other.utf8[...]
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    while let first = one.first, let second = two.first {
      guard isDigit(first), isDigit(second) else {
        if first != second { return first < second }
        (one, two) = (one.dropFirst(), two.dropFirst())
        continue
      }
      let numbers = [one, two].map { text in text.prefix(while: isDigit) }
      let digits = numbers.map { Array($0.drop { $0 == UInt8(ascii: "0") }) }
      if digits[0] != digits[1] {
        return digits[0].count == digits[1].count
          ? digits[0].lexicographicallyPrecedes(digits[1]) : digits[0].count < digits[1].count
      }
      (one, two) = (one.dropFirst(numbers[0].count), two.dropFirst(numbers[1].count))
    }
    return one.isEmpty && (!two.isEmpty || self < other)
  }
}
