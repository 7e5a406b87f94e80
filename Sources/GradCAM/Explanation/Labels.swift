import Graph

/// The names of a model's classes.
public struct Labels: Sendable {
  /// The names by class; may be fewer than the classes.
  public let names: [String]

  /// Wraps names.
  public init(_ names: [String]) { self.names = names }

  /// Reads a file with one name a line.
  ///
  /// Throws `unreadable` or `badData` naming the file.
  public init(contentsOf path: String) throws {
    guard let text = String(validating: try contentsOfFile(at: path), as: UTF8.self) else {
      throw GradCAMError(.badData, at: path, problem: "is not text in UTF-8", advice: "write one label a line")
    }
    self.init(lines: text)
  }

  /// Reads a text with one name a line, ended as on Unix or on Windows.
  init(lines text: String) {
    // A carriage return and a line feed are one character.
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    if lines.last == "" { lines.removeLast() }
    names = lines
  }

  /// The 1,000 classes of ImageNet's challenge of 2012, in their usual order.
  public static let imagenet = Labels(
    String(decoding: PackageResources.imagenet_labels_txt, as: UTF8.self).split(separator: "\n").map(String.init))

  /// The classes of a model that gives one lone score.
  static let binary = Labels(["no", "yes"])

  /// The name of a class, nil where none is known.
  public subscript(_ index: Int) -> String? { names.indices.contains(index) ? names[index] : nil }

  /// The class that a user means by a number or a name: exactly, regardless of case, or by a part that only one has.
  ///
  /// Throws `usage` with the nearest names, or with the several that match.
  public func index(of query: String, classCount: Int) throws -> Int {
    if let number = Int(query) {
      guard (0..<classCount).contains(number) else {
        throw GradCAMError(
          .usage, at: "--class \(query)", problem: "the model has \(classCount) classes",
          advice: "use 0 to \(classCount - 1)")
      }
      return number
    }
    let lowered = query.lowercased(), candidates = names.indices.prefix(classCount)
    if let exact = candidates.first(where: { names[$0] == query })
      ?? candidates.first(where: { names[$0].lowercased() == lowered })
    {
      return exact
    }
    let parts = candidates.filter { names[$0].lowercased().contains(lowered) }
    if parts.count == 1 { return parts[0] }
    let near = parts.isEmpty ? nearest(to: query, among: names, count: 4) : parts.prefix(6).map { names[$0] }
    throw GradCAMError(
      .usage, at: "--class \(query)",
      problem: parts.isEmpty ? "is not the label of a class" : "means several classes",
      advice: names.isEmpty
        ? "the model has no labels; give a number from 0 to \(classCount - 1), or --labels FILE"
        : near.isEmpty ? "give a number from 0 to \(classCount - 1)" : "choose from \(near.joined(separator: ", "))")
  }
}
