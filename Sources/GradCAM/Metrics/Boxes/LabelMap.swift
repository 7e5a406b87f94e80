import Graph

/// The classes that a user says the labels of a file of boxes mean.
public struct LabelMap: Sendable {
  /// What is said of a label.
  struct Entry: Sendable {
    /// As the user gave it.
    let text: String
    /// The number or name of a class; empty if the label's objects are left out.
    let meaning: String
  }

  /// The label that stands for all that are no class.
  static let others = "*"

  private let pairs: [String]

  /// - Parameter pairs: `LABEL=CLASS`, or `LABEL=` to leave out the objects of a label; the label `*` stands for all
  ///   that are neither a class nor have an entry.
  public init(_ pairs: [String] = []) { self.pairs = pairs }

  /// The entries by label.
  ///
  /// - Parameter labels: all labels of the file of boxes.
  ///
  /// Throws `usage` for an entry that is no pair, names no label, or says something else of a label than another does.
  func entries(for labels: Set<String>) throws -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for pair in pairs {
      func error(_ problem: Message, _ advice: Message) -> GradCAMError {
        GradCAMError(.usage, at: "\(.labelMap, pair)", problem: problem, advice: advice)
      }
      let signs = pair.indices.filter { pair[$0] == "=" }
      guard let first = signs.first else { throw error("has no '='", "give LABEL=CLASS") }
      guard
        let sign = signs.first(where: { labels.contains(String(pair[..<$0])) || pair[..<$0] == Self.others })
      else {
        let label = String(pair[..<first]), near = nearest(to: label, among: labels, count: 4)
        let known = near.isEmpty ? labels.sorted().prefix(6) : near[...]
        throw error(
          "'\(label)' is no label of the boxes",
          near.isEmpty
            ? "the labels are \(known.quoted)\(labels.count > known.count ? ", …" : "")"
            : "did you mean \(near.quoted)?")
      }
      let label = String(pair[..<sign])
      guard entries[label] == nil else { throw error("'\(label)' is given twice", "give one class for a label") }
      entries[label] = Entry(text: pair, meaning: pair[pair.index(after: sign)...].trimmingSpace)
    }
    return entries
  }
}

extension LabelMap.Entry {
  /// The class of a model that is meant; nil if the objects are left out.
  ///
  /// Throws `usage` if the model has no such class.
  func index(_ labels: Labels, classCount: Int) throws -> Int? {
    guard !meaning.isEmpty else { return nil }
    do {
      return try labels.index(of: meaning, classCount: classCount)
    } catch let error as GradCAMError {
      throw GradCAMError(
        .usage, at: "\(.labelMap, text)", problem: "'\(meaning)' \(error.problem)", advice: error.advice)
    }
  }
}

extension Labels {
  /// The classes that a label of data may mean: by number or exact name; else by name regardless of case; else by one of
  /// the synonyms that a name lists.
  func indices(ofWhole label: String, classCount: Int) -> [Int] {
    let candidates = names.indices.prefix(classCount), lowered = label.lowercased()
    let number = Int(label).flatMap { (0..<classCount).contains($0) ? $0 : nil }
    let exact = candidates.filter { names[$0] == label && $0 != number }
    if number != nil || !exact.isEmpty { return [number].compactMap { $0 } + exact }
    let folded = candidates.filter { names[$0].lowercased() == lowered }
    if !folded.isEmpty { return folded }
    return candidates.filter { index in
      names[index].contains(",")
        && names[index].lowercased().synonyms.contains(lowered)
    }
  }
}

extension Collection<String> {
  /// The texts in quotation marks, with commas between them.
  var quoted: String { map { "'\($0)'" }.joined(separator: ", ") }

  /// The first texts with commas between them, and the number of the others.
  package var listed: String { prefix(4).joined(separator: ", ") + (count > 4 ? " and \(count - 4) more" : "") }
}
