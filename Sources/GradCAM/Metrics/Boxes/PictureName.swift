/// The name by which a file of boxes means a picture: the end of its path, or a longer path that it ends.
struct PictureName: Hashable {
  /// The folders and the file.
  private let parts: [String]
  /// Whether the file's extension is part of it.
  let hasExtension: Bool

  /// Nil for an empty name.
  init?(_ path: String, hasExtension: Bool = true) {
    parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
    self.hasExtension = hasExtension
    if parts.isEmpty { return nil }
  }

  /// The name as messages show it.
  var text: String { parts.joined(separator: "/") }

  /// The file, without its folders.
  var file: String { parts.last! }

  /// The same without the extension of the file.
  var stem: PictureName {
    let file = file, end = file.lastIndex(of: ".").flatMap { $0 > file.startIndex ? $0 : nil }
    let path = (parts.dropLast() + [end.map { String(file[..<$0]) } ?? file]).joined(separator: "/")
    return PictureName(path, hasExtension: false) ?? self
  }

  /// How well the name fits a picture's path, which the better of two fits more; nil if neither is the end of the other.
  func fit(_ picture: PictureName) -> (common: Int, isEnd: Int)? {
    let picture = hasExtension ? picture : picture.stem, count = min(parts.count, picture.parts.count)
    guard parts.suffix(count) == picture.parts.suffix(count) else { return nil }
    return (count, parts.count <= picture.parts.count ? 1 : 0)
  }
}
