import GradCAM
import Graph
import HTTPServer
import Synchronization

/// The pictures of the page, by identifiers that nobody can guess: those of one browser are unknown to all others.
final class PictureStore: Sendable {
  /// A picture with what the page knows of it.
  struct Entry: Sendable {
    /// What no other picture has.
    let id: String
    let picture: Picture
    let name, path: String?

    /// A picture under an identifier of its own.
    ///
    /// - Parameter path: that of its file; nil if it came with a request.
    init(_ picture: Picture, path: String? = nil) {
      (id, self.picture, name, self.path) = (AccessToken.random(), picture, path.map(fileName), path)
    }

    var document: ImageDocument {
      ImageDocument(id: id, name: name, path: path, width: picture.width, height: picture.height)
    }
  }

  /// How many pictures and how many of their pixels are kept besides those of the command line.
  static let countLimit = 64, pixelLimit = 1 << 28

  /// The pictures of the command line, which stay.
  let initial: [Entry]
  /// Those that were uploaded, the most recently used last.
  private let uploaded = Mutex<[Entry]>([])

  /// Reads the pictures of a command line.
  ///
  /// Throws what reading throws, and `usage` if there are more than `countLimit`.
  init(paths: [String]) throws {
    guard paths.count <= Self.countLimit else {
      throw GradCAMError(
        .usage, problem: "\(paths.count) pictures were given", advice: "give at most \(Self.countLimit) for the page")
    }
    initial = try paths.map { Entry(try Picture(contentsOf: $0), path: $0) }
  }

  /// Keeps a picture, and forgets those that were not used for longest if there are too many.
  func add(_ picture: Picture) -> Entry {
    let entry = Entry(picture)
    uploaded.withLock { entries in
      entries.append(entry)
      while entries.count > Self.countLimit || entries.count > 1 && entries.pixelCount > Self.pixelLimit {
        entries.removeFirst()
      }
    }
    return entry
  }

  /// The picture with an identifier; nil if there is none, or if it was forgotten.
  subscript(_ id: String) -> Entry? {
    if let entry = initial.first(where: { $0.id == id }) { return entry }
    return uploaded.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.id == id }) else { return nil }
      entries.append(entries.remove(at: index))
      return entries.last
    }
  }

  /// Forgets a picture that was uploaded; false if there is none.
  func remove(_ id: String) -> Bool {
    uploaded.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.id == id }) else { return false }
      entries.remove(at: index)
      return true
    }
  }
}

extension [PictureStore.Entry] {
  fileprivate var pixelCount: Int { reduce(0) { $0 + $1.picture.width * $1.picture.height } }
}
