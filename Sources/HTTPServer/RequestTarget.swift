/// The target of a request line: a path and what is asked of it.
struct RequestTarget {
  /// The decoded path.
  let path: String
  /// The decoded names and values after the `?`.
  let query: [(String, String)]
  /// The items of the query as they came.
  let encodedQuery: [Substring]

  /// Nil unless the target is an absolute path of visible ASCII, its escapes are whole, and what they decode to is UTF-8
  /// without control characters or dot segments.
  init?(_ target: String) {
    guard target.utf8.first == UInt8(ascii: "/"),
      target.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") })
    else { return nil }
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = Self.decoded(parts[0]),
      !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
    else { return nil }
    self.path = path
    encodedQuery = parts.count < 2 ? [] : parts[1].split(separator: "&")
    var query: [(String, String)] = []
    for item in encodedQuery {
      let sides = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(sides[0], plusIsSpace: true),
        let value = Self.decoded(sides.count < 2 ? "" : sides[1], plusIsSpace: true)
      else { return nil }
      query.append((name, value))
    }
    self.query = query
  }

  /// The part of a target that a log may show: without query, visible ASCII alone.
  static func loggedPath(_ target: String) -> String {
    var shown = ""
    for byte in target.utf8.prefix(while: { $0 != UInt8(ascii: "?") }).prefix(200) {
      shown += (0x21...0x7e).contains(byte) ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16)
    }
    return shown
  }

  private static func decoded(_ text: Substring, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self),
      !decoded.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { return nil }
    return decoded
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
  }
}
