import GraphLayout
import Testing

/// Layouts whose every cell and route is known.
struct SmallLayoutTests {
  @Test func nothing() {
    let layout = GridLayout(count: 0, edges: [])
    #expect(layout.rows == 0 && layout.columns == 0)
    #expect(layout.gutters.isEmpty && layout.places.isEmpty && layout.edges.isEmpty)
  }

  @Test func oneItem() {
    #expect(GridLayout(count: 1, edges: []).drawing == ["0"])
    #expect(GridLayout(count: 1, edges: [], first: 0, last: 0).drawing == ["0"])
  }

  @Test func aRepeatedEdgeCountsOnce() {
    let layout = GridLayout(count: 2, edges: [(0, 1), (0, 1)])
    #expect(layout.drawing == ["0", "1"])
    #expect(layout.edges == GridLayout(count: 2, edges: [(0, 1)]).edges)
    #expect(layout.edges.count == 1)
  }

  @Test func edgesOfNeighbouringRowsAreDirect() {
    let layout = GridLayout(count: 4, edges: [(0, 1), (0, 2), (1, 3), (2, 3)])
    #expect(layout.drawing == ["0 .", "1 2", "3 ."])
    #expect(layout.routes.isEmpty)
    #expect(layout.edges.map { [$0.from, $0.to] } == [[0, 1], [0, 2], [1, 3], [2, 3]])
  }

  @Test func aShortBranchRunsDownItsOwnColumn() {
    let layout = GridLayout(count: 6, edges: [(0, 1), (1, 2), (2, 3), (3, 5), (0, 4), (4, 5)])
    #expect(layout.drawing == ["0 .", "1 4", "2 .", "3 .", "5 ."])
    #expect(layout.routes == ["4-5 column 1 rows 2...3"])
  }

  @Test func anItemIsReachedDownTheColumnInWhichItBegins() {
    // 11 reads 3 and, far above, 7, from the middles of two chains.
    let layout = GridLayout(count: 12, edges: chain(6) + chain(6...10) + [(3, 11), (7, 11)])
    #expect(layout.drawing == ["0 . 6", "1 . 7", "2 . 8", "3 . 9", "4 11 10", "5 . ."])
    #expect(layout.routes == ["7-11 column 1 rows 2...3"])
  }

  @Test func edgesFromTheMiddleOfAChainShareAStretch() {
    // 9 and 16, in the middles of other chains, read 1.
    let layout = GridLayout(count: 18, edges: chain(6) + chain(6...11) + chain(12...17) + [(1, 9), (1, 16)])
    #expect(
      layout.drawing == ["12 . 0 6", "13 . 1 7", "14 . 2 8", "15 . 3 9", "16 . 4 10", "17 . 5 11"])
    #expect(layout.routes == ["1-9 column 1 rows 2...2", "1-16 column 1 rows 2...3"])
  }

  @Test func identitySkipsOfAChainShareOneSideLane() {
    let skips = stride(from: 0, to: 48, by: 4).map { (from: $0, to: $0 + 4) }
    let layout = GridLayout(count: 50, edges: chain(50, skips))
    #expect(layout.rows == 50 && layout.columns == 1)
    #expect(layout.gutters == [1])
    #expect(layout.routes == skips.map { "\($0.from)-\($0.to) gutter 0.0 rows \($0.from + 1)...\($0.to - 1)" })
  }

  @Test func aSideLaneIsNotSharedByEdgesThatMeetInAGap() {
    // One would come in from the left in the gap in which the other goes out.
    let layout = GridLayout(count: 8, edges: chain(8, [(0, 4), (3, 7)]))
    #expect(layout.routes == ["0-4 gutter 0.0 rows 1...3", "3-7 gutter 0.1 rows 4...6"])
  }

  @Test func longSkipsAreNested() {
    let layout = GridLayout(count: 9, edges: chain(9, [(0, 8), (1, 7), (2, 6), (3, 5)]))
    #expect(layout.columns == 1)
    #expect(
      layout.routes == [
        "0-8 gutter 0.3 rows 1...7", "1-7 gutter 0.2 rows 2...6", "2-6 gutter 0.1 rows 3...5",
        "3-5 gutter 0.0 rows 4...4",
      ])
  }

  @Test func aDenseBlockIsOneColumnWithOneLaneForEachSource() {
    let layout = GridLayout(count: 49, edges: dense(49, reach: 48))
    #expect(layout.rows == 49 && layout.columns == 1)
    #expect(layout.gutters == [47])
    #expect(layout.edges.count == 49 * 48 / 2)
  }

  @Test func anInceptionBlockHasItsLongestBranchStraightAmongTheOthers() {
    let layout = GridLayout(
      count: 10,
      edges: [
        (0, 1), (1, 9), (0, 2), (2, 3), (3, 9), (0, 4), (4, 5), (5, 6), (6, 9), (0, 7), (7, 8), (8, 9),
      ])
    #expect(layout.drawing == [". . 0 .", "1 2 4 7", ". 3 5 8", ". . 6 .", ". . 9 ."])
    #expect(
      layout.routes == ["1-9 column 0 rows 2...3", "3-9 column 1 rows 3...3", "8-9 column 3 rows 3...3"])
  }

  @Test func whatDependsOnNothingStandsAboveItsConsumer() {
    // 3 and 4 are a side input of 5; 6 reads nothing and nothing reads it.
    let layout = GridLayout(count: 7, edges: [(0, 1), (1, 2), (2, 5), (3, 4), (4, 5)])
    #expect(layout.places[4].row == layout.places[5].row - 1)
    #expect(layout.places[3].row == layout.places[5].row - 2)
    #expect(layout.places[6].row == 0)
    #expect(layout.routes.isEmpty)
  }

  @Test func portsAreAloneInTheirRows() {
    // A block with a projection, and an item that reads nothing and one that nothing reads.
    let layout = GridLayout(
      count: 8, edges: [(0, 1), (1, 2), (2, 4), (0, 3), (3, 4), (4, 7), (1, 6)], first: 0, last: 7)
    #expect(layout.rows == 5)
    #expect(layout.places.count { $0.row == 0 } == 1 && layout.places[0].row == 0)
    #expect(layout.places.count { $0.row == layout.rows - 1 } == 1 && layout.places[7].row == layout.rows - 1)
    #expect(layout.places[5].row == 1)
    #expect(layout.places[0].column == layout.places[7].column)
  }
}
