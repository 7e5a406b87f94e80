import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Metrics of maps whose numbers can be worked out by hand.
@Suite struct MetricTests {
  private let observation: Observation
  private static let usual = Metrics.all.filter { $0.isUsual || $0.name == "insertion-deletion" }

  init() throws {
    let explainer = try Explainer(shippedModel("shapes-vgg.onnx"))
    observation = try explainer.observe(try explainer.prepare(try SamplePictures.picture("single-003-star.png")))
  }

  private var probe: Probe { observation.probe(0, 3, .probability) }

  private func values(
    _ map: HeatMap, _ metrics: any Metric..., boxes: [PixelRectangle] = []
  ) throws -> [Double?] {
    let probe = self.probe
    let measured = MeasuredMap(
      map, of: probe.inputPlanes, probability: Double(try probe.score), boxes: boxes, pictureMap: map)
    return try Explainer.measure([measured], by: metrics.isEmpty ? Self.usual : metrics, probe)[0]
  }

  private func flat(_ value: Float) -> HeatMap {
    HeatMap(width: 96, height: 96, values: [Float](repeating: value, count: 96 * 96))
  }

  /// A map of ones leaves the image as it is.
  @Test func onesLoseNothing() throws {
    #expect(try probe.score > 0.9)
    #expect(try abs(values(flat(1), AverageDrop())[0]!) < 1e-5)
  }

  /// A map of zeros leaves mean colour, with which every deletion ends.
  @Test func zerosLoseWhatTheImageSays() throws {
    let probe = self.probe
    let black = try probe.scores(ofInputs: 1) { _, input in input.update(repeating: 0) }[0]
    let lost = try Double(probe.score - black) / Double(probe.score)
    #expect(try abs(values(flat(0), AverageDrop())[0]! - lost) < 1e-5)
    #expect(try values(flat(0), ConfidenceIncrease()) == [0])
  }

  /// 20 steps, of ⌈9216 ⁄ 20⌉ pixels but for the last, and trapezoids between them; blurred by a Gaussian of 11 × 11
  /// with σ = 5, zeros around.
  @Test func insertionAndDeletionAreAreasBelowCurves() throws {
    let side = 96, count = side * side, probe = self.probe, planes = probe.inputPlanes
    let counts = (0..<20).map { 461 * $0 } + [count]
    /// The area while the last pixels of one image, more and more of them, become those of another.
    func area(from start: [[Float]], to end: [[Float]]) throws -> Double {
      let curve = try probe.scores(ofInputs: counts.count) { step, input in
        for channel in start.indices {
          for pixel in 0..<count {
            let isExchanged = pixel >= count - counts[step]
            input[channel * count + pixel] = isExchanged ? end[channel][pixel] : start[channel][pixel]
          }
        }
      }
      return (1..<counts.count).reduce(0.0) { sum, step in
        let width = Double(counts[step] - counts[step - 1]) / Double(count)
        return sum + width * Double(curve[step - 1] + curve[step]) / 2
      }
    }
    let bell = (-5...5).map { exp(-Double($0 * $0) / 50) }, whole = bell.reduce(0, +)
    let blurred = planes.map { plane in
      (0..<count).map { pixel -> Float in
        var sum = 0.0
        for row in 0..<11 where (0..<side).contains(pixel / side + row - 5) {
          for column in 0..<11 where (0..<side).contains(pixel % side + column - 5) {
            sum += bell[row] * bell[column] * Double(plane[pixel + side * (row - 5) + column - 5])
          }
        }
        return Float(sum / (whole * whole))
      }
    }
    let zeros = planes.map { plane in [Float](repeating: 0, count: plane.count) }
    let ramp = HeatMap(width: side, height: side, values: (0..<count).map { Float($0) / Float(count) })
    let found = try values(ramp, Insertion(), Deletion())
    let insertion = try #require(found[0]), deletion = try #require(found[1])
    #expect(try abs(insertion - area(from: blurred, to: planes)) < 1e-5)
    #expect(try abs(deletion - area(from: planes, to: zeros)) < 1e-5)
  }

