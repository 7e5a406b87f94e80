extension AcyclicGraph {
  /// Splits the items into chains, in which each item is followed by one of its successors, the longest path first.
  func chains() -> [[Int]] {
    let (depths, heights) = (depths(), heights())
    let order = (0..<count).sorted { one, other in
      let (oneLength, otherLength) = (depths[one] + heights[one], depths[other] + heights[other])
      return oneLength == otherLength ? one < other : oneLength > otherLength
    }
    var isTaken = [Bool](repeating: false, count: count)
    /// The items that follow `start` from neighbour to neighbour that no chain has yet, by the greatest `measure`.
    func follow(_ start: Int, _ neighbours: [[Int]], _ measure: [Int]) -> [Int] {
      var (path, item) = ([Int](), start)
      while true {
        var next: Int?
        for neighbour in neighbours[item] where !isTaken[neighbour] {
          if next.map({ measure[neighbour] > measure[$0] }) ?? true { next = neighbour }
        }
        guard let next else { return path }
        isTaken[next] = true
        path.append(next)
        item = next
      }
    }
    var chains: [[Int]] = []
    for item in order where !isTaken[item] {
      isTaken[item] = true
      let after = follow(item, successors, heights)
      let before = follow(item, predecessors, depths)
      chains.append(before.reversed() + [item] + after)
    }
    return chains
  }
}
