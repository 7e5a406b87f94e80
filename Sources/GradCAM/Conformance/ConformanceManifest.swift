import Graph

/// The expected outcomes of conformance cases, one per line: `pass NAME`, `skip NAME # reason` or `fail NAME # reason`.
///
/// A case that cannot meet the default tolerances has its own, with a reason: `pass NAME rtol=1e-2 # reason`.
/// Empty lines and lines that begin with `#` are ignored.
public struct ConformanceManifest: Sendable {
  /// One line.
  public struct Entry: Sendable, Equatable {
    /// The expected status.
    public let status: ConformanceOutcome.Status
    /// The relative tolerance; nil for the default.
    public let relativeTolerance: Float?
    /// The absolute tolerance; nil for the default.
    public let absoluteTolerance: Float?
    /// Why it does not pass, or needs its tolerance.
    public let reason: String?
  }

  /// The entries by case name.
  public let entries: [String: Entry]

  /// Reads a manifest.
  ///
  /// Throws `unreadable` if the file cannot be read, `badData` naming the line that cannot be parsed.
  public init(contentsOf path: String) throws {
    let bytes = try contentsOfFile(at: path)
    self = try located(path) { try ConformanceManifest(String(decoding: bytes, as: UTF8.self)) }
  }

  init(_ text: String) throws {
    var entries: [String: Entry] = [:]
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard let (name, entry) = try located("line \(index + 1)", { try Self.read(line) }) else { continue }
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw GradCAMError(
          .badData, at: "line \(index + 1)", problem: "'\(name)' is listed twice", advice: "keep one of its lines")
      }
    }
    self.entries = entries
  }

  private static func read(_ line: Substring) throws -> (name: String, entry: Entry)? {
    let parts = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let words = (parts.first ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    guard !words.isEmpty else { return nil }
    let reason = parts.count > 1 ? parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " ") : ""
    func wrong(_ problem: String) -> GradCAMError {
      GradCAMError(.badData, problem: problem, advice: "write 'pass NAME' or 'skip NAME # reason'")
    }
    let statuses: [String: ConformanceOutcome.Status] = ["pass": .passed, "skip": .skipped, "fail": .failed]
    guard let status = statuses[words[0]] else { throw wrong("'\(words[0])' is not pass, skip or fail") }
    guard words.count > 1 else { throw wrong("names no case") }
    var tolerances: [String: Float] = [:]
    for word in words.dropFirst(2) {
      let pair = word.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2, ["rtol", "atol"].contains(pair[0]), let value = Float(pair[1]), value >= 0 else {
        throw wrong("'\(word)' is not rtol=NUMBER or atol=NUMBER")
      }
      tolerances[String(pair[0])] = value
    }
    guard !reason.isEmpty || (status == .passed && tolerances.isEmpty) else { throw wrong("gives no reason") }
    let entry = Entry(
      status: status, relativeTolerance: tolerances["rtol"], absoluteTolerance: tolerances["atol"],
      reason: reason.isEmpty ? nil : reason)
    return (words[1], entry)
  }

  /// What is unexpected about a case's outcome; nil if it is what the case's line says.
  public func surprise(_ name: String, _ outcome: ConformanceOutcome) -> String? {
    guard let entry = entries[name] else { return "is not in the manifest; it \(outcome.status.rawValue)" }
    guard entry.status != outcome.status else { return nil }
    guard outcome.status != .passed else { return "passes; the manifest says otherwise" }
    return "\(outcome.status.rawValue), but the manifest says \(entry.status.rawValue)"
  }
}
