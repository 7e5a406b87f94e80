extension Array where Element: Hashable {
  /// The elements in order of their first occurrence.
  package var withoutRepeats: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
