/// The name of a file without its folders.
package func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

/// The folder of a file: what stands before the last part of its path.
package func enclosingFolder(of path: String) -> String {
  let end = path.utf8.last == UInt8(ascii: "/") ? path.utf8.dropLast() : path.utf8[...]
  // A slash with an accent is one character, but separates folders all the same.
  guard let slash = end.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

extension String {
  /// The text as a part of a file's name: `_` stands for what separates folders, for spaces and for control characters.
  ///
  /// A longer text is cut, and a checksum keeps it different from others that begin like it.
  /// - Parameters:
  ///   - count: the most bytes that the part may have, at least 10.
  ///   - marksChanges: whether any change adds a checksum, so that different texts stay different.
  package func asPartOfFileName(upTo count: Int, marksChanges: Bool = false) -> String {
    // A slash with an accent is one character, but separates folders all the same.
    var scalars = UnicodeScalarView()
    for scalar in withoutControls.unicodeScalars {
      scalars.append(scalar == "/" || scalar == ":" || scalar.properties.isWhitespace ? "_" : scalar)
    }
    let name = String(scalars)
    guard name.utf8.count > count || marksChanges && name != self else {
      // Nothing, `.` and `..` would be other places.
      return name.allSatisfy { $0 == "." } ? name + "_" : name
    }
    let checksum = String(CRC32.checksum(of: Array(utf8)) | 1 << 32, radix: 16).dropFirst()
    var kept = "", room = count - 1 - checksum.utf8.count
    for character in name {
      room -= character.utf8.count
      guard room >= 0 else { break }
      kept.append(character)
    }
    return "\(kept)~\(checksum)"
  }
}
