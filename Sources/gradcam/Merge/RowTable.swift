import GradCAM
import Graph

/// A row with the line that it was read from, without its end.
struct TableRow {
  let row: Row
  let line: String
  let format: RowFormat
  /// The columns of metrics in the line; empty in JSON.
  let columns: [String]
}

/// The rows of several files, sorted by image.
final class RowTable {
  /// The metrics of all rows, in the order of the first `.csv` file's columns.
  private(set) var metrics: [String] = []
  /// What the rows are of; nil if no file says so.
  private(set) var configuration: Configuration?
  private let files: [(path: String, format: RowFormat)]
  /// Of each file, the columns of metrics; empty in JSON.
  private var columns: [[String]] = []
  private let lines: SortedLines
  /// The first file with rows of a method, and their fingerprint.
  private var known: [String?: (file: String, fingerprint: String)] = [:]
  /// The first file with rows of maps: the metrics are its own.
  private var measured: String?

  /// Reads the files.
  ///
  /// - Parameter folder: where rows lie that are not in memory.
  ///
  /// Throws `unreadable` for a file that cannot be read, `badData` naming the place for what is no row, or of another
  /// configuration, or was not completed, and `unwritable` if there is no room for sorting.
  init(_ files: [String], sortedIn folder: String) throws {
    self.files = try files.map { path in
      guard !path.hasSuffix(".part") else {
        throw Self.failure(path, "is that of an unfinished run", "let it end, or continue it with --resume")
      }
      return (path, try RowFormat(ofOutput: path))
    }
    lines = SortedLines(in: folder)
    for index in files.indices { try read(index) }
    if let first = zip(self.files, columns).first(where: { $0.0.format == .csv }) { metrics = first.1 }
  }

  private static func failure(_ file: String, _ problem: String, _ advice: String) -> GradCAMError {
    GradCAMError(.badData, at: file, problem: problem, advice: advice)
  }

  private func read(_ index: Int) throws {
    let (path, format) = files[index], file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    defer { if file >= 0 { close(file) } }
    var status = stat()
    guard file >= 0, fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw GradCAMError(
        .unreadable, at: path, problem: file < 0 ? "cannot be opened (\(systemMessage(errno)))" : "is no regular file",
        advice: "give the file of a shard's rows")
    }
    var record = RowRecord(format), number = 0
    columns.append([])
    let code = try FileLine.forEach(in: file) { part in
      guard record.add(part) else { return }
      number += 1
      if number == 1, try heading(record.text, of: index) { return }
      guard let row = format.row(record.text, columns[index]) else {
        throw Self.failure(path, "record \(number) is not a row: \(record.text.prefix(60))", "give files of rows alone")
      }
      try check(row, of: path)
      let text = "\(row.image)\u{0}\(record.text)\u{0}\(index)"
      try lines.add(Array(text.utf8))
    } tooLong: {
      Self.failure(path, "has a line of more than \(FileLine.longest >> 20) MB", "give files of rows alone")
    }
    guard code == 0 else {
      throw GradCAMError(.unreadable, at: path, problem: "cannot be read (\(systemMessage(code)))")
    }
    guard !record.isOpen else {
      throw Self.failure(path, "ends within a row", "run its shard again, with --resume to continue it")
    }
    guard number > 0 else { throw Self.failure(path, "is empty", "run its shard again") }
  }

  /// Whether a file's first record is a heading; of a `.csv` file it must be.
  private func heading(_ text: String, of index: Int) throws -> Bool {
    let (path, format) = files[index]
    switch format {
    case .json:
      guard let configuration = Configuration(text) else { return false }
      if let other = self.configuration, other != configuration {
        throw Self.failure(
          path, "is of \(other.differences(from: configuration).joined(separator: ", ")) than the files before it",
          "merge rows of one configuration")
      }
      self.configuration = configuration
    case .csv:
      guard let metrics = RowFormat.metrics(ofHeading: text) else {
        throw Self.failure(path, "has other columns than rows have: \(text.prefix(60))", "give files of rows alone")
      }
      columns[index] = metrics
    }
    return true
  }

  private func check(_ row: Row, of path: String) throws {
    let other = known[row.method, default: (path, row.configuration)]
    known[row.method] = other
    guard other.fingerprint == row.configuration else {
      throw Self.failure(
        path, "has rows of another configuration (\(row.configuration)) than \(other.file) (\(other.fingerprint))",
        "merge rows of one configuration")
    }
    guard row.method != nil else { return }
    let names = row.metrics.map { Array($0.keys) } ?? []
    guard let measured else {
      (measured, metrics) = (path, Metrics.all.map(\.name).filter(names.contains))
      metrics += names.filter { !metrics.contains($0) }.sorted()
      return
    }
    guard Set(names) == Set(metrics) else {
      throw Self.failure(path, "has rows with other metrics than \(measured)", "merge rows with the same metrics")
    }
  }

  /// Goes through the images in the order of their names' bytes, with the rows of each, and how many of them stood there
  /// more than once.
  ///
  /// Throws `badData` if rows of an image contradict each other, and what `body` throws.
  func forEachImage(_ body: (_ image: String, _ rows: [TableRow], _ repeated: Int) throws -> Void) throws {
    var image: String?, group: [(row: TableRow, file: String)] = [], repeated = 0
    func end() throws {
      guard let image else { return }
      try check(group)
      try body(image, group.map(\.row), repeated)
      (group, repeated) = ([], 0)
    }
    while let bytes = try lines.next() {
      let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      let last = bytes.lastIndex(of: 0)!
      let name = String(decoding: parts[0], as: UTF8.self)
      let text = String(decoding: bytes[parts[1].startIndex..<last], as: UTF8.self)
      let index = Int(String(decoding: bytes[(last + 1)...], as: UTF8.self))!, (file, format) = files[index]
      if name != image {
        try end()
        image = name
      }
      guard group.last?.row.line != text else {
        repeated += 1
        continue
      }
      let row = format.row(text, columns[index])!
      group.append((TableRow(row: row, line: text, format: format, columns: columns[index]), file))
    }
    try end()
  }

  /// Throws `badData` if rows of an image are about the same, or if it failed and did not.
  private func check(_ rows: [(row: TableRow, file: String)]) throws {
    var seen: [String: String] = [:]
    for (row, file) in rows {
      let failed = rows.first { ($0.row.row.error == nil) != (row.row.error == nil) }
      if let other = failed?.file ?? seen.updateValue(file, forKey: row.row.subject) {
        throw GradCAMError(
          .badData, at: row.row.image,
          problem: failed == nil
            ? "has rows that differ in \(other) and \(file)"
            : "failed in one of \(other) and \(file), and not in the other",
          advice: "leave one of the files out, or run their shards again")
      }
    }
  }
}

