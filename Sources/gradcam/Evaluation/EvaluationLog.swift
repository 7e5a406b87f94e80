import GradCAM
import Graph

/// The file of an evaluation: the lines of an earlier run, and those that this run adds.
///
/// Nothing is written before all of the file has been recognised, and what is there is only replaced by what is new.
final class EvaluationLog {
  private let log: LineLog
  private let format: EvaluationFormat
  private let metrics: [String]
  /// What is to be said of the lines that this run adds; nil if it is said already, or the format has no place for it.
  private var head: EvaluationHead?
  /// By image, the methods that have lines; empty if the image could not be read.
  private(set) var finished: [String: Set<String>] = [:]
  /// The last image, to be measured again first, since some of its lines may be missing.
  var unfinished: String? { pending.last?.image }
  /// How many lines repeat an earlier one.
  private(set) var doubledCount = 0
  /// By image, what its lines are about.
  private var seen: [String: Set<String>] = [:]
  /// The lines of `unfinished`.
  private var pending: [EvaluationLine] = []
  /// The end of the file that is replaced, as far as it differs from what is written next: `pending` and an incomplete
  /// line, which begins at `incomplete`.
  private var end: (start: Int, incomplete: Int, bytes: [UInt8]) = (0, 0, [])

  /// Opens the file.
  ///
  /// - Parameters:
  ///   - metrics: the names of the metrics in the lines.
  ///   - resumes: whether lines of an earlier run are kept.
  ///   - expected: the model and node that they must have.
  ///   - provenance: how the lines of this run come about.
  ///   - measures: whether this run measures an image.
  ///   - kept: receives every line that is kept.
  ///
  /// Throws `usage` if the file exists and the run does not resume, or if it is not that of the same kind of run, and
  /// `unwritable` if another run is writing it.
  init(
    _ path: String, metrics: [String], resumes: Bool, expected: (model: String, node: String),
    provenance: Provenance?, measures: (String) -> Bool, kept: (EvaluationLine) -> Void
  ) throws {
    format = try EvaluationFormat(ofOutput: path)
    log = try LineLog(path, continues: resumes)
    self.metrics = metrics
    head = provenance.map(EvaluationHead.init)
    let heading = format.heading(metrics)
    /// How the last lines came about.
    var last: EvaluationHead?
    var hasHeading = heading == nil, record = EvaluationRecord(format)
    /// The lines of the last image so far.
    var group: (lines: [EvaluationLine], start: Int) = ([], 0)
    func other(_ what: String) -> GradCAMError {
      GradCAMError(
        .usage, at: "--resume \(path)", problem: "holds \(what)",
        advice: "give the options that it was made with, or another --output")
    }
    try log.forEachLine { part in
      guard record.add(part) else { return }
      guard hasHeading else {
        guard record.text == heading else { throw other("other columns than this run's") }
        hasHeading = true
        return
      }
      if let head = format.head(record.text) {
        group.lines.forEach { keep($0, kept) }
        (group.lines, last) = ([], head)
        return
      }
      guard let line = format.line(record.text, metrics) else {
        throw other("a line that is not an evaluation's: \(record.text.prefix(60))")
      }
      guard line.model == expected.model else { throw other("lines of the model \(line.model)") }
      guard line.node ?? expected.node == expected.node else { throw other("lines of the node \(line.node!)") }
      guard line.method == nil || Set(metrics) == Set(line.metrics.map { Array($0.keys) } ?? []) else {
        throw other("lines with other metrics")
      }
      if let last = group.lines.last, last.image != line.image {
        group.lines.forEach { keep($0, kept) }
        group.lines = []
      }
      if group.lines.isEmpty { group.start = record.start }
      group.lines.append(line)
    }
    if record.isOpen {
      guard hasHeading ? format.mayBegin(record.text) : heading!.hasPrefix(record.text) else {
        throw other("what is not an evaluation, and has no line end: \(record.text.prefix(60))")
      }
    }
    end.incomplete = record.isOpen ? record.start : record.end
    end.start = end.incomplete
    if let image = group.lines.last?.image, measures(image), group.lines.contains(where: { !hasSeen($0) }) {
      (pending, end.start) = (group.lines, group.start)
    } else {
      group.lines.forEach { keep($0, kept) }
    }
    try log.forEachLine(from: end.start) { part in
      end.bytes += part.bytes
      if part.isComplete { end.bytes.append(UInt8(ascii: "\n")) }
    }
    if !hasHeading, let heading { try write([heading]) }
    if let new = head, let last, last.provenance.isOfSameKind(as: new.provenance) { head = nil }
  }

  private func key(_ line: EvaluationLine) -> String { "\(line.class.map(String.init) ?? "") \(line.method ?? "")" }

  private func hasSeen(_ line: EvaluationLine) -> Bool { seen[line.image]?.contains(key(line)) ?? false }

  private func keep(_ line: EvaluationLine, _ kept: (EvaluationLine) -> Void) {
    guard seen[line.image, default: []].insert(key(line)).inserted else {
      doubledCount += 1
      return
    }
    finished[line.image, default: []].formUnion(line.method.map { [$0] } ?? [])
    kept(line)
  }

  /// Leaves the lines of an image as they are, because it is not measured again.
  ///
  /// - Parameter kept: receives those that were not kept yet.
  func leave(_ image: String, kept: (EvaluationLine) -> Void) {
    guard image == unfinished else { return }
    pending.forEach { keep($0, kept) }
    pending = []
    end.bytes.removeFirst(end.incomplete - end.start)
    end.start = end.incomplete
  }

  /// Adds the lines of an image, in place of those of `unfinished` if it is this one.
  ///
  /// Throws `unwritable` if they cannot be written.
  func append(_ lines: [EvaluationLine]) throws {
    let head = lines.isEmpty ? nil : try head.flatMap { try format.text($0) }
    try write([head].compactMap { $0 } + lines.map { try format.text($0, metrics) })
    if !lines.isEmpty { self.head = nil }
    pending = []
  }

  /// Removes an incomplete last line, if nothing was written in its place.
  ///
  /// Throws `unwritable` if that fails.
  func finish() throws {
    try write([])
    log.note()
  }

  private func write(_ lines: [String]) throws {
    let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
    let common = zip(bytes, end.bytes).prefix { $0 == $1 }.count
    if common < end.bytes.count { try log.truncate(to: end.start + common) }
    end.bytes = []
    try log.append(bytes[common...])
  }
}

/// Puts the lines of a file together to records: a quoted field of a table may hold line ends.
private struct EvaluationRecord {
  private let format: EvaluationFormat
  private(set) var text = ""
  private(set) var start = 0
  /// Where the last line ends.
  private(set) var end = 0
  /// Whether it has begun and is incomplete.
  private(set) var isOpen = false
  private var quoteCount = 0

  init(_ format: EvaluationFormat) { self.format = format }

  /// Whether the record is complete with a line.
  mutating func add(_ line: LineLog.Line) -> Bool {
    let part = String(decoding: line.bytes, as: UTF8.self)
    if isOpen { text += "\n" + part } else { (text, start, quoteCount) = (part, line.start, 0) }
    if format == .csv { quoteCount += CSV.quoteCount(part) }
    isOpen = !line.isComplete || quoteCount % 2 == 1
    end = line.start + line.bytes.count + 1
    return !isOpen
  }
}
