import GradCAM
import Graph

/// The files beneath a folder, one after another, in bounded memory.
///
/// The entries of each folder are read in pieces of 65,536 at most, and come sorted within a piece: numbers in names by
/// their size.
final class FolderWalk {
  private struct Entry {
    let name: String
    let isFolder: Bool
  }

  /// Which files are gone through.
  enum Kind { case all, links }

  /// A folder being walked.
  private struct Level {
    /// Its path below the folder: empty, or ending in a slash.
    let prefix: String
    let directory: Directory
    /// What was read of it and not taken, the next one last.
    var entries: [Entry] = []
  }

  private let folder: String
  private let kind: Kind
  private let isWanted: (String) -> Bool
  private var levels: [Level] = []

  private static let pieceSize = 1 << 16

  /// - Parameters:
  ///   - folder: the path, ending in a slash.
  ///   - isWanted: whether a file is wanted, by its path below the folder.
  ///
  /// Throws `unreadable` if it cannot be read.
  init(_ folder: String, _ kind: Kind = .all, where isWanted: @escaping (String) -> Bool) throws {
    (self.folder, self.kind, self.isWanted) = (folder, kind, isWanted)
    levels = [Level(prefix: "", directory: try Directory(folder))]
  }

  /// The path of the next file below the folder; nil if there is none.
  ///
  /// Throws `unreadable` if a folder below it cannot be read.
  func next() throws -> String? {
    while !levels.isEmpty {
      let last = levels.count - 1, prefix = levels[last].prefix
      if levels[last].entries.isEmpty {
        levels[last].entries = try piece(of: levels[last].directory, prefix)
        if levels[last].entries.isEmpty { levels.removeLast() }
        continue
      }
      let entry = levels[last].entries.removeLast(), path = prefix + entry.name
      guard entry.isFolder else { return path }
      levels.append(Level(prefix: path + "/", directory: try Directory(folder + path)))
    }
    return nil
  }

  /// The next entries of a folder that are wanted or folders, in reverse.
  private func piece(of directory: Directory, _ prefix: String) throws -> [Entry] {
    var entries: [(key: [UInt8], entry: Entry)] = []
    while entries.count < Self.pieceSize, let (name, type) = try directory.next() {
      let isFolder = type == .folder
      guard isFolder || (kind == .all || type == .link) && isWanted(prefix + name) else { continue }
      // The order is that of whole paths.
      entries.append((Self.key(isFolder ? name + "/" : name), Entry(name: name, isFolder: isFolder)))
    }
    entries.sort { one, two in
      one.key == two.key ? two.entry.name < one.entry.name : two.key.lexicographicallyPrecedes(one.key)
    }
    return entries.map(\.entry)
  }

  /// Bytes in whose order names come in which digits one after another are one number: 9 comes before 10.
  ///
  /// A number is a digit, which stands between the same other characters as all digits, then how many digits it has, then
  /// these.
  private static func key(_ name: String) -> [UInt8] {
    var key: [UInt8] = [], rest = Array(name.utf8)[...]
    let zero = UInt8(ascii: "0"), digits = zero...UInt8(ascii: "9")
    while let first = rest.first {
      guard digits.contains(first) else {
        key.append(first)
        rest = rest.dropFirst()
        continue
      }
      let number = rest.prefix { digits.contains($0) }, significant = number.drop { $0 == zero }
      key += [zero, UInt8(significant.count >> 8), UInt8(significant.count & 0xFF)] + significant
      rest = rest.dropFirst(number.count)
    }
    return key
  }
}

/// A folder that is read entry by entry.
private final class Directory {
  /// What an entry is; a link is no folder, whatever it leads to.
  enum EntryType { case file, folder, link }

  private let path: String
  private let stream: OpaquePointer

  /// Throws `unreadable` if it cannot be read.
  init(_ path: String) throws {
    guard let stream = opendir(path) else {
      throw GradCAMError(
        .unreadable, at: path, problem: "is not a folder that can be read (\(systemMessage(errno)))",
        advice: "name a folder of pictures")
    }
    (self.path, self.stream) = (path, stream)
  }

  deinit { closedir(stream) }

  /// The next entry but the folder itself and the one above.
  func next() throws -> (name: String, type: EntryType)? {
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else {
          throw GradCAMError(.unreadable, at: path, problem: "cannot be read (\(systemMessage(errno)))")
        }
        return nil
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      return (name, type(of: name, as: Int(entry.pointee.d_type)))
    }
  }

  private func type(of name: String, as known: Int) -> EntryType {
    var isFolder = known == Int(DT_DIR), isLink = known == Int(DT_LNK)
    if known == Int(DT_UNKNOWN) {
      var status = stat()
      let kind = lstat("\(path)/\(name)", &status) == 0 ? status.st_mode & S_IFMT : 0
      (isFolder, isLink) = (kind == S_IFDIR, kind == S_IFLNK)
    }
    return isFolder ? .folder : isLink ? .link : .file
  }
}
