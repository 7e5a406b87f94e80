import Graph

/// Names of classes, read from a file in one of the forms in which they are kept.
enum LabelFile {
  /// Reads the names that a text holds.
  ///
  /// - Parameter name: the file's name, whose extension tells CSV and YAML from plain lists.
  ///
  /// Throws `badData` for a text that is none of the forms that `Labels.init(contentsOf:)` lists.
  static func names(in text: String, name: String) throws -> [String] {
    let suffix = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
    let lines = text.lines
    if let first = text.first(where: { !$0.isWhitespace }), "{[".contains(first) {
      guard let names = LiteralValue(text)?.labels else {
        throw unreadable("is JSON of a form that is not known to hold the names of classes")
      }
      return names
    }
    if ["yaml", "yml"].contains(suffix) || lines.contains(where: { $0.hasPrefix("names:") }) {
      guard let names = YAMLNames(lines).names else {
        throw unreadable("is YAML without a list or map 'names' of the classes")
      }
      return names
    }
    let separator: Unicode.Scalar = suffix == "tsv" ? "\t" : ","
    if ["csv", "tsv"].contains(suffix) || LabelTable.hasHead(lines, separator) {
      guard let names = LabelTable(lines, separator).names else {
        throw unreadable("is a table without a column of the classes' names")
      }
      return names
    }
    guard !lines.contains(where: isMarkup) else { throw unreadable("is not a list of one label a line") }
    return lines.withoutSynsets ?? lines.withoutNumbers ?? lines
  }

  /// Whether a line belongs to a format with a syntax, which this is not a reader of.
  private static func isMarkup(_ line: String) -> Bool {
    let line = line.trimmingSpace
    guard let first = line.first, let last = line.last else { return false }
    if "{}[]<".contains(first) || "{[".contains(last) { return true }
    if line.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" }) { return true }
    // A quoted text that a comma follows is an element of something.
    return (first == "\"" || first == "'") && last == "," && line.dropLast().last == first
  }

  private static func unreadable(_ problem: String) -> GradCAMError {
    GradCAMError(.badData, problem: problem, advice: "write one label per line, in the order of the classes")
  }
}

extension String {
  /// The lines, with Unix, Windows or old Macintosh endings, without empty ones at the end.
  var lines: [String] {
    // A carriage return and a line feed are one character.
    var lines = split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }.map(String.init)
    while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
    return lines
  }
}

extension [String] {
  /// The names after WordNet's numbers, as in `n01440764 tench, Tinca tinca`; nil if a line does not have both.
  fileprivate var withoutSynsets: [String]? {
    let names = compactMap { line -> String? in
      let number = line.prefix { !$0.isWhitespace }
      let name = line.dropFirst(number.count).trimmingSpace
      let isSynset = number.count == 9 && number.first == "n" && number.dropFirst().allSatisfy(\.isWholeNumber)
      return isSynset && !name.isEmpty ? name : nil
    }
    return names.count == count && count > 0 ? names : nil
  }

  /// The names after their own numbers from 0 on, as in `0 cat` or `0: cat`; nil if a line does not have its number.
  fileprivate var withoutNumbers: [String]? {
    let names = enumerated().compactMap { index, line -> String? in
      let number = line.prefix { $0.isWholeNumber }
      let rest = line.dropFirst(number.count)
      guard Int(number) == index, let first = rest.first, first.isWhitespace || ":,;".contains(first) else {
        return nil
      }
      let name = rest.drop { $0.isWhitespace || ":,;".contains($0) }.trimmingSpace
      return name.isEmpty ? nil : name
    }
    return names.count == count && count > 0 ? names : nil
  }
}

extension LiteralValue {
  /// The names that a whole file holds: on its own or under one of the usual keys.
  fileprivate var labels: [String]? {
    if let names = classNames { return names }
    let keys = [
      "id2label", "names", "labels", "classes", "class_names", "label_names", "categories", "class_to_idx", "label2id",
    ]
    return keys.lazy.compactMap { self[$0]?.classNames }.first ?? self["pretrained_cfg"]?.labels
  }
}

/// The entry `names` of a file of YAML: a list or a map of numbers, in flow style on its lines or with a line for each.
private struct YAMLNames {
  /// Nil if there is none that can be read.
  private(set) var names: [String]?