  /// The object's own box is a better explanation than all around it, by every metric of faithfulness.
  @Test func theObjectBeatsItsSurroundings() throws {
    let box = try #require(try SamplePictures.boxes()["single-003-star.png"]?.first)
    func map(inside: Float, outside: Float) -> HeatMap {
      HeatMap(
        width: 96, height: 96,
        values: (0..<96 * 96).map { pixel in
          box.contains(x: pixel % 96 * 256 / 96, y: pixel / 96 * 256 / 96) ? inside : outside
        })
    }
    let good = try values(map(inside: 1, outside: 0)), bad = try values(map(inside: 0, outside: 1))
    for (index, metric) in Self.usual.enumerated() where !metric.needsBoxes && metric.name != "increase" {
      let (good, bad) = (try #require(good[index]), try #require(bad[index]))
      #expect(metric.isBetterHigher ? good > bad : good < bad, "\(metric.name): \(good), \(bad)")
    }
  }

  @Test func localisation() throws {
    var pixels = [Float](repeating: 0, count: 96 * 96)
    for (x, y, value) in [(2, 2, 1), (3, 2, 0.5), (4, 3, 0.5), (8, 7, 0.9)] as [(Int, Int, Float)] {
      pixels[y * 96 + x] = value
    }
    let map = HeatMap(width: 96, height: 96, values: pixels)
    let box = PixelRectangle(x: 2, y: 2, width: 2, height: 2), beside = PixelRectangle(x: 3, y: 2, width: 2, height: 2)
    #expect(try values(map, PointingGame(), boxes: [box]) == [1])
    #expect(try values(map, PointingGame(), boxes: [beside]) == [0])
    #expect(try values(map, PointingGame(), boxes: [beside, box]) == [1])
    #expect(try abs(values(map, EnergyInside(), boxes: [box])[0]! - 1.5 / 2.9) < 1e-6)
    #expect(try abs(values(map, EnergyInside(), boxes: [box, beside])[0]! - 2 / 2.9) < 1e-6)
    // The largest component touches by a corner: columns 2 … 4, rows 2 … 3.
    #expect(map.largestComponent(above: 0.15) == PixelRectangle(x: 2, y: 2, width: 3, height: 2))
    #expect(try abs(values(map, BoxOverlap(), boxes: [box])[0]! - 4.0 / 6) < 1e-12)
    for (metric, value) in zip(Self.usual, try values(map)) where metric.needsBoxes { #expect(value == nil) }
  }

  /// Maps without content show nothing in any box.
  @Test func emptyMapsMiss() throws {
    let found = try values(flat(0), boxes: [PixelRectangle(x: 0, y: 0, width: 96, height: 96)])
    for (metric, value) in zip(Self.usual, found) where metric.needsBoxes { #expect(value == 0, "\(metric.name)") }
  }

  /// Changes that two metrics share run once.
  @Test func metricsTogetherAreThoseAlone() throws {
    let ramp = HeatMap(width: 96, height: 96, values: (0..<96 * 96).map { Float($0) / 9216 })
    let together = try values(ramp, AverageDrop(), ConfidenceIncrease(), Deletion())
    let alone = try [AverageDrop(), ConfidenceIncrease(), Deletion()].map { (metric: any Metric) in
      try values(ramp, metric)[0]
    }
    expectClose(together.map { Float($0!) }, alone.map { Float($0!) })
  }

  @Test func agreementOfMapsWithoutContrastIsUndefined() {
    let ramp = HeatMap(width: 8, height: 8, values: (0..<64).map { Float($0) / 64 })
    let empty = HeatMap(width: 8, height: 8, values: [Float](repeating: 0, count: 64))
    let same = MapAgreement(ramp, ramp), none = MapAgreement(ramp, empty), neither = MapAgreement(empty, empty)
    #expect(abs(same.pearson! - 1) < 1e-12 && abs(same.spearman! - 1) < 1e-12 && same.topOverlap == 1)
    #expect(abs(same.structuralSimilarity! - 1) < 1e-12)
    #expect(none.pearson == nil && none.spearman == nil && none.topOverlap == 0)
    #expect(neither.topOverlap == nil && neither.structuralSimilarity == 1)
    #expect(
      MapAgreement(
        HeatMap(width: 2, height: 2, values: [0, 1, 2, 3]), HeatMap(width: 2, height: 2, values: [3, 2, 1, 0])
      ).structuralSimilarity == nil)
  }

  /// Where nothing is known there is nothing to impute from; where one pixel is, all become equal to it.
  @Test(arguments: [(40, 31), (1, 9), (2, 2), (224, 3)]) func imputationFromAlmostNothing(_ size: (Int, Int)) {
    let (width, height) = size
    var isKnown = [Bool](repeating: false, count: width * height)
    let plane = [Float](repeating: 0.7, count: width * height)
    let imputation = NoisyLinearImputation(seed: 1, noise: 0)
    #expect(imputation.imputed([plane], width: width, where: isKnown)[0].allSatisfy { $0 == 0 })
    isKnown[width * height / 2] = true
    expectClose(imputation.imputed([plane], width: width, where: isKnown)[0], plane, within: 1e-3)
    #expect(imputation.imputed([plane], width: width, where: isKnown.map { _ in true })[0] == plane)
  }

  @Test func unknownMetricsAreNamed() {
    expectError(.usage, at: "metric 'average drop'", saying: "average-drop") { _ = try Metrics.named("average drop") }
  }
}
