import Graph

/// What a file says of a picture.
protocol PictureEntry {
  var name: PictureName { get }
  /// Where it stands, as messages say it.
  var place: String { get }
}

/// Pictures that are found by the ends of their paths.
struct NamedPictures {
  private let pictures: [(path: String, name: PictureName)]

  /// - Parameter paths: different paths.
  init(_ paths: [String]) { pictures = paths.compactMap { path in PictureName(path).map { (path, $0) } } }

  /// The position of what a file says of a picture, for each picture that it names.
  ///
  /// Of several names that fit a picture, the longest counts.
  ///
  /// Throws `badData` if two fit equally well, or if a name fits several pictures.
  func matches(_ annotated: [some PictureEntry], _ path: String) throws -> [String: Int] {
    let byFile = Dictionary(grouping: annotated.indices) { annotated[$0].name.file }
    var found: [String: Int] = [:], users: [Int: String] = [:]
    for (picture, name) in pictures {
      let candidates = Set([name.file, name.stem.file]).flatMap { byFile[$0] ?? [] }
      let fitting = candidates.compactMap { index in annotated[index].name.fit(name).map { (index: index, fit: $0) } }
      guard let best = fitting.map(\.fit).max(by: <) else { continue }
      let equal = fitting.filter { $0.fit == best }.map(\.index).sorted()
      guard equal.count == 1 else {
        throw GradCAMError.boxes(
          at: path, "\(picture) may be \(equal.map { annotated[$0].name.text }.quoted)",
          "give the picture's path with its folders")
      }
      if let other = users.updateValue(picture, forKey: equal[0]) {
        throw GradCAMError.boxes(
          at: annotated[equal[0]].place, "'\(annotated[equal[0]].name.text)' may be \(other) or \(picture)",
          "name the picture with its folders")
      }
      found[picture] = equal[0]
    }
    return found
  }

  /// The error for a file about none of the pictures.
  func noMatch(_ annotated: [some PictureEntry], _ path: String) -> GradCAMError {
    let given = pictures.map(\.path), near = similar(to: given, among: annotated, [:])
    let names = near.isEmpty ? annotated.prefix(3).map(\.name.text) : near
    return GradCAMError.boxes(
      at: path, "names none of the pictures given: \(given.listed)",
      names.isEmpty ? "it names no picture" : "\(near.isEmpty ? "it has" : "similar names in it:") \(names.quoted)")
  }

  /// The names nearest to some pictures', among those that fit none.
  ///
  /// - Parameter found: the positions of those that do.
  func similar(to paths: [String], among annotated: [some PictureEntry], _ found: [String: Int]) -> [String] {
    let used = Set(found.values), names = annotated.indices.filter { !used.contains($0) }.map { annotated[$0].name }
    let byFile = Dictionary(names.map { ($0.file, $0.text) }) { first, _ in first }
    return paths.prefix(3).flatMap { path in
      nearest(to: BoxAnnotations.split(path).file, among: byFile.keys, count: 1).map { byFile[$0]! }
    }.withoutRepeats
  }
}
