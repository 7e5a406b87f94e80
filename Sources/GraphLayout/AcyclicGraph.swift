/// A directed graph of the items 0..<count whose edges go from a smaller to a larger position.
struct AcyclicGraph {
  /// For each item, those that depend on it, ascending and without repetition.
  let successors: [[Int]]
  /// For each item, those that it depends on, ascending and without repetition.
  let predecessors: [[Int]]

  var count: Int { successors.count }

  /// The graph with `successors`, each list ascending and without repetition.
  init(successors: [[Int]]) {
    var predecessors = [[Int]](repeating: [], count: successors.count)
    for (item, list) in successors.enumerated() {
      for successor in list { predecessors[successor].append(item) }
    }
    (self.successors, self.predecessors) = (successors, predecessors)
  }

  /// The graph with `edges`, of which repeated ones count once.
  init(count: Int, edges: [(from: Int, to: Int)]) {
    var successors = [[Int]](repeating: [], count: count)
    for edge in edges {
      precondition(0 <= edge.from && edge.from < edge.to && edge.to < count, "an edge leads to a later item")
      successors[edge.from].append(edge.to)
    }
    self.init(
      successors: successors.map { list in
        var distinct: [Int] = []
        for successor in list.sorted() where successor != distinct.last { distinct.append(successor) }
        return distinct
      })
  }

  /// For each item, how many items the longest path that ends in front of it has.
  func depths() -> [Int] {
    var depths = [Int](repeating: 0, count: count)
    for item in 0..<count {
      depths[item] = predecessors[item].reduce(0) { max($0, depths[$1] + 1) }
    }
    return depths
  }

  /// For each item, how many items the longest path that begins after it has.
  func heights() -> [Int] {
    var heights = [Int](repeating: 0, count: count)
    for item in (0..<count).reversed() {
      heights[item] = successors[item].reduce(0) { max($0, heights[$1] + 1) }
    }
    return heights
  }
}
