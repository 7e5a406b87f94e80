import Foundation
import TestSupport
import Testing

@testable import GradCAM

/// What other libraries say of fixed maps, by Fixtures/metrics/make.py.
private struct GoldenMetrics: Decodable {
  struct Agreement: Decodable {
    let height, width: Int
    let first, second: [Float]
    let pearson, spearman, ssim, iou: Double
  }

  struct Component: Decodable {
    let height, width: Int
    let map: [Float]
    let box: [Int]
  }

  struct Imputation: Decodable {
    let width: Int
    let planes: [[Float]]
    let known: [Float]
    let imputed: [[Float]]
  }

  struct Faithfulness: Decodable, CustomTestStringConvertible {
    let model, picture: String
    let `class`: Int
    /// Of the bell that is the map.
    let center: [Double]
    let metrics: [String: Double]

    var testDescription: String { "\(model), \(picture)" }
  }

  let agreement: [Agreement]
  let components: [Component]
  let imputation: Imputation
  let faithfulness: [Faithfulness]

  static let all: GoldenMetrics = GoldenFixture.read("metrics/metrics.json")
}

@Suite struct GoldenMetricTests {
  /// scipy's correlations and scikit-image's structural similarity.
  @Test func agreementIsThatOfSciPyAndScikitImage() throws {
    for golden in GoldenMetrics.all.agreement {
      func map(_ values: [Float]) -> HeatMap { HeatMap(width: golden.width, height: golden.height, values: values) }
      let agreement = MapAgreement(map(golden.first), map(golden.second))
      for (ours, theirs) in [
        (agreement.pearson, golden.pearson), (agreement.spearman, golden.spearman),
        (agreement.structuralSimilarity, golden.ssim), (agreement.topOverlap, golden.iou),
      ] { #expect(abs(try #require(ours) - theirs) < 1e-9) }
    }
  }

  @Test func largestComponentIsThatOfScikitImage() throws {
    for golden in GoldenMetrics.all.components {
      let found = HeatMap(width: golden.width, height: golden.height, values: golden.map).largestComponent(above: 0.15)
      let box = try #require(found)
      #expect([box.x, box.y, box.x + box.size.width, box.y + box.size.height] == golden.box)
    }
  }

  /// pytorch-grad-cam solves the same equations directly.
  @Test func imputationIsThatOfPytorchGradCAM() {
    let golden = GoldenMetrics.all.imputation
    let imputed = NoisyLinearImputation(seed: 0, noise: 0).imputed(
      golden.planes, width: golden.width, where: golden.known.map { $0 == 1 })
    #expect(imputed.count == golden.imputed.count)
    for (ours, theirs) in zip(imputed, golden.imputed) { expectClose(ours, theirs, within: 1e-4) }
  }

  /// TorchCAM's and pytorch-grad-cam's metrics of the same map, on the trained networks.
  @Test(arguments: GoldenMetrics.all.faithfulness)
  fileprivate func faithfulnessIsThatOfOtherLibraries(_ golden: GoldenMetrics.Faithfulness) throws {
    let explainer = try Explainer(shippedModel(golden.model))
    let picture = try Picture(contentsOf: shipped(golden.picture))
    let observation = try explainer.observe(try explainer.prepare(picture))
    let size = explainer.planner.inputSize
    let values = (0..<size.width * size.height).map { pixel -> Float in
      let x = Double(pixel % size.width) - golden.center[0], y = Double(pixel / size.width) - golden.center[1]
      return Float(exp(-(x * x + y * y) / 900))
    }
    let map = HeatMap(width: size.width, height: size.height, values: values)
    let probe = observation.probe(0, golden.class, .probability)
    let measured = MeasuredMap(map, of: probe.inputPlanes, probability: Double(try probe.score), pictureMap: map)
    let metrics: [any Metric] = [
      AverageDrop(), ConfidenceIncrease(), Insertion(), Deletion(), RemoveAndDebias(noise: 0),
    ]
    for (metric, ours) in zip(metrics, try Explainer.measure([measured], by: metrics, probe)[0]) {
      let ours = try #require(ours), theirs = try #require(golden.metrics[metric.name])
      #expect(abs(ours - theirs) < 2e-4, "\(metric.name): \(ours) where \(theirs) is expected")
    }
  }
}
