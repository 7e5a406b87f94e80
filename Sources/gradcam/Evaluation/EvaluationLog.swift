import Graph

/// The file of an evaluation: the lines of an earlier run, and those that this run adds.
final class EvaluationLog {
  private let log: LineLog
  private let format: EvaluationFormat
  private let metrics: [String]
  /// By image, the methods that have lines; empty if the image could not be read.
  private(set) var finished: [String: Set<String>] = [:]

  /// Opens the file.
  ///
  /// Repairs what an interrupted run left: drops the last line if it is incomplete, and all lines of the last image,
  /// because some may be missing.
  /// - Parameters:
  ///   - metrics: the names of the metrics in the lines.
  ///   - resumes: whether lines of an earlier run are kept.
  ///   - expected: the model and node that they must have.
  ///   - kept: receives every line that is kept.
  ///
  /// Throws `usage` if the file exists and the run does not resume, or if its lines are from a different kind of run.
  init(
    _ path: String, metrics: [String], resumes: Bool, expected: (model: String, node: String),
    kept: (EvaluationLine) -> Void
  ) throws {
    format = try EvaluationFormat(ofOutput: path)
    log = try LineLog(path, continues: resumes)
    self.metrics = metrics
    let heading = format.heading(metrics)
    /// The lines of the current image.
    var pending: [EvaluationLine] = []
    var end = 0, hasHeading = heading == nil
    func other(_ what: String) -> GradCAMError {
      GradCAMError(
        .usage, at: "--resume \(path)", problem: "holds \(what)",
        advice: "give the options that it was made with, or another --output")
    }
    try log.forEachLine { text, start in
      guard hasHeading else {
        guard text == heading else { throw other("other columns than this run's") }
        hasHeading = true
        end = start + text.utf8.count + 1
        return
      }
      guard let line = format.line(text, metrics) else {
        throw other("a line that is not an evaluation's: \(text.prefix(60))")
      }
      guard line.model == expected.model else { throw other("lines of the model \(line.model)") }
      guard line.node ?? expected.node == expected.node else { throw other("lines of the node \(line.node!)") }
      guard line.method == nil || Set(metrics) == Set(line.metrics.map { Array($0.keys) } ?? []) else {
        throw other("lines with other metrics")
      }
      if let last = pending.last, last.image != line.image {
        pending.forEach { keep($0, kept) }
        pending = []
      }
      if pending.isEmpty { end = start }
      pending.append(line)
    }
    try log.truncate(to: end)
    if !hasHeading, let heading { try log.append([heading]) }
  }

  private func keep(_ line: EvaluationLine, _ kept: (EvaluationLine) -> Void) {
    finished[line.image, default: []].formUnion(line.method.map { [$0] } ?? [])
    kept(line)
  }

  /// Appends the lines of an image.
  ///
  /// Throws `unwritable` if they cannot be written.
  func append(_ lines: [EvaluationLine]) throws { try log.append(try lines.map { try format.text($0, metrics) }) }
}
