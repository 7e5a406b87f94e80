import Foundation
import Testing

@testable import GradCAM

/// Metrics of a map alone whose numbers can be worked out by hand.
@Suite struct MapShapeTests {
  private func value(_ metric: any Metric, _ map: HeatMap, boxes: [PixelRectangle] = []) -> Double? {
    metric.value(
      of: MeasuredMap(map, of: [map.values], probability: 1, boxes: boxes, pictureMap: map),
      MetricAnswers(probabilities: [], maps: []))
  }

  private let flat = HeatMap(width: 20, height: 10, values: [Float](repeating: 0.5, count: 200))
  private let point = HeatMap(width: 20, height: 10, values: (0..<200).map { $0 == 105 ? 1 : 0 })
  private let empty = HeatMap(width: 20, height: 10, values: [Float](repeating: 0, count: 200))

  @Test func evenMapsAndSinglePoints() throws {
    #expect(try abs(#require(value(Complexity(), flat)) - log(200)) < 1e-9)
    #expect(try abs(#require(value(Complexity(), point))) < 1e-9)
    #expect(try abs(#require(value(Sparseness(), flat))) < 1e-9)
    #expect(try abs(#require(value(Sparseness(), point)) - (1 - 1.0 / 200)) < 1e-4)
    #expect(try abs(#require(value(BorderMass(), flat)) - 0.36) < 1e-9)
    #expect(value(BorderMass(), point) == 0)
    for metric in [Complexity(), Sparseness(), BorderMass()] as [any Metric] {
      #expect(value(metric, empty) == nil, "\(metric.name)")
    }
  }

  /// Ends of a signal, and of each axis of a volume.
  @Test func borderOfSignalsAndVolumes() throws {
    let signal = HeatMap(PixelSize(extents: [20]), values: [Float](repeating: 1, count: 20))
    #expect(try abs(#require(value(BorderMass(), signal)) - 0.2) < 1e-9)
    let volume = HeatMap(PixelSize(extents: [10, 20, 10]), values: [Float](repeating: 1, count: 2000))
    #expect(try abs(#require(value(BorderMass(), volume)) - (1 - 0.8 * 0.8 * 0.8)) < 1e-9)
  }

  @Test func highestPixelsInBoxes() throws {
    let ramp = HeatMap(width: 20, height: 10, values: (0..<200).map { Float($0) })
    // The box has 4 pixels, of which the highest 4 of the map are one.
    let box = PixelRectangle(x: 18, y: 8, width: 2, height: 2)
    #expect(value(RelevanceRank(), ramp, boxes: [box]) == 0.5)
    // There are fewer than 1,000 pixels.
    #expect(value(TopIntersection(), ramp, boxes: [box]) == 0.02)
    for metric in [RelevanceRank(), TopIntersection()] as [any Metric] {
      #expect(value(metric, empty, boxes: [box]) == 0 && value(metric, ramp) == nil)
    }
  }

  @Test func entropyOfNumbersThatAreNone() {
    let broken = HeatMap(width: 2, height: 1, values: [.nan, 1])
    let answers = MetricAnswers(probabilities: [], maps: [broken])
    let map = HeatMap(width: 2, height: 1, values: [0, 1])
    let measured = MeasuredMap(map, of: [[0, 1]], probability: 1, pictureMap: map)
    #expect(EfficientRandomisation().value(of: measured, answers)?.isNaN ?? true)
  }
}
