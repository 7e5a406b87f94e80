import Graph

/// A value as JSON writes it, or as a literal of Python or of YAML's flow style, which differ from JSON in quotes, keys
/// and the names of constants.
enum LiteralValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case text(String)
  case list([LiteralValue])
  /// Keys that are numbers are their texts.
  case map([String: LiteralValue])

  /// Reads a text; nil if it is not one value and nothing else, or if a map has a key twice.
  init?(_ text: some StringProtocol) {
    var reader = LiteralReader(bytes: Array(text.utf8))
    guard let value = reader.value(depth: 0, endsAtColon: false), reader.isAtEnd else { return nil }
    self = value
  }

  /// Reads a text that must be JSON.
  ///
  /// Throws `badData` naming the line of anything else, or of a key that occurs twice.
  init(json text: String) throws {
    var reader = LiteralReader(bytes: Array(text.utf8), isStrict: true)
    guard let value = reader.value(depth: 0, endsAtColon: false), reader.isAtEnd else { throw reader.fault }
    self = value
  }

  /// The value of a key; nil if there is none, if it is null, or if this is no map.
  subscript(_ key: String) -> LiteralValue? {
    guard case .map(let entries) = self, let value = entries[key], value != .null else { return nil }
    return value
  }

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  var list: [LiteralValue]? { if case .list(let values) = self { values } else { nil } }
  var map: [String: LiteralValue]? { if case .map(let entries) = self { entries } else { nil } }

  /// A whole number.
  var integer: Int? { number.flatMap { Int(exactly: $0) } }

  /// A list of numbers, or a single number as a list.
  var numbers: [Double]? {
    if let number { return [number] }
    guard let values = list else { return nil }
    let numbers = values.compactMap(\.number)
    return numbers.count == values.count ? numbers : nil
  }

  /// A text, or a whole number as text.
  var name: String? { text ?? integer.map(String.init) }
}

extension LiteralValue {
  /// The names of classes: a list of them, a map from numbers to names (or to a synset with its name), or a map from
  /// names to numbers; nil for anything else.
  ///
  /// Numbers count from 0; a number left out gets the name `class N`.
  var classNames: [String]? {
    switch self {
    case .list(let values):
      let names = values.compactMap(\.name)
      if names.count == values.count { return names }
      return Self.ordered(
        values.compactMap { value in
          guard let number = value["id"]?.integer ?? value["index"]?.integer,
            let name = value["name"]?.name ?? value["label"]?.name
          else { return nil }
          return (number, name)
        }, of: values.count)
    case .map(let entries):
      let fromNames = entries.compactMap { name, value in value.integer.map { ($0, name) } }
      let fromNumbers = entries.compactMap { key, value -> (Int, String)? in
        guard let number = Int(key) else { return nil }
        // imagenet_class_index.json: {"0": ["n01440764", "tench"], …}
        let parts = value.list ?? []
        return (parts.count == 2 ? parts[1].text : value.name).map { (number, $0) }
      }
      if fromNames.count == entries.count {
        // Numbers on both sides say which is which only if they are the same.
        guard fromNumbers.count < entries.count || fromNames.allSatisfy({ "\($0)" == $1 }) else { return nil }
        return Self.ordered(fromNames, of: entries.count)
      }
      return Self.ordered(fromNumbers, of: entries.count)
    default: return nil
    }
  }

  /// Names by their numbers; nil if some are missing from `pairs`, a number occurs twice or lies far beyond the others.
  static func ordered(_ pairs: [(number: Int, name: String)], of count: Int) -> [String]? {
    guard pairs.count == count, count > 0, let last = pairs.map(\.number).max(), last < 4 * count + 16,
      pairs.allSatisfy({ $0.number >= 0 }), Set(pairs.map(\.number)).count == count
    else { return nil }
    var names = (0...last).map { "class \($0)" }
    for (number, name) in pairs { names[number] = name }
    return names
  }
}

/// Reads a value from bytes.
private struct LiteralReader {
  let bytes: [UInt8]
  /// Whether only JSON is read.
  let isStrict: Bool
  private var position = 0
  private var repeatedKey: String?
  private static let deepest = 64

  init(bytes: [UInt8], isStrict: Bool = false) { (self.bytes, self.isStrict) = (bytes, isStrict) }

