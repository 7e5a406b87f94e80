import Graph

/// The names of a model's classes.
public struct Labels: Sendable {
  /// The names by class; there may be fewer than classes.
  public let names: [String]
  /// The file that they were read from, if they were.
  let path: String?

  /// Wraps names.
  public init(_ names: [String]) { (self.names, path) = (names, nil) }

  /// Reads a file.
  ///
  /// It holds one name per line, perhaps after WordNet's number (`n01440764 tench`) or the class's own (`0 cat`); or
  /// JSON: a list, or a map from numbers to names or from names to numbers, on its own or under `id2label`, `names`,
  /// `class_to_idx` and the like; or `names` in YAML; or a table (CSV) with a column of names.
  ///
  /// Throws `unreadable`, or `badData` for any other form, naming the file.
  public init(contentsOf path: String) throws {
    let text = try textOfFile(at: path, advice: "write one label per line")
    (names, self.path) = (try located(path) { try LabelFile.names(in: text, name: path) }, path)
  }

  /// Reads a text with one name per line, with Unix or Windows line endings.
  init(lines text: String) {
    // A carriage return and a line feed are one character.
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    if lines.last == "" { lines.removeLast() }
    self.init(lines)
  }

  /// The 1,000 classes of the ImageNet challenge of 2012, in their usual order.
  public static let imagenet = Labels(
    String(decoding: PackageResources.imagenet_labels_txt, as: UTF8.self).split(separator: "\n").map(String.init))

  /// The names of a model's classes: those in its file, else `no` and `yes` for a single number that is a score, else ImageNet's for
  /// 1,000 class scores, which is an assumption.
  static func known(of model: Model, _ catalogue: NodeCatalogue) -> (labels: Labels, isAssumed: Bool) {
    if let names = model.metadata.labels { return (Labels(names), false) }
    if catalogue.isBinary {
      return (Labels(catalogue.isMeasurement ? [] : ["no", "yes"]), false)
    }
    let isImageNet = catalogue.hasClassScores && catalogue.classCount == imagenet.names.count
    return (isImageNet ? .imagenet : Labels([]), isImageNet)
  }

  /// The name of a class, nil if none is known.
  public subscript(_ index: Int) -> String? { names.indices.contains(index) ? names[index] : nil }

  /// The class that a user means by a number or a name: exact, regardless of case, or a part that only one name has.
  ///
  /// Throws `usage` with the nearest names, or with those that match if there are several.
  public func index(of query: String, classCount: Int) throws -> Int {
    if let number = Int(query) {
      guard (0..<classCount).contains(number) else { throw GradCAMError.noClass(number, of: classCount) }
      return number
    }
    let lowered = query.lowercased(), candidates = names.indices.prefix(classCount)
    let readings: [(String) -> Bool] = [
      { $0 == query }, { $0.lowercased() == lowered }, { $0.lowercased().contains(lowered) },
    ]
    let found = readings.lazy.map { matches in candidates.filter { matches(names[$0]) } }.first { !$0.isEmpty } ?? []
    if found.count == 1 { return found[0] }
    let place: Message = "\(.class, query)"
    guard found.isEmpty else {
      throw GradCAMError(
        .usage, at: place, problem: "means several classes",
        advice: "give a whole name or a number: \(found.map { "\($0) \(names[$0])" }.listed)")
    }
    let near = nearest(to: query, among: names, count: 4)
    throw GradCAMError(
      .usage, at: place, problem: "is not the label of a class",
      advice: names.isEmpty
        ? "the model has no labels; give a number from 0 to \(classCount - 1), or \(.labels, as: "FILE")"
        : near.isEmpty ? "give a number from 0 to \(classCount - 1)" : "choose from \(near.joined(separator: ", "))")
  }
}

extension Labels {
  /// The two classes that a user means by `A,B`; labels may hold commas if only one reading names two classes.
  ///
  /// Of several such readings, one of whole labels or numbers wins. Throws `usage` if none or several are left.
  public func indices(ofPair query: String, classCount: Int) throws -> (Int, Int) {
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(.contrast, query)", problem: "\(problem)", advice: "\(advice)")
    }
    let commas = query.indices.filter { query[$0] == "," }
    let readings = commas.prefix(65).map { comma in
      (query[..<comma].trimmingSpace, query[query.index(after: comma)...].trimmingSpace)
    }
    guard !readings.isEmpty else { throw error("is one class", "give two, as A,B") }
    // Each reading is looked up among all names.
    guard readings.count <= 64 else { throw error("has more than 64 commas", "give the classes' numbers, such as 3,5") }
    func pairs(_ index: (String) throws -> Int) -> Set<[Int]> {
      Set(readings.compactMap { first, second in try? [index(first), index(second)] })
    }
    let whole = pairs { name in
      if let index = names.firstIndex(of: name) { return index }
      guard Int(name) != nil else { throw GradCAMError(.usage, problem: "is not a whole label") }
      return try index(of: name, classCount: classCount)
    }
    let found = whole.isEmpty ? pairs { try index(of: $0, classCount: classCount) } : whole
    guard let pair = found.first else {
      if let only = readings.first, readings.count == 1 {
        return (try index(of: only.0, classCount: classCount), try index(of: only.1, classCount: classCount))
      }
      throw error("no comma in it separates two classes", "give the classes' numbers, such as 3,5")
    }
    guard found.count == 1 else { throw error("can be read in several ways", "give the classes' numbers, such as 3,5") }
    guard pair[0] != pair[1] else { throw error("is the same class twice", "give two classes") }
    return (pair[0], pair[1])
  }
}

extension String {
  /// The names that a label lists, as ImageNet's do: `tench, Tinca tinca`.
  package var synonyms: [String] { split(separator: ",").map(\.trimmingSpace) }
}

extension GradCAMError {
  /// The error for a class that does not exist.
  static func noClass(_ index: Int, of count: Int) -> GradCAMError {
    GradCAMError(
      .usage, at: "\(.class, index)", problem: "the model has \(count) classes", advice: "use 0 to \(count - 1)")
  }
}