/// Writes a table that appears whole or not at all.
final class RowWriter {
  private let file: AtomicRows
  private let format: RowFormat
  private let metrics: [String]

  /// Throws `usage` if JSON is wanted of files that do not say what they are of, and `unwritable`.
  init(_ path: String, _ format: RowFormat, _ table: RowTable) throws {
    (self.format, metrics) = (format, table.metrics)
    file = try AtomicRows(path)
    switch format {
    case .json: if let configuration = table.configuration { try file.add(configuration.line()) }
    case .csv: try file.add(RowFormat.csvHeading(table.metrics))
    }
  }

  func write(_ row: TableRow) throws {
    let isSame = row.format == format && (format == .json || row.columns == metrics)
    try file.add(isSame ? row.line : format.text(row.row, metrics))
  }

  func finish() throws { try file.finish() }
}

/// Lines that are written in large pieces.
private final class AtomicRows {
  private let file: AtomicFile
  private var buffer: [UInt8] = []

  init(_ path: String) throws { file = try AtomicFile(path) }

  func add(_ line: String) throws {
    buffer += line.utf8
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= 1 << 18 { try flush() }
  }

  private func flush() throws {
    try file.append(buffer)
    buffer = []
  }

  func finish() throws {
    try flush()
    try file.finish()
  }
}

/// The images that a table must have, and no others.
final class ExpectedImages {
  private let names: SortedLines
  private var next: [UInt8]?
  /// The first few that have no rows, and those that have rows and are not expected.
  private var missing: [String] = [], unexpected: [String] = []
  private var missingCount = 0, unexpectedCount = 0, count = 0

  /// Throws what going through the images throws.
  init(_ images: NamedImages, sortedIn folder: String) throws {
    names = SortedLines(in: folder)
    let stream = images.stream()
    while let image = try stream.next() { try names.add(Array(image.name.utf8)) }
    try advance()
  }

  /// The next name that is not the last one once more.
  private func advance() throws {
    let last = next
    repeat { next = try names.next() } while next != nil && next == last
    if next != nil { count += 1 }
  }

  /// Notes an image that has rows; images come in the order of their names' bytes.
  func has(_ image: String) throws {
    let name = Array(image.utf8)
    while let next, next.lexicographicallyPrecedes(name) { try miss(next) }
    guard next == name else {
      unexpectedCount += 1
      if unexpected.count < 5 { unexpected.append(image) }
      return
    }
    try advance()
  }

  private func miss(_ name: [UInt8]) throws {
    missingCount += 1
    if missing.count < 5 { missing.append(String(decoding: name, as: UTF8.self)) }
    try advance()
  }

  /// Throws `badData` naming images that are missing, or that are there and should not be.
  func finish() throws {
    while let next { try miss(next) }
    func text(_ names: [String], _ count: Int) -> String {
      names.joined(separator: ", ") + (count > names.count ? " and \(count - names.count) more" : "")
    }
    guard missingCount > 0 || unexpectedCount > 0 else { return }
    let lost =
      missingCount == 0 ? nil : "\(missingCount) of \(count) images have no rows: \(text(missing, missingCount))"
    let strange =
      unexpectedCount == 0
      ? nil
      : "\(counted(unexpectedCount, "image")) \(unexpectedCount == 1 ? "has rows and is" : "have rows and are") not expected: "
        + text(unexpected, unexpectedCount)
    throw GradCAMError(
      .badData, at: "--expect", problem: [lost, strange].compactMap { $0 }.joined(separator: "; "),
      advice: lost == nil ? "leave the files out that they are of" : "run the shards again that they are of")
  }
}
