import Graph

/// A condition on a figure under which a check fails, such as `pointing-game<0.8`.
public struct Gate: Sendable {
  /// The figure's name, such as that of a metric.
  public let figure: String
  /// The condition as it was given.
  public let text: String
  private let comparison: Comparison
  private let limit: Double

  private enum Comparison: String, CaseIterable {
    // What begins with another one comes first.
    case atMost = "<="
    case atLeast = ">="
    case below = "<"
    case above = ">"
  }

  /// Reads a condition: a figure's name, `<`, `<=`, `>` or `>=`, and a number.
  ///
  /// - Parameters:
  ///   - names: the names of figures, in the order of lists.
  ///   - aliases: further names of them.
  ///
  /// Throws `usage` listing the names if it is no such condition.
  public init(_ text: String, names: [String], aliases: [String: String] = [:]) throws {
    func error(_ problem: String) -> GradCAMError {
      GradCAMError(
        .usage, at: "\(.failIf, text)", problem: "\(problem)",
        advice: "write NAME<NUMBER, or with <=, > or >=; the names are \(names.joined(separator: ", "))")
    }
    guard let start = text.firstIndex(where: { "<>".contains($0) }),
      let comparison = Comparison.allCases.first(where: { text[start...].hasPrefix($0.rawValue) }),
      let limit = Double(String(text[start...].dropFirst(comparison.rawValue.count)).trimmingSpace), limit.isFinite
    else { throw error("is not a condition") }
    let name = String(text[..<start]).trimmingSpace
    guard let figure = names.first(where: { $0 == name }) ?? aliases[name] else {
      throw error("names no figure that there is")
    }
    (self.figure, self.text, self.comparison, self.limit) = (figure, text, comparison, limit)
  }

  /// Whether the check fails for a value.
  public func isMet(by value: Double) -> Bool {
    switch comparison {
    case .atMost: value <= limit
    case .atLeast: value >= limit
    case .below: value < limit
    case .above: value > limit
    }
  }

  /// Why the check fails, a line for each of some values for which it does.
  ///
  /// - Parameter values: what has a value of the figure, and the value; nil if it was not measured.
  ///
  /// Throws `badData` if there are no values, or one was not measured: that is no success.
  public func failures(_ values: [(subject: String, value: Double?)]) throws -> [String] {
    let missing = values.filter { $0.value?.isNaN ?? true }.map(\.subject)
    guard !values.isEmpty, missing.isEmpty else {
      throw GradCAMError(
        .badData, at: "\(.failIf, text)",
        problem: "\(figure) was not measured\(missing.isEmpty ? "" : " for \(missing.joined(separator: ", "))")",
        advice: "check what is said of the pictures, or leave the condition out")
    }
    return values.filter { isMet(by: $0.value!) }.map { "\(figure) of \($0.subject) is \($0.value!)" }
  }
}

extension Gate {
  /// Reads a condition on the mean of a metric.
  ///
  /// Throws `usage` listing the metrics if it is none.
  public init(onMetric text: String) throws {
    let aliases = Metrics.all.flatMap { metric in metric.aliases.map { ($0, metric.name) } }
    try self.init(text, names: Metrics.all.map(\.name), aliases: Dictionary(uniqueKeysWithValues: aliases))
  }
}