  /// Why nothing was read.
  var fault: GradCAMError {
    let line = bytes[..<min(position, bytes.count)].count { $0 == 0x0A } + 1
    let problem =
      repeatedKey.map { "the key '\($0)' occurs twice" }
      ?? (position < bytes.count ? "is not JSON from here on" : "the text ends too early")
    return GradCAMError(.badData, at: "line \(line)", problem: problem)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return next == nil
    }
  }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// - Parameter endsAtColon: whether the value is the key of a map.
  mutating func value(depth: Int, endsAtColon: Bool) -> LiteralValue? {
    guard depth < Self.deepest else { return nil }
    if skip("{") { return map(depth) }
    if skip("[") { return list(depth, end: "]") }
    if skip("\"") { return quoted(by: UInt8(ascii: "\"")).map { .text($0) } }
    if isStrict { return plain(endsAtColon: endsAtColon) }
    if skip("(") { return list(depth, end: ")") }
    if skip("'") { return quoted(by: UInt8(ascii: "'")).map { .text($0) } }
    return plain(endsAtColon: endsAtColon)
  }

  private mutating func map(_ depth: Int) -> LiteralValue? {
    var entries: [String: LiteralValue] = [:]
    while !skip("}") {
      guard !isStrict || next == UInt8(ascii: "\""), let key = value(depth: depth + 1, endsAtColon: true)?.name else {
        return nil
      }
      if entries[key] != nil {
        repeatedKey = key
        return nil
      }
      guard skip(":"), let value = value(depth: depth + 1, endsAtColon: false) else { return nil }
      entries[key] = value
      guard skipComma(before: "}") else { return nil }
    }
    return .map(entries)
  }

  private mutating func list(_ depth: Int, end: Unicode.Scalar) -> LiteralValue? {
    var values: [LiteralValue] = []
    while !skip(end) {
      guard let value = value(depth: depth + 1, endsAtColon: false) else { return nil }
      values.append(value)
      guard skipComma(before: end) else { return nil }
    }
    return .list(values)
  }

  /// Skips the comma after an element, which the last one has only outside of JSON.
  private mutating func skipComma(before end: Unicode.Scalar) -> Bool {
    guard skip(",") else { return next == UInt8(ascii: end) }
    skipSpace()
    return !isStrict || next != UInt8(ascii: end)
  }

  /// The rest of a text in quotes, which a backslash or, as in YAML, doubling escapes.
  private mutating func quoted(by quote: UInt8) -> String? {
    var text: [UInt8] = []
    while let byte = next {
      position += 1
      if byte == UInt8(ascii: "\\") {
        guard let escaped = escape() else { return nil }
        text += Array(String(escaped).utf8)
      } else if byte != quote {
        guard !isStrict || byte >= 0x20 else { return nil }
        text.append(byte)
      } else if quote == UInt8(ascii: "'"), next == quote {
        text.append(quote)
        position += 1
      } else {
        return String(validating: text, as: UTF8.self)
      }
    }
    return nil
  }

  /// The character that an escape sequence means, after its backslash.
  private mutating func escape() -> Character? {
    guard let byte = next else { return nil }
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "x") where !isStrict: return hexadecimal(2).flatMap(Unicode.Scalar.init).map(Character.init)
    case UInt8(ascii: "U") where !isStrict: return hexadecimal(8).flatMap(Unicode.Scalar.init).map(Character.init)
    case UInt8(ascii: "u"):
      guard let unit = hexadecimal(4) else { return nil }
      // JSON writes a character above U+FFFF as two surrogates.
      if (0xD800..<0xDC00).contains(unit), bytes[position...].starts(with: Array("\\u".utf8)) {
        position += 2
        guard let low = hexadecimal(4), (0xDC00..<0xE000).contains(low) else { return nil }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)).map(Character.init)
      }
      return Unicode.Scalar(unit).map(Character.init)
    case _ where isStrict: return "\"\\/".utf8.contains(byte) ? Character(Unicode.Scalar(byte)) : nil
    default: return byte < 0x80 ? Character(Unicode.Scalar(byte)) : nil
    }
  }

  private mutating func hexadecimal(_ count: Int) -> UInt32? {
    guard position + count <= bytes.count else { return nil }
    defer { position += count }
    return UInt32(String(decoding: bytes[position..<position + count], as: UTF8.self), radix: 16)
  }

  /// A constant, a number, or a text without quotes, as YAML allows it.
  private mutating func plain(endsAtColon: Bool) -> LiteralValue? {
    let start = position
    while let byte = next, !",]})\n\r".utf8.contains(byte), !(endsAtColon && byte == UInt8(ascii: ":")) {
      position += 1
    }
    guard let text = String(validating: bytes[start..<position], as: UTF8.self)?.trimmingSpace, !text.isEmpty else {
      return nil
    }
    if isStrict, !["null", "true", "false"].contains(text), !text.isJSONNumber {
      position = start
      return nil
    }
    return LiteralValue(plain: text)
  }
}

extension String {
  /// Whether it is a number as JSON writes it.
  fileprivate var isJSONNumber: Bool {
    let digits = utf8.drop { $0 == UInt8(ascii: "-") }
    guard let first = digits.first, let last = digits.last, digits.count + 1 >= utf8.count else { return false }
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    let startsWithZero = first == 0x30 && digits.dropFirst().first.map(isDigit) == true
    return isDigit(first) && isDigit(last) && !startsWithZero
      && digits.allSatisfy { isDigit($0) || "+-.eE".utf8.contains($0) } && Double(self) != nil
  }
}

extension LiteralValue {
  /// A text without quotes.
  init(plain text: String) {
    switch text {
    case "null", "None", "~": self = .null
    case "true", "True": self = .bool(true)
    case "false", "False": self = .bool(false)
    default: self = Double(text).map { .number($0) } ?? .text(text)
    }
  }
}

extension StringProtocol {
  /// The text without white space at its ends.
  var trimmingSpace: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
      return ""
    }
    return String(self[first...last])
  }
}
