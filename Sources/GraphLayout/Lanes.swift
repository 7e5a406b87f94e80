/// The vertical lanes that a layout consists of: chains of items, each with the free stretches of its column in which
/// edges run from its last item or to its first, and stretches of edges alone.
///
/// Heights are counted in half rows: row r is 2r, the gap below it, in which edges run sideways, is 2r + 1.
struct Lanes {
  /// What stands or runs in one column.
  struct Lane {
    /// The items from above; empty for a stretch of edges alone.
    let items: [Int]
    /// The half rows of the items.
    let heights: [Int]
    /// The first item, or that at which a stretch begins; orders lanes of which nothing else does.
    let position: Int
    /// The half rows that nothing else may have in the same column.
    var extent: ClosedRange<Int>

    /// The position of the first item at `height` or below, of the last if there is none.
    func position(below height: Int) -> Int {
      var (first, end) = (0, heights.count)
      while first < end {
        let middle = (first + end) / 2
        if heights[middle] < height { first = middle + 1 } else { end = middle }
      }
      return first < items.count ? items[first] : items.last ?? position
    }
  }

  /// A sideways piece of an edge from one lane to another.
  struct Link {
    let lanes: (Int, Int)
    /// The half row in which it runs, an odd number.
    let height: Int
  }

  /// An edge of the transitive reduction; `lane` is the one down which it runs if it passes rows.
  struct Edge {
    let from: Int
    let to: Int
    let lane: Int?
  }

  /// The lanes, the main chain first; chains come before stretches.
  private(set) var lanes: [Lane] = []
  /// The lane of each item.
  private(set) var laneOfItem: [Int]
  private(set) var links: [Link] = []
  private(set) var edges: [Edge] = []

  /// The lanes of a `graph` that is its own transitive reduction and whose items stand in `rows`.
  init(of graph: AcyclicGraph, rows: [Int]) {
    laneOfItem = [Int](repeating: 0, count: graph.count)
    for items in graph.chains() {
      for item in items { laneOfItem[item] = lanes.count }
      let heights = items.map { 2 * rows[$0] }
      lanes.append(
        Lane(items: items, heights: heights, position: items[0], extent: heights.first!...heights.last!))
    }
    for from in 0..<graph.count {
      var stretch: Int?
      for to in graph.successors[from] {
        edges.append(Edge(from: from, to: to, lane: passage(from, to, rows: rows, stretch: &stretch)))
      }
    }
  }

  /// Adds the links of an edge and gives the lane down which it passes the rows between its ends, if there are any.
  ///
  /// Edges share a stretch only if they have one source or one target. `stretch` is that of other edges of `from`.
  private mutating func passage(_ from: Int, _ to: Int, rows: [Int], stretch: inout Int?) -> Int? {
    let (source, target) = (laneOfItem[from], laneOfItem[to])
    if source == target { return nil }
    let (upper, lower) = (2 * rows[from] + 1, 2 * rows[to] - 1)
    if upper == lower {
      links.append(Link(lanes: (source, target), height: upper))
      return nil
    }
    if lanes[source].items.last == from {
      lanes[source].extend(to: lower)
      links.append(Link(lanes: (source, target), height: lower))
      return source
    }
    if lanes[target].items.first == to {
      lanes[target].extend(to: upper)
      links.append(Link(lanes: (source, target), height: upper))
      return target
    }
    let lane = stretch ?? lanes.count
    if stretch == nil {
      lanes.append(Lane(items: [], heights: [], position: from, extent: upper...lower))
      links.append(Link(lanes: (source, lane), height: upper))
      stretch = lane
    }
    lanes[lane].extend(to: lower)
    links.append(Link(lanes: (lane, target), height: lower))
    return lane
  }
}

extension Lanes.Lane {
  fileprivate mutating func extend(to height: Int) {
    extent = min(extent.lowerBound, height)...max(extent.upperBound, height)
  }
}
