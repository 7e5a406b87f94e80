import GradCAM
import Graph

/// What `explain` prints, picture by picture.
struct ExplanationLog {
  /// The form of what is printed.
  enum Form {
    /// For reading.
    case text
    /// One JSON document at the end.
    case document
    /// A line of JSON for each picture.
    case lines
    /// A count at the end, because the maps are in a table.
    case count
    /// Nothing, because the maps' rows are printed.
    case nothing
  }

  /// A line about a picture.
  private struct Line: Encodable {
    let image: String
    let results: [ExplanationReport]
    @Nullable var error: String?
  }

  private let form: Form
  private var reports: [ExplanationReport] = []
  /// What was said last about what is done to pictures.
  private var preprocessing: String?
  /// How many pictures were explained, how many maps were made of them, and how many pictures failed.
  private(set) var done = 0
  private var maps = 0, failed = 0

  init(form: Form) { self.form = form }

  /// A picture that cannot be explained.
  mutating func skip(_ image: String, _ error: GradCAMError) throws {
    failed += 1
    let text = error.message.asOptions
    Console.say("warning: \(text.contains(image) ? text : "\(image): \(text)"); skipped")
    if case .lines = form { try printJSONLine(Line(image: image, results: [], error: text)) }
  }

  /// The maps of a picture, and the pictures made of them.
  mutating func add(
    _ image: String, _ drawn: [ExplanationReport], _ pictures: [ReportedPicture], top: [ScoredClass],
    preprocessing: String?
  ) throws {
    done += 1
    maps += drawn.count
    switch form {
    case .document: reports += drawn
    case .lines: try printJSONLine(Line(image: image, results: drawn, error: nil))
    case .count, .nothing: break
    case .text:
      let isNew = preprocessing != nil && preprocessing != self.preprocessing
      self.preprocessing = preprocessing ?? self.preprocessing
      try ExplanationReport.describe(pictures, top: top, input: isNew ? preprocessing : nil)
    }
  }

  /// Completes what is printed.
  ///
  /// - Parameter fails: whether pictures that failed end the program with an error.
  ///
  /// Throws `badData` or `unreadable` if they do.
  func finish(fails: Bool) throws {
    let count = done + failed
    switch form {
    case .document: try printJSON(reports)
    case .lines, .nothing: break
    case .text where count > 1, .count:
      let bad = failed == 0 ? "" : ", \(failed) failed"
      try Console.print("\(counted(done, "picture")) explained\(bad), \(counted(maps, "map"))")
    case .text: break
    }
    if fails { try checkDone(failed, of: count) }
  }
}
