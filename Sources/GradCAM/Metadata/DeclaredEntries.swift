import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is written for this program about a network's use: the entries `gradcam.*` of its file, or those of the sidecar
/// `MODEL.json` beside it.
struct DeclaredEntries {
  /// What an entry is about.
  enum Key: String, CaseIterable {
    case channels, columns, crop, interpolation, labels, layout, mean, preset, range, resize, size, std
  }

  private typealias Entry = (name: String, value: LiteralValue)

  private var entries: [Key: Entry] = [:]
  /// The path of the sidecar, if they are its.
  let sidecar: String?
  /// What stands before the name of an entry in messages.
  private let place: String
  static let prefix = "gradcam."

  /// The entries of a network's file.
  ///
  /// Throws `badData` if one has an unknown name.
  init(metadata: [String: String]) throws {
    (sidecar, place) = (nil, "metadata ")
    for (name, text) in metadata.sorted(by: { $0.key < $1.key }) where name.hasPrefix(Self.prefix) {
      try add(name, .text(text))
    }
  }

  /// The entries of a sidecar; nil if none of its entries resembles one for this program.
  ///
  /// Their names may have the prefix `gradcam.` or none, and they may be grouped under `gradcam` or `preprocessing`, which
  /// may also be a preset.
  ///
  /// Throws `unreadable`, or `badData` if it is no JSON object or an entry has an unknown name or is given twice.
  init?(sidecar path: String) throws {
    (sidecar, place) = (path, "\(path): ")
    let map = try Self.contents(ofSidecar: path)
    guard map.isEmpty || map.keys.contains(where: Self.isMeant) else { return nil }
    try add(map)
  }

  /// What a sidecar holds.
  ///
  /// Throws `unreadable`, or `badData` if it is no JSON object or has a key twice.
  static func contents(ofSidecar path: String) throws -> [String: LiteralValue] {
    let text = try textOfFile(at: path, advice: "correct it or move it away")
    do {
      if let map = try LiteralValue(json: text).map { return map }
    } catch let error as GradCAMError {
      throw GradCAMError(
        .badData, at: "\(path)", problem: "is not a JSON object: \(error.message)", advice: "correct it or move it away"
      )
    }
    throw GradCAMError(.badData, at: path, problem: "is not a JSON object", advice: "correct it or move it away")
  }

  private mutating func add(_ map: [String: LiteralValue]) throws {
    for (name, value) in map.sorted(by: { $0.key < $1.key }) {
      switch (name, value) {
      case ("gradcam", .map(let group)), ("preprocessing", .map(let group)): try add(group)
      case ("preprocessing", _), ("gradcam.preprocessing", _): try add(name, value, as: .preset)
      default: try add(name, value)
      }
    }
  }

  private mutating func add(_ name: String, _ value: LiteralValue) throws {
    guard let key = Self.key(name) else {
      let near = nearest(to: Self.bare(name), among: Key.allCases.map(\.rawValue), count: 1).first
      throw GradCAMError(
        .badData, at: "\(place)\(name)", problem: "is not the name of an entry",
        advice: near.map { "did you mean '\($0)'? The others are \(Self.names(but: $0))" }
          ?? "the names are \(Self.names())")
    }
    try add(name, value, as: key)
  }

  private mutating func add(_ name: String, _ value: LiteralValue, as key: Key) throws {
    if let other = entries[key] {
      throw GradCAMError(
        .badData, at: "\(place)\(name)", problem: "says the same as '\(other.name)'", advice: "leave one of them out")
    }
    entries[key] = (name, value)
  }

  private static func names(but name: String = "") -> String {
    Key.allCases.map(\.rawValue).filter { $0 != name }.joined(separator: ", ")
  }

  private static func bare(_ name: String) -> String {
    name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
  }

  static func key(_ name: String) -> Key? { Key(rawValue: bare(name)) }

  /// Whether a name is one for this program, perhaps misspelt.
  private static func isMeant(_ name: String) -> Bool {
    name.lowercased().hasPrefix("gradcam") || name == "preprocessing" || key(name) != nil
      || !nearest(to: name, among: Key.allCases.map(\.rawValue), count: 1).isEmpty
  }
}

extension DeclaredEntries {
  /// Whether there is any entry.
  var isEmpty: Bool { entries.isEmpty }

  /// Reads an entry from its text; numbers and lists are taken as their texts, the elements separated by commas.
  ///
  /// Throws `badData` saying what is expected if it cannot be read; nil if there is none.
  func parsed<Value>(_ key: Key, _ expected: String, _ parse: (String) -> Value?) throws -> Value? {
    guard let (name, value) = entries[key] else { return nil }
    guard let text = value.plainText, let parsed = parse(text.lowercased()) else {
      throw GradCAMError(
        .badData, at: "\(place)\(name)", problem: "'\(value.plainText ?? "…")' is not \(expected)")
    }
    return parsed
  }

  /// One number for each of three channels.
  func numbers(_ key: Key) throws -> [Float]? { try parsed(key, "three numbers") { [Float](channels: $0) } }

  /// A size.
  func size(_ key: Key) throws -> PixelSize? {
    try parsed(key, "a number or WIDTHxHEIGHT") { PixelSize($0.withEqualSidesAsOne) }
  }

  /// Texts: a list, or the lines of one.
  ///
  /// Throws `badData` for anything else; empty if there is no entry.
  func lines(_ key: Key) throws -> [String] {
    guard let (name, value) = entries[key] else { return [] }
    if let text = value.text { return text.split(whereSeparator: \.isNewline).map(String.init) }
    let lines = value.list?.compactMap(\.text)
    guard let lines, lines.count == value.list?.count else {
      throw GradCAMError(.badData, at: "\(place)\(name)", problem: "is neither a text nor a list of texts")
    }
    return lines
  }

  /// The names of classes, and the file that they were read from: a sidecar may name one, from its own folder on.
  ///
  /// Throws `unreadable`, or `badData` if they cannot be read.
  func labels() throws -> (names: [String], path: String?)? {
    guard let (name, value) = entries[.labels] else { return nil }
    if let text = value.text {
      guard let sidecar, !text.contains(where: \.isNewline) else { return (Labels(lines: text).names, nil) }
      let folder = sidecar.lastIndex(of: "/").map { sidecar[...$0] } ?? ""
      let path = text.hasPrefix("/") ? text : folder + text
      return try located("\(place)\(name)") { (try Labels(contentsOf: path).names, path) }
    }
    guard let names = value.classNames, !names.isEmpty else {
      throw GradCAMError(
        .badData, at: "\(place)\(name)", problem: "are not names of classes",
        advice: "give a list of names, a map from numbers to names, or the path of a file")
    }
    return (names, nil)
  }
}

extension LiteralValue {
  /// A text, a number or a list of these as text; nil for anything else.
  fileprivate var plainText: String? {
    switch self {
    case .text(let text): return text
    case .number(let number): return Int(exactly: number).map(String.init) ?? String(number)
    case .list(let values):
      let parts = values.filter { $0.list == nil }.compactMap(\.plainText)
      return parts.count == values.count ? parts.joined(separator: ",") : nil
    case .null: return "null"
    case .bool(let value): return "\(value)"
    case .map: return nil
    }
  }
}

extension String {
  /// `N` for a list of two sides `N,N`; lists of other sides stay, since some write the height first.
  var withEqualSidesAsOne: String {
    let parts = split(separator: ",")
    return parts.count == 2 && parts[0] == parts[1] ? String(parts[0]) : self
  }
}
