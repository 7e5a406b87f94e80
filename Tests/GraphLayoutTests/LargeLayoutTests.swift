import GraphLayout
import Testing

/// Graphs of the size of large networks, and larger: ten times the time that they take is allowed.
struct LargeLayoutTests {
  /// The layout of a graph and how long making it took.
  private func timed(_ count: Int, _ edges: [(from: Int, to: Int)]) -> (layout: GridLayout, time: Duration) {
    var layout = GridLayout(count: 0, edges: [])
    let time = ContinuousClock().measure { layout = GridLayout(count: count, edges: edges) }
    return (layout, time)
  }

  @Test func aDeepChain() {
    let (layout, time) = timed(20000, chain(20000))
    #expect(layout.rows == 20000 && layout.columns == 1)
    #expect(time < .seconds(10))
  }

  @Test func redundantEdgesAcrossBlocksOfTheReductionAreFound() {
    let (layout, time) = timed(10000, chain(10000, [(0, 9999), (4000, 4200), (5000, 9000)]))
    #expect(layout.columns == 1)
    #expect(layout.routes.count == 3)
    #expect(time < .seconds(10))
  }

  @Test func aThousandItems() {
    var generator = Generator(seed: 1)
    #expect(timed(1000, generator.edges(2000, among: 1000, reach: 1000)).time < .seconds(10))
    #expect(timed(1000, generator.edges(2000, among: 1000, reach: 20)).time < .seconds(10))
  }

  @Test func denseSkips() {
    let (layout, time) = timed(500, dense(500, reach: 64))
    #expect(layout.columns == 1 && layout.gutters[0] <= 2 * 63)
    #expect(layout.edges.count == 64 * 500 - 64 * 65 / 2)
    #expect(time < .seconds(5))
  }

  @Test func aWideGraph() {
    let (layout, time) = timed(5000, (1..<4999).flatMap { [(from: 0, to: $0), (from: $0, to: 4999)] })
    #expect(layout.rows == 3 && layout.columns == 4998)
    #expect(time < .seconds(10))
  }
}
