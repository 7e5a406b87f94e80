extension Array where Element: Hashable {
  /// The elements in their order, each where it first stands.
  package var withoutRepeats: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
