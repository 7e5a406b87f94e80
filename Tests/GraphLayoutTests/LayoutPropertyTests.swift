import GraphLayout
import Testing

/// What holds of every layout, tested on random graphs of many shapes.
struct LayoutPropertyTests {
  /// Some graph, sparse or dense, deep or wide, with and without ports.
  struct RandomGraph: CustomTestStringConvertible {
    let seed: Int
    let count: Int
    let edges: [(from: Int, to: Int)]
    let first: Int?
    let last: Int?

    var testDescription: String { "seed \(seed)" }

    init(seed: Int) {
      var generator = Generator(seed: seed)
      let count = Int.random(in: 2...40, using: &generator)
      let edges = generator.edges(
        Int.random(in: 0...count * [1, 2, 8].randomElement(using: &generator)!, using: &generator), among: count,
        reach: [2, 5, 40].randomElement(using: &generator)!)
      (self.seed, self.count, self.edges) = (seed, count, edges)
      first = Bool.random(using: &generator) ? 0 : nil
      last = Bool.random(using: &generator) ? count - 1 : nil
    }

    var layout: GridLayout { GridLayout(count: count, edges: edges, first: first, last: last) }

    /// For each two items, the number of items on the longest path from one to the other, without the first; 0 if none.
    var distances: [[Int]] {
      var distances = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
      for (from, to) in edges.sorted(by: { $0.from > $1.from }) {
        distances[from][to] = max(distances[from][to], 1)
        for end in 0..<count where distances[to][end] > 0 {
          distances[from][end] = max(distances[from][end], distances[to][end] + 1)
        }
      }
      return distances
    }
  }

  static let graphs = (0..<400).map(RandomGraph.init)

  @Test(arguments: graphs)
  func everyItemHasACellOfItsOwn(_ graph: RandomGraph) {
    let layout = graph.layout
    #expect(layout.places.count == graph.count)
    #expect(Set(layout.places.map { [$0.row, $0.column] }).count == graph.count)
    #expect(Set(layout.places.map(\.row)) == Set(0..<layout.rows))
    #expect(layout.places.allSatisfy { 0 <= $0.column && $0.column < layout.columns })
    #expect(layout.gutters.count == layout.columns)
  }

  @Test(arguments: graphs)
  func everyEdgeIsThereOnceAndLeadsDownwards(_ graph: RandomGraph) {
    let layout = graph.layout
    #expect(
      layout.edges.map { [$0.from, $0.to] }
        == Set(graph.edges.map { [$0.from, $0.to] }).sorted { $0.lexicographicallyPrecedes($1) })
    for edge in layout.edges { #expect(layout.places[edge.from].row < layout.places[edge.to].row) }
  }

  @Test(arguments: graphs)
  func noEdgeRunsThroughAnItem(_ graph: RandomGraph) {
    let layout = graph.layout
    let cells = Set(layout.places.map { [$0.row, $0.column] })
    for edge in layout.edges {
      let (from, to) = (layout.places[edge.from], layout.places[edge.to])
      let passed = from.row + 1..<to.row
      switch edge.route {
      case .direct:
        #expect(passed.isEmpty || from.column == to.column)
        #expect(!passed.contains { cells.contains([$0, from.column]) })
      case .column(let column, let rows):
        #expect(Range(rows) == passed && (0..<layout.columns).contains(column))
        #expect(!rows.contains { cells.contains([$0, column]) })
      case .gutter(let column, let lane, let rows):
        #expect(Range(rows) == passed && (0..<layout.gutters[column]).contains(lane))
      }
    }
  }

  @Test(arguments: graphs)
  func exactlyRedundantEdgesRunInSideLanes(_ graph: RandomGraph) {
    let distances = graph.distances
    for edge in graph.layout.edges {
      var isAside = false
      if case .gutter = edge.route { isAside = true }
      #expect(isAside == (distances[edge.from][edge.to] > 1), "\(edge)")
    }
  }

  @Test(arguments: graphs)
  func linesThatMeetHaveOneEndInCommon(_ graph: RandomGraph) {
    let layout = graph.layout
    /// What runs where: the column, the lane (-1 in the column itself), and the rows and the gaps above and below them.
    let lines = layout.edges.compactMap { edge -> (edge: GridLayout.Edge, place: [Int], halves: ClosedRange<Int>)? in
      switch edge.route {
      case .direct:
        let (from, to) = (layout.places[edge.from], layout.places[edge.to])
        return from.column == to.column ? (edge, [from.column, -1], 2 * from.row + 1...2 * to.row - 1) : nil
      case .column(let column, let rows):
        return (edge, [column, -1], 2 * rows.lowerBound - 1...2 * rows.upperBound + 1)
      case .gutter(let column, let lane, let rows):
        return (edge, [column, lane], 2 * rows.lowerBound - 1...2 * rows.upperBound + 1)
      }
    }
    for (index, one) in lines.enumerated() {
      for other in lines[..<index] where one.place == other.place && one.halves.overlaps(other.halves) {
        let isAside = one.place[1] >= 0
        #expect(one.edge.from == other.edge.from || !isAside && one.edge.to == other.edge.to)
      }
    }
    for (column, count) in layout.gutters.enumerated() {
      #expect(Set(lines.filter { $0.place[0] == column && $0.place[1] >= 0 }.map { $0.place[1] }).count == count)
    }
  }

  @Test(arguments: graphs)
  func allSideLanesOfASourceAreOne(_ graph: RandomGraph) {
    var lanes: [Int: [Int]] = [:]
    for edge in graph.layout.edges {
      guard case .gutter(let column, let lane, _) = edge.route else { continue }
      #expect(lanes[edge.from, default: [column, lane]] == [column, lane])
      lanes[edge.from] = [column, lane]
    }
  }

  @Test(arguments: graphs)
  func portsAreAlone(_ graph: RandomGraph) {
    let layout = graph.layout
    if let first = graph.first {
      #expect(layout.places.indices.filter { layout.places[$0].row == 0 } == [first])
    }
    if let last = graph.last {
      #expect(layout.places.indices.filter { layout.places[$0].row == layout.rows - 1 } == [last])
    }
  }

  @Test(arguments: graphs)
  func theLongestPathDecidesTheRowsAndStandsStraight(_ graph: RandomGraph) {
    let layout = graph.layout
    let longest = graph.distances.joined().max()! + 1
    #expect((longest...longest + 2).contains(layout.rows))
    if graph.first == nil && graph.last == nil { #expect(layout.rows == longest) }
    var runs = [Int](repeating: 1, count: graph.count)
    for edge in layout.edges
    where edge.route == .direct && layout.places[edge.from].column == layout.places[edge.to].column {
      runs[edge.to] = max(runs[edge.to], runs[edge.from] + 1)
    }
    #expect(runs.max() == longest)
  }

  @Test(arguments: graphs)
  func theOrderOfEdgesDoesNotMatter(_ graph: RandomGraph) {
    let again = GridLayout(
      count: graph.count, edges: graph.edges.reversed() + graph.edges, first: graph.first, last: graph.last)
    #expect(again == graph.layout)
  }
}
