import GradCAM
import Graph

/// The table that `explain` writes: a row for each map, and for each image that fails.
final class ExplanationTable {
  /// Nil if rows go to standard output.
  private let log: RowLog?
  private let configuration: Configuration
  private let model: Model
  /// The methods that an image has rows of once it is done; nil if that is not known.
  private let methods: Set<String>?
  /// The rows of the image that is being delivered.
  private var rows: [Row] = []

  /// The path that stands for standard output, to which rows go as JSON lines.
  static let standardOutput = "-"

  /// Opens the file, or prints what the rows are of.
  ///
  /// Throws as `RowLog.init` does, and `unwritable` if standard output is closed.
  init(
    _ path: String, resumes: Bool, _ configuration: Configuration, _ model: Model, methods: MethodChoice,
    fusion: Fusion?, smoothing: [Smoothing]
  ) throws {
    (self.configuration, self.model) = (configuration, model)
    guard path != Self.standardOutput else {
      (log, self.methods) = (nil, nil)
      try Console.output(text: RowFormat.json.heading(configuration, []))
      return
    }
    let log = try RowLog(path, metrics: [], resumes: resumes, configuration, model: model.path, node: nil) { _ in }
    self.log = log
    if log.doubledCount > 0 {
      Console.warn("\(path): \(counted(log.doubledCount, "row")) of maps that have one already")
    }
    let names = methods.names.map { Row.methodName($0, fusion, Smoothing.allCases.filter(smoothing.contains)) }
    // Of all methods, some do not support the node.
    self.methods = methods.isGroup ? log.methodsOfOne.map { $0.intersection(names) } : Set(names)
  }

  /// Whether an image has its rows already.
  ///
  /// It may be called while rows are added.
  func has(_ image: SourceImage) -> Bool {
    guard let found = log?.methods(of: image.name), let methods else { return false }
    return found.isEmpty || methods.isSubset(of: found)
  }

  /// Adds the row of a map, which `write` writes with the others of the image.
  func add(_ explanation: Explanation, _ image: SourceImage, output: String?, sha256: String?) {
    rows.append(Row(explanation, image: image.name, model: model, configuration, output: output, sha256: sha256))
  }

  /// Writes the row of an image that fails, in place of those of its maps.
  ///
  /// Throws `unwritable` if it cannot be written.
  func add(_ error: GradCAMError, _ image: SourceImage, sha256: String?) throws {
    rows = [Row(error, image: image.name, path: image.path, model: model, configuration, sha256: sha256)]
    try write()
  }

  /// Writes the rows of an image.
  ///
  /// Throws `unwritable` if they cannot be written.
  func write() throws {
    if let log {
      try log.append(rows)
    } else {
      for row in rows { try Console.output(text: RowFormat.json.text(row, [])) }
    }
    rows = []
  }

  /// Completes the file.
  ///
  /// Throws `unwritable` if that fails.
  func finish() throws { try log?.finish() }
}
