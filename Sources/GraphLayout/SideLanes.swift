/// The side lanes beside the columns, for edges that lead past what another path leads through.
struct SideLanes {
  /// A lane that the edges of one source share.
  private struct Bundle {
    let source: Int
    let gutter: Int
    let rows: ClosedRange<Int>
  }

  /// How many lanes each gutter has.
  private(set) var counts: [Int]
  /// The route of each item's edges, without the row in which they end.
  private var lanes: [Int: (gutter: Int, lane: Int)] = [:]

  /// The lanes for `edges` between items that stand in `places`.
  ///
  /// Of a gutter's lanes, 0 is next to the column. Shorter bundles are nearer to it, so that nested ones do not cross.
  init(for edges: AcyclicGraph, places: [GridLayout.Place], columns: Int) {
    counts = [Int](repeating: 0, count: columns)
    var bundles: [Bundle] = []
    for (source, targets) in edges.successors.enumerated() where !targets.isEmpty {
      let first = places[source].row + 1
      let last = targets.reduce(first) { max($0, places[$1].row - 1) }
      let gutter = Self.gutter(from: places[source].column, to: targets.map { places[$0].column })
      bundles.append(Bundle(source: source, gutter: gutter, rows: first...last))
    }
    bundles.sort { ($0.rows.count, $0.source) < ($1.rows.count, $1.source) }
    // For each gutter, the rows in use of each of its lanes.
    var used = [[[ClosedRange<Int>]]](repeating: [], count: columns)
    for bundle in bundles {
      // One ends in the gap in which the next would begin: they would look like one line.
      let kept = bundle.rows.lowerBound - 1...bundle.rows.upperBound
      let free = used[bundle.gutter].firstIndex { lane in
        lane.allSatisfy { !$0.overlaps(kept) }
      }
      let lane = free ?? used[bundle.gutter].count
      if free == nil { used[bundle.gutter].append([]) }
      used[bundle.gutter][lane].append(kept)
      lanes[bundle.source] = (bundle.gutter, lane)
    }
    counts = used.map(\.count)
  }

  /// The gutter through which the ways from a column to others are shortest; that left of the column if all are equal.
  private static func gutter(from source: Int, to targets: [Int]) -> Int {
    // Tenths of columns: a gutter's line is a little nearer to the column that it belongs to.
    func length(_ gutter: Int) -> Int {
      ([source] + targets).reduce(0) { $0 + abs(10 * $1 - (10 * gutter - 4)) }
    }
    return (([source] + targets).min()!...([source] + targets).max()!).min { length($0) < length($1) }!
  }

  /// The route of an edge of which `places` are the ends.
  func route(of source: Int, from: GridLayout.Place, to: GridLayout.Place) -> GridLayout.Route {
    let (gutter, lane) = lanes[source]!
    return .gutter(column: gutter, lane: lane, rows: from.row + 1...to.row - 1)
  }
}
