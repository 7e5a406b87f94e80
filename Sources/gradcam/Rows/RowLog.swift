import GradCAM
import Graph

/// A table that grows by the rows of one image after another: those of an earlier run, and those that this run adds.
///
/// Nothing is written before all of the file has been recognised, and what is there is only replaced by what is new.
final class RowLog {
  private let log: LineLog
  private let format: RowFormat
  private let metrics: [String]
  /// What stands before all rows; nil if it is there already.
  private var heading: String?
  /// What is in the file.
  private var known = KnownRows()
  /// How many rows repeat an earlier one.
  private(set) var doubledCount = 0
  /// The rows of the last image, some of which may be missing: they are replaced if it is explained again.
  private var pending: [Row] = []
  /// The end of the file that is replaced, as far as it differs from what is written next: `pending` and an incomplete
  /// line.
  private var end: (start: Int, bytes: [UInt8]) = (0, [])
  /// How many images have rows, and the one that rows were added of last.
  private(set) var imageCount = 0
  private let kept: (Row) -> Void

  /// The methods that an image has rows of in the file, empty if it could not be explained; nil if it has no rows, or is
  /// to be explained again.
  func methods(of image: String) -> Set<String>? { known.methods(of: image) }

  /// The methods of one of the images in the file that could be explained; nil if there is none.
  var methodsOfOne: Set<String>? { known.methodsOfOne }

  /// Opens the file.
  ///
  /// - Parameters:
  ///   - metrics: the names of the metrics in the rows.
  ///   - resumes: whether rows of an earlier run are kept.
  ///   - configuration: what they must be of.
  ///   - expected: the path of the model and the node that messages compare rows with.
  ///   - kept: receives every row that is kept.
  ///
  /// Throws `usage` if the file exists and the run does not resume, or if it is of another configuration, and
  /// `unwritable` if another run is writing it.
  init(
    _ path: String, metrics: [String], resumes: Bool, _ configuration: Configuration, model: String, node: String?,
    kept: @escaping (Row) -> Void
  ) throws {
    format = try RowFormat(ofOutput: path)
    log = try LineLog(path, continues: resumes)
    (self.metrics, self.kept) = (metrics, kept)
    let heading = try format.heading(configuration, metrics)
    var check = RowCheck(configuration, metrics: metrics, model: model, node: node, path: path)
    var hasHeading = false, record = RowRecord(format)
    /// The rows of the last image so far.
    var group: (rows: [Row], start: Int) = ([], 0)
    try log.forEachLine { part in
      guard record.add(part) else { return }
      guard hasHeading else {
        try check.heading(record.text, is: heading, format)
        hasHeading = true
        return
      }
      guard let row = format.row(record.text, metrics) else {
        throw check.failure("a line that is not a row: \(record.text.prefix(60))")
      }
      try check.row(row)
      if let last = group.rows.last, last.image != row.image {
        group.rows.forEach(keep)
        group.rows = []
      }
      if group.rows.isEmpty { group.start = record.start }
      group.rows.append(row)
    }
    if record.isOpen {
      guard hasHeading ? format.mayBegin(record.text) : heading.hasPrefix(record.text) else {
        throw check.failure("what is not a table of rows, and has no line end: \(record.text.prefix(60))")
      }
    }
    end.start = record.isOpen ? record.start : record.end
    if !log.isWhole, group.rows.contains(where: { !known.contains($0) }) {
      (pending, end.start) = (group.rows, group.start)
    } else {
      group.rows.forEach(keep)
    }
    try log.forEachLine(from: end.start) { part in
      end.bytes += part.bytes
      if part.isComplete { end.bytes.append(UInt8(ascii: "\n")) }
    }
    self.heading = hasHeading ? nil : heading
  }

  private func keep(_ row: Row) {
    guard known.insert(row) else {
      doubledCount += 1
      return
    }
    imageCount = known.imageCount
    kept(row)
  }

  /// Adds the rows of an image, in place of those that the end of the file may have of it.
  ///
  /// Those that the file has already are left out.
  ///
  /// Throws `unwritable` if they cannot be written.
  func append(_ rows: [Row]) throws {
    let new = rows.filter { !known.contains($0) }
    guard let image = new.first?.image else { return }
    if pending.first?.image == image { pending = [] }
    if known.methods(of: image) == nil { imageCount += 1 }
    try write(new)
    new.forEach(kept)
  }

