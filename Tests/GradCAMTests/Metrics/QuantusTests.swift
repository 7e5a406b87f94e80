import Foundation
import TestSupport
import Testing

@testable import GradCAM

/// What Quantus and pytorch-grad-cam say of fixed maps and of maps by gradcam, by Fixtures/metrics/make_quantus.py.
private struct GoldenQuantus: Decodable {
  struct Map: Decodable {
    let width, height: Int
    let bells: [[Double]]
    let boxes: [[Int]]
    let metrics: [String: Double]
  }

  struct Network: Decodable, CustomTestStringConvertible {
    let model, picture: String
    let `class`: Int
    /// Of the map of `fixed`.
    let bells: [[Double]]
    let fixed, gradcam: [String: Double]

    var testDescription: String { "\(model), \(picture)" }
  }

  let maps: [Map]
  let networks: [Network]

  static let all: GoldenQuantus = GoldenFixture.read("metrics/quantus.json")
}

/// The sum of Gaussian bells, each of a centre, a variance and a height.
private func bells(_ width: Int, _ height: Int, _ parts: [[Double]]) -> HeatMap {
  let values = (0..<width * height).map { pixel -> Float in
    let sum = parts.reduce(0.0) { sum, bell in
      let x = Double(pixel % width) - bell[0], y = Double(pixel / width) - bell[1]
      return sum + bell[3] * exp(-(x * x + y * y) / bell[2])
    }
    return Float(sum)
  }
  return HeatMap(width: width, height: height, values: values)
}

@Suite struct QuantusTests {
  private func expect(
    _ name: String, _ ours: Double?, is theirs: Double, relative: Double, absolute: Double = 1e-6
  ) throws {
    let ours = try #require(ours, "\(name) was not measured")
    #expect(abs(ours - theirs) <= relative * abs(theirs) + absolute, "\(name): \(ours) where \(theirs) is expected")
  }

  @Test func metricsOfMapsAloneAreThoseOfQuantus() throws {
    for golden in GoldenQuantus.all.maps {
      let map = bells(golden.width, golden.height, golden.bells)
      let boxes = golden.boxes.map { PixelRectangle(x: $0[0], y: $0[1], width: $0[2], height: $0[3]) }
      let measured = MeasuredMap(map, of: [map.values], probability: 1, boxes: boxes, pictureMap: map)
      #expect(golden.metrics.count == 6)
      for (name, theirs) in golden.metrics {
        let ours = try Metrics.named(name).value(of: measured, MetricAnswers(probabilities: [], maps: []))
        try expect(name, ours, is: theirs, relative: 1e-4)
      }
    }
  }

  /// Metrics of a fixed map that ask the network for probabilities.
  @Test(arguments: GoldenQuantus.all.networks)
  fileprivate func metricsByChangedImagesAreThoseOfQuantus(_ golden: GoldenQuantus.Network) throws {
    let explainer = try Explainer(shippedModel(golden.model))
    let observation = try explainer.observe(try explainer.prepare(try Picture(contentsOf: shipped(golden.picture))))
    let size = explainer.planner.inputSize, map = bells(size.width, size.height, golden.bells)
    let probe = observation.probe(0, golden.class, .probability)
    let measured = MeasuredMap(map, of: probe.inputPlanes, probability: Double(try probe.score), pictureMap: map)
    for (name, theirs) in golden.fixed {
      let ours = try Explainer.measure([measured], by: [Metrics.named(name)], probe)[0][0]
      try expect(name, ours, is: theirs, relative: 1e-3, absolute: 1e-4)
    }
  }

  /// Metrics that make the map again: of changed pictures, of another class and by randomised networks.
  @Test(arguments: GoldenQuantus.all.networks)
  fileprivate func metricsByFurtherMapsAreThoseOfQuantus(_ golden: GoldenQuantus.Network) throws {
    let explainer = try Explainer(shippedModel(golden.model))
    let observation = try explainer.observe(try explainer.prepare(try Picture(contentsOf: shipped(golden.picture))))
    let explanations = try explainer.explain(classIndex: golden.class, of: observation)
    let names = golden.gradcam.keys.sorted()
    #expect(names.count == 11)
    var arcc = ARCC()
    arcc.road.noise = 0
    let metrics = try names.map { $0 == "arcc" ? arcc : try Metrics.named($0) }
    let measured = try explainer.measure(explanations, of: observation, by: metrics)[0]
    for (name, ours) in zip(names, measured) {
      // Where numbers are drawn, or ranks compared, small differences count for more.
      let isDrawn = name.hasSuffix("sensitivity") || name.hasPrefix("mprt")
      let (relative, absolute) = isDrawn ? (1e-2, 1e-3) : (1e-3, 1e-6)
      try expect(name, ours, is: golden.gradcam[name]!, relative: relative, absolute: absolute)
    }
  }
}
