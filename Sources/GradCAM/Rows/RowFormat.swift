import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How rows are written.
package enum RowFormat: Sendable {
  /// One JSON document per line; the first says of which configuration the rows after it are.
  case json
  /// A heading, then one record per line, with a column for each metric.
  case csv

  /// Throws `usage` for an unknown extension.
  package init(ofOutput path: String) throws {
    switch path.split(separator: ".").last.map({ $0.lowercased() }) {
    case "jsonl", "json": self = .json
    case "csv": self = .csv
    default:
      throw GradCAMError(
        .usage, at: path, problem: "the name has no known extension", advice: "use .jsonl for JSON lines, or .csv")
    }
  }

  /// The columns before those of metrics, and those after them.
  private static let first = [
    "image", "configuration", "model", "node", "method", "concept", "target", "class", "label", "box", "score",
    "probability", "output", "warnings",
  ]
  private static let last = ["error", "sha256"]

  /// The line before all rows.
  package func heading(_ configuration: Configuration, _ metrics: [String]) throws -> String {
    switch self {
    case .json: try configuration.line()
    case .csv: Self.csvHeading(metrics)
    }
  }

  /// The names of the columns.
  package static func csvHeading(_ metrics: [String]) -> String { CSV.record(first + metrics + last) }

  /// The metrics of a table with this heading; nil if it is none.
  package static func metrics(ofHeading line: String) -> [String]? {
    guard let fields = CSV.fields(line), fields.count >= first.count + last.count,
      Array(fields.prefix(first.count)) == first, Array(fields.suffix(last.count)) == last
    else { return nil }
    return Array(fields[first.count..<fields.count - last.count])
  }

  /// The line of a row, without its end.
  package func text(_ row: Row, _ metrics: [String]) throws -> String {
    switch self {
    case .json: return try jsonLine(row)
    case .csv:
      func text<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "" }
      let known = [
        row.image, row.configuration, row.model, text(row.node), text(row.method), text(row.concept), text(row.target),
        text(row.class), text(row.label), (row.box ?? []).map { "\($0)" }.joined(separator: " "), text(row.score),
        text(row.probability), text(row.output),
        (row.warnings ?? []).joined(separator: " "),
      ]
      let numbers = metrics.map { name in text(row.metrics?[name] ?? nil) }
      return CSV.record(known + numbers + [text(row.error), text(row.sha256)])
    }
  }

  /// Whether a record may begin with a text that has no end, as one that an interrupted run left.
  package func mayBegin(_ text: String) -> Bool {
    guard self == .json else { return true }
    struct Anything: Decodable { init(from decoder: any Decoder) {} }
    let isWhole = (try? JSONDecoder().decode(Anything.self, from: Data(text.utf8))) != nil
    guard !isWhole else { return row(text, []) != nil || Configuration(text) != nil }
    // The first keys, in the order in which they are written; those of numbers may be missing.
    var rest = text.hasPrefix("{") ? text.dropFirst() : "?"
    for key in [#""class":"#, #""concept":"#] where rest.hasPrefix(key) {
      rest = rest.dropFirst(key.count).drop { ("0"..."9").contains($0) }
      guard rest.first == "," else { return rest.isEmpty }
      rest = rest.dropFirst()
    }
    return [#""class":"#, #""concept":"#, #""configuration":""#, #""configuration":{""#].contains {
      $0.hasPrefix(rest) || rest.hasPrefix($0)
    }
  }

  /// Parses a record; nil if it is malformed.
  package func row(_ text: String, _ metrics: [String]) -> Row? {
    switch self {
    case .json:
      let row = try? JSONDecoder().decode(Row.self, from: Data(text.utf8))
      return row.flatMap { $0.method == nil && $0.error == nil ? nil : $0 }
    case .csv:
      guard let fields = CSV.fields(text), fields.count == Self.first.count + metrics.count + Self.last.count else {
        return nil
      }
      let place = Dictionary(
        uniqueKeysWithValues: (Self.first.enumerated().map { ($1, $0) })
          + Self.last.enumerated().map { ($1, Self.first.count + metrics.count + $0) })
      func given(_ name: String) -> String? { fields[place[name]!].isEmpty ? nil : fields[place[name]!] }
      func number<Number: LosslessStringConvertible>(_ name: String) -> Number? { given(name).flatMap { Number($0) } }
      let numbers = fields[Self.first.count...].prefix(metrics.count).map { Double($0) }
      return Row(
        image: fields[0], model: fields[2], configuration: fields[1], node: given("node"), method: given("method"),
        concept: number("concept"), target: given("target"), class: number("class"), label: given("label"),
        box: given("box")?.split(separator: " ").compactMap { Double($0) }, score: number("score"),
        probability: number("probability"), output: given("output"),
        metrics: given("method") == nil || metrics.isEmpty
          ? nil : Dictionary(uniqueKeysWithValues: zip(metrics, numbers)),
        warnings: given("warnings")?.split(separator: " ").map(String.init), error: given("error"),
        sha256: given("sha256"))
    }
  }
}
