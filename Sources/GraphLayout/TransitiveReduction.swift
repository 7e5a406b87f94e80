extension AcyclicGraph {
  /// How many words of 64 targets are looked at together: the memory is this many words for each item.
  private static let blockWords = 64

  /// The transitive reduction, and the edges that it lacks: those between whose ends a longer path leads.
  ///
  /// Sets of reachable items are bit sets, made for one block of targets after the other, so that the time is at most
  /// edges × items / 64 and the memory 512 bytes for each item.
  func reduced() -> (graph: AcyclicGraph, removed: AcyclicGraph) {
    var isRemoved = successors.map { [Bool](repeating: false, count: $0.count) }
    let words = min(Self.blockWords, (count + 63) / 64)
    var reached = [UInt64](repeating: 0, count: count * words)
    for start in stride(from: 0, to: count, by: max(1, words * 64)) {
      let end = min(count, start + words * 64)
      for item in (0..<end).reversed() {
        let own = item * words
        for word in 0..<words { reached[own + word] = 0 }
        // A path around an edge first goes to an item before the edge's end: ascending order has seen it.
        for (index, successor) in successors[item].enumerated() where !isRemoved[item][index] {
          if successor >= end { break }
          if successor >= start {
            let (word, bit) = (own + (successor - start) / 64, UInt64(1) << UInt64((successor - start) % 64))
            if reached[word] & bit != 0 {
              isRemoved[item][index] = true
              continue
            }
            reached[word] |= bit
          }
          let other = successor * words
          for word in 0..<words { reached[own + word] |= reached[other + word] }
        }
      }
    }
    func part(_ removed: Bool) -> AcyclicGraph {
      AcyclicGraph(
        successors: successors.indices.map { item in
          zip(successors[item], isRemoved[item]).filter { $0.1 == removed }.map(\.0)
        })
    }
    return (part(false), part(true))
  }
}
