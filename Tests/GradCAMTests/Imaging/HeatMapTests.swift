import TestSupport
import Testing

@testable import GradCAM

@Suite struct HeatMapTests {
  @Test func rectifiedKeepsWhatIsPositive() {
    let map = HeatMap(width: 4, height: 1, values: [-1, 0, 2, .nan])
    #expect(map.rectified().values == [0, 0, 2, 0])
  }

  @Test func rescaledSpansZeroToOne() {
    let map = HeatMap(width: 2, height: 2, values: [-2, 0, 2, 6]).rescaled()
    expectClose(map, HeatMap(width: 2, height: 2, values: [0, 0.25, 0.5, 1]), within: 1e-6)
  }

  @Test func rescaledDividesByMaximumPlusEpsilon() {
    let map = HeatMap(width: 2, height: 1, values: [0, 1e-7]).rescaled()
    #expect(map.values[0] == 0)
    expectClose(map.values, [0, 0.5])
  }

  @Test func normalizedDropsNegativesFirst() {
    let map = HeatMap(width: 3, height: 1, values: [-8, 1, 4]).normalized()
    expectClose(map, HeatMap(width: 3, height: 1, values: [0, 0.25, 1]), within: 1e-6)
    #expect(HeatMap(width: 2, height: 1, values: [-1, -1]).normalized().values == [0, 0])
  }

  @Test func argmaxIsTheFirstOfTheLargest() throws {
    let place = try #require(HeatMap(width: 2, height: 3, values: [.nan, 1, 0, 5, 5, 2]).argmax)
    #expect(place == (x: 1, y: 1))
    #expect(HeatMap(width: 1, height: 1, values: [.nan]).argmax == nil)
  }
}
