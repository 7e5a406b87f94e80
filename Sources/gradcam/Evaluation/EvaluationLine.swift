import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One line of an evaluation's file: a map of an image with its metrics, or an image that could not be read.
struct EvaluationLine: Codable, Equatable {
  /// The picture's path relative to the folder.
  let image: String
  let model: String
  var node: String?
  var method: String?
  var `class`: Int?
  var label: String?
  var probability: Float?
  /// By name; nil if a metric is not defined.
  var metrics: [String: Double?]?
  /// Why the picture was skipped.
  var error: String?
  /// The SHA-256 of the picture's file, in lines of JSON.
  var sha256: String?
}

/// A line of an evaluation's file that says how the lines after it came about.
struct EvaluationHead: Codable {
  let provenance: Provenance
}

/// A JSON document of any kind.
private struct AnyJSON: Decodable {
  init(from decoder: any Decoder) {}
}

/// How lines are written.
enum EvaluationFormat {
  /// One JSON document per line.
  case json
  /// A heading, then one record per line, with a column for each metric.
  case csv

  /// Throws `usage` for an unknown extension.
  init(ofOutput path: String) throws {
    switch path.split(separator: ".").last.map({ $0.lowercased() }) {
    case "jsonl", "json": self = .json
    case "csv": self = .csv
    default:
      throw GradCAMError(
        .usage, at: path, problem: "the name has no known extension", advice: "use .jsonl for JSON lines, or .csv")
    }
  }

  private static let columns = ["image", "model", "node", "method", "class", "label", "probability"]

  /// The heading; nil if the format has none.
  func heading(_ metrics: [String]) -> String? { self == .csv ? CSV.record(Self.columns + metrics + ["error"]) : nil }

  /// A line that says how those after it came about; nil if the format has none.
  func text(_ head: EvaluationHead) throws -> String? { self == .json ? try jsonLine(head) : nil }

  func text(_ line: EvaluationLine, _ metrics: [String]) throws -> String {
    switch self {
    case .json: return try jsonLine(line)
    case .csv:
      let numbers = metrics.map { name in (line.metrics?[name] ?? nil).map { "\($0)" } ?? "" }
      let known = [
        line.image, line.model, line.node, line.method, line.class.map(String.init), line.label,
        line.probability.map { "\($0)" },
      ].map { $0 ?? "" }
      return CSV.record(known + numbers + [line.error ?? ""])
    }
  }

  /// Whether a record may begin with a text that has no end, as one that an interrupted run left.
  func mayBegin(_ text: String) -> Bool {
    guard self == .json else { return true }
    let isWhole = (try? JSONDecoder().decode(AnyJSON.self, from: Data(text.utf8))) != nil
    guard !isWhole else { return line(text, []) != nil || head(text) != nil }
    // The first keys, in the order in which they are written.
    let number = text.hasPrefix(#"{"class":"#) ? text.dropFirst(9).prefix { ("0"..."9").contains($0) } : ""
    let starts = [#"{"class":\#(number),"image":""#, #"{"error":""#, #"{"image":""#, #"{"provenance":{"arguments":["#]
    return starts.contains { start in
      start.hasPrefix(text) || text.hasPrefix(start)
    }
  }

  /// Parses a line that says how those after it came about; nil if it is none.
  func head(_ text: String) -> EvaluationHead? {
    // The two kinds of lines have no key in common.
    guard self == .json, text.hasPrefix(#"{"provenance":"#) else { return nil }
    return try? JSONDecoder().decode(EvaluationHead.self, from: Data(text.utf8))
  }

  /// Parses a record; nil if it is malformed.
  func line(_ text: String, _ metrics: [String]) -> EvaluationLine? {
    switch self {
    case .json:
      let line = try? JSONDecoder().decode(EvaluationLine.self, from: Data(text.utf8))
      return line.flatMap { $0.method == nil && $0.error == nil ? nil : $0 }
    case .csv:
      guard let fields = CSV.fields(text), fields.count == Self.columns.count + metrics.count + 1 else { return nil }
      let numbers = fields[Self.columns.count...].dropLast().map { Double($0) }
      func given(_ index: Int) -> String? { fields[index].isEmpty ? nil : fields[index] }
      return EvaluationLine(
        image: fields[0], model: fields[1], node: given(2), method: given(3), class: given(4).flatMap { Int($0) },
        label: given(5), probability: given(6).flatMap { Float($0) },
        metrics: given(3) == nil ? nil : Dictionary(uniqueKeysWithValues: zip(metrics, numbers)),
        error: fields.last!.isEmpty ? nil : fields.last)
    }
  }
}
