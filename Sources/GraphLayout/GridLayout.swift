/// A directed acyclic graph laid out as a grid of rows and columns, of which each cell holds at most one item.
///
/// The same graph always has the same layout. Every edge leads to a later row. Chains stand straight in one column, the
/// longest path of the graph first; an edge that another path makes redundant runs in a side lane.
public struct GridLayout: Sendable, Equatable {
  /// The cell of an item.
  public struct Place: Sendable, Equatable {
    /// From above, 0 the first.
    public let row: Int
    /// From the left, 0 the first.
    public let column: Int
  }

  /// How an edge passes the rows between its ends.
  public enum Route: Sendable, Equatable {
    /// Straight from one end to the other: the ends are in neighbouring rows, or in one column without an item between.
    case direct
    /// Down the middle of a column, in which these rows are empty.
    case column(Int, rows: ClosedRange<Int>)
    /// Down a side lane left of a column, of which lane 0 is next to the column.
    case gutter(column: Int, lane: Int, rows: ClosedRange<Int>)
  }

  /// An edge from an item to one in a later row.
  public struct Edge: Sendable, Equatable {
    /// The item that the other depends on.
    public let from: Int
    /// The item that depends on the other.
    public let to: Int
    /// How it passes the rows between them.
    public let route: Route
  }

  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// For each column, the number of side lanes left of it.
  public let gutters: [Int]
  /// The place of each item.
  public let places: [Place]
  /// The edges by their ends, each once.
  public let edges: [Edge]

  /// Lays out a graph of the items 0..<count.
  ///
  /// The time is at most edges × count / 64 steps for the transitive reduction, and for placing about the square of the
  /// number of chains; above 2,000 of these, their order is not optimized. The memory is 512 bytes for each item.
  /// - Parameters:
  ///   - count: the number of items.
  ///   - edges: each from a smaller to a larger position; repeated ones count once.
  ///   - first: an item without predecessors that is to be alone in the first row.
  ///   - last: an item without successors that is to be alone in the last row.
  public init(count: Int, edges: [(from: Int, to: Int)], first: Int? = nil, last: Int? = nil) {
    let graph = AcyclicGraph(count: count, edges: edges)
    precondition(first.map { graph.predecessors[$0].isEmpty } ?? true, "the first item depends on nothing")
    precondition(last.map { graph.successors[$0].isEmpty } ?? true, "nothing depends on the last item")
    let (reduction, removed) = graph.reduced()
    let rows = reduction.rows(first: first, last: last)
    let lanes = Lanes(of: reduction, rows: rows)
    let columnOfLane = LaneOrder(lanes).columns(of: lanes.lanes)
    let places = rows.indices.map { Place(row: rows[$0], column: columnOfLane[lanes.laneOfItem[$0]]) }
    self.places = places
    self.rows = rows.max().map { $0 + 1 } ?? 0
    columns = columnOfLane.max().map { $0 + 1 } ?? 0
    let sideLanes = SideLanes(for: removed, places: places, columns: columns)
    gutters = sideLanes.counts
    let kept = lanes.edges.map { edge in
      Edge(
        from: edge.from, to: edge.to,
        route: edge.lane.map { .column(columnOfLane[$0], rows: rows[edge.from] + 1...rows[edge.to] - 1) } ?? .direct)
    }
    let aside = removed.successors.enumerated().flatMap { from, targets in
      targets.map { to in
        Edge(from: from, to: to, route: sideLanes.route(of: from, from: places[from], to: places[to]))
      }
    }
    self.edges = (kept + aside).sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }
}
