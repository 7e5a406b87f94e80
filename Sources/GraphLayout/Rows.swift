extension AcyclicGraph {
  /// The row of each item, for a graph that is its own transitive reduction: every edge leads to a later row.
  ///
  /// An item stands as high as what it depends on allows. What depends on nothing, and trees of such items that lead
  /// to one consumer, stand as low as their consumers allow instead. `first` has row 0 and `last` the last row alone.
  func rows(first: Int?, last: Int?) -> [Int] {
    var rows = [Int](repeating: 0, count: count)
    var isLoose = [Bool](repeating: false, count: count)
    for item in 0..<count where item != first {
      rows[item] = predecessors[item].reduce(first == nil ? 0 : 1) { max($0, rows[$1] + 1) }
      isLoose[item] = predecessors[item].allSatisfy { isLoose[$0] && successors[$0].count == 1 }
    }
    if let last, last != first {
      rows[last] = 0
      rows[last] = rows.max()! + 1
    }
    for item in (0..<count).reversed() where isLoose[item] {
      guard let lowest = successors[item].map({ rows[$0] }).min(), item != last else { continue }
      rows[item] = lowest - 1
    }
    return rows
  }
}