  /// Completes the file.
  ///
  /// Throws `unwritable` if that fails.
  func finish() throws {
    if let image = pending.first?.image {
      if known.methods(of: image) == nil { imageCount += 1 }
      let rows = pending.filter { !known.contains($0) }
      try write(pending)
      rows.forEach(kept)
      pending = []
    } else {
      try write([])
    }
    try log.complete()
  }

  private func write(_ rows: [Row]) throws {
    let lines = try [heading].compactMap { $0 } + rows.map { try format.text($0, metrics) }
    heading = nil
    let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
    let common = zip(bytes, end.bytes).prefix { $0 == $1 }.count
    if common < end.bytes.count { try log.truncate(to: end.start + common) }
    end.bytes = []
    try log.append(bytes[common...])
  }
}

/// What rows a file has, in little memory: names by their digests.
private struct KnownRows {
  private var images: [UInt64: Int] = [:]
  private var rows: Set<UInt64> = []
  /// The sets of methods that images have rows of, each once.
  private var sets: [Set<String>] = []
  private var places: [Set<String>: Int] = [:]

  var imageCount: Int { images.count }
  var methodsOfOne: Set<String>? { images.lazy.map { sets[$0.value] }.first { !$0.isEmpty } }

  private func key(_ text: String) -> UInt64 { FileDigest.of(Array(text.utf8)).leadingNumber }

  private func key(_ row: Row) -> UInt64 { key("\(row.image)\u{0}\(row.subject)") }

  func methods(of image: String) -> Set<String>? { images.isEmpty ? nil : images[key(image)].map { sets[$0] } }

  func contains(_ row: Row) -> Bool { !rows.isEmpty && rows.contains(key(row)) }

  /// Whether it was not there.
  mutating func insert(_ row: Row) -> Bool {
    guard rows.insert(key(row)).inserted else { return false }
    let image = key(row.image), methods = (images[image].map { sets[$0] } ?? []).union(row.method.map { [$0] } ?? [])
    images[image] = place(of: methods)
    return true
  }

  private mutating func place(of methods: Set<String>) -> Int {
    if let place = places[methods] { return place }
    places[methods] = sets.count
    sets.append(methods)
    return sets.count - 1
  }
}

/// Checks that a file is of this run's configuration.
private struct RowCheck {
  private let configuration: Configuration
  private let metrics: Set<String>
  private let model: String
  private let node: String?
  private let path: String
  /// By method.
  private var fingerprints: [String?: String] = [:]

  init(_ configuration: Configuration, metrics: [String], model: String, node: String?, path: String) {
    (self.configuration, self.metrics) = (configuration, Set(metrics))
    (self.model, self.node, self.path) = (model, node, path)
  }

  func failure(_ what: String) -> GradCAMError {
    GradCAMError(
      .usage, at: "--resume \(path)", problem: "holds \(what)",
      advice: "give the options that it was made with, or another name")
  }

  /// Throws `usage` unless a line is the heading that this run would write.
  func heading(_ line: String, is heading: String, _ format: RowFormat) throws {
    guard line != heading else { return }
    if let other = Configuration(line) {
      throw failure("rows of \(configuration.differences(from: other).joined(separator: ", "))")
    }
    if format == .csv, RowFormat.metrics(ofHeading: line) != nil { throw failure("rows with other metrics") }
    throw failure("what is not a table of rows: \(line.prefix(60))")
  }

  /// Throws `usage` unless a row is of this run's configuration.
  mutating func row(_ row: Row) throws {
    let expected = fingerprints[row.method] ?? configuration.fingerprint(method: row.method)
    fingerprints[row.method] = expected
    guard row.configuration == expected else {
      if row.model != model { throw failure("rows of the model \(row.model)") }
      if let node, let other = row.node, other != node { throw failure("rows of the node \(other)") }
      throw failure("rows of another configuration, \(row.configuration)")
    }
    guard row.method == nil || metrics == Set(row.metrics.map { Array($0.keys) } ?? []) else {
      throw failure("rows with other metrics")
    }
  }
}
