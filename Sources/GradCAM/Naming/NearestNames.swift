/// The names closest to a misspelt one, nearest first, leaving out those that have little in common with it.
public func nearest(to query: String, among names: some Collection<String>, count: Int) -> [String] {
  let target = Array(query.lowercased().utf8.prefix(200))
  return names.map { (name: $0, distance: editDistance(target, Array($0.lowercased().utf8.prefix(200)))) }
    .filter { $0.distance <= max(2, max(target.count, $0.name.utf8.count) * 6 / 10) }
    .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    .prefix(count).map(\.name)
}

/// Levenshtein's distance.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substituted = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, min(row[j], row[j + 1]) + 1)
    }
  }
  return row[b.count]
}