  init(_ lines: [String]) {
    let isComment = { (line: String) in line.trimmingSpace.first == "#" || line.trimmingSpace == "---" }
    let lines = lines.filter { !isComment($0) && !$0.trimmingSpace.isEmpty }
    guard let start = lines.firstIndex(where: { $0.hasPrefix("names:") }) else {
      // A file that is nothing but the list.
      names = Self.block(lines[...])
      return
    }
    let head = lines[start].dropFirst("names:".count).trimmingSpace
    let rest = lines[(start + 1)...].prefix { " \t-]}".contains($0.first!) }
    if let opening = head.first, "[{".contains(opening) {
      let flow = ([head] + rest).map(Self.withoutComment).joined(separator: "\n")
      names = LiteralValue(flow)?.classNames
    } else if head.isEmpty || head.first == "#" {
      names = Self.block(rest)
    }
  }

  /// `- name` or `0: name` on every line.
  private static func block(_ lines: ArraySlice<String>) -> [String]? {
    guard let first = lines.first else { return nil }
    let indent = first.prefix { $0 == " " }.count
    var pairs: [(Int, String)] = []
    for line in lines {
      guard line.prefix(while: { $0 == " " }).count == indent else { return nil }
      let text = withoutComment(line.trimmingSpace)
      if text.hasPrefix("- ") {
        guard let name = scalar(text.dropFirst(2)) else { return nil }
        pairs.append((pairs.count, name))
      } else {
        guard let colon = text.firstIndex(of: ":"), let number = scalar(text[..<colon]).flatMap(Int.init),
          let name = scalar(text[text.index(after: colon)...])
        else { return nil }
        pairs.append((number, name))
      }
    }
    return LiteralValue.ordered(pairs, of: pairs.count)
  }

  /// A text in quotes or without; nil for one that is neither, or empty.
  private static func scalar(_ text: some StringProtocol) -> String? {
    let text = text.trimmingSpace
    guard let first = text.first else { return nil }
    if "\"'".contains(first) { return LiteralValue(text)?.text }
    return "{[&*!|>".contains(first) || text.contains(": ") ? nil : text
  }

  private static func withoutComment(_ line: String) -> String {
    line.firstRange(of: " #").map { String(line[..<$0.lowerBound]) } ?? line
  }
}

/// A table with a column of names and perhaps one of the classes' numbers.
private struct LabelTable {
  /// Nil if no column can be told to be that of the names.
  private(set) var names: [String]?

  private static let numberHeads = [
    "index", "id", "class_id", "class_index", "label_id", "idx", "number", "class", "label",
  ]
  /// The best first.
  private static let nameHeads = [
    "display_name", "class_name", "label_name", "name", "label", "labels", "category", "class", "classes",
    "description",
  ]

  /// Whether the first line consists of heads of columns alone.
  static func hasHead(_ lines: [String], _ separator: Unicode.Scalar) -> Bool {
    let cells = lines.first.map { Self.cells($0, separator).map { $0.lowercased() } } ?? []
    return cells.count > 1 && cells.allSatisfy { numberHeads.contains($0) || nameHeads.contains($0) }
  }

  init(_ lines: [String], _ separator: Unicode.Scalar) {
    var rows = lines.filter { !$0.trimmingSpace.isEmpty }.map { Self.cells($0, separator) }
    guard let first = rows.first else { return }
    let heads = first.map { $0.lowercased() }
    let isHead = heads.contains { Self.numberHeads.contains($0) || Self.nameHeads.contains($0) }
    if isHead { rows.removeFirst() }
    guard !rows.isEmpty, rows.allSatisfy({ $0.count == first.count }) else { return }
    let columns = first.indices, numbers = columns.filter { column in rows.allSatisfy { Int($0[column]) != nil } }
    let texts = columns.filter { !numbers.contains($0) }
    let named = isHead ? Self.nameHeads.lazy.compactMap { head in texts.first { heads[$0] == head } }.first : nil
    guard let nameColumn = named ?? (texts.count == 1 ? texts[0] : nil) else { return }
    let numbered = isHead ? Self.numberHeads.lazy.compactMap { head in numbers.first { heads[$0] == head } }.first : nil
    if let numberColumn = numbered ?? numbers.first {
      names = LiteralValue.ordered(rows.map { (Int($0[numberColumn])!, $0[nameColumn]) }, of: rows.count)
    } else {
      names = rows.map { $0[nameColumn] }
    }
  }

  /// The cells of a line; none if a quotation mark is misplaced.
  private static func cells(_ line: String, _ separator: Unicode.Scalar) -> [String] {
    CSV.fields(line, separator: separator)?.map(\.trimmingSpace) ?? []
  }
}
