import Foundation
import TestSupport
import Testing

@testable import GradCAM

/// Maps that pytorch-grad-cam and TorchCAM make with the networks that ship, by Fixtures/methods/make_trained.py.
private struct GoldenTrained: Decodable, CustomTestStringConvertible {
  let model, node, picture: String
  /// The class that all methods explain, but for `finercam`, which explains the top one.
  let target, top: Int
  let maps: [String: [Float]]

  var testDescription: String { "\(model), \(picture)" }

  static let all: [GoldenTrained] = GoldenFixture.read("methods/trained.json")
}

@Suite struct GoldenTrainedTests {
  /// Those of TorchCAM, which rectifies them.
  private static let rectified: Set = ["iscam", "smoothgradcam++"]
  /// Those whose sign pytorch-grad-cam leaves open.
  private static let unsigned: Set = ["eigencam", "eigengradcam", "kpca-cam"]
  /// Those that draw numbers, the same here and there.
  private static let drawn: Set = ["smoothgradcam++"]

  @Test(arguments: GoldenTrained.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenTrained) throws {
    let explainer = try Explainer(shippedModel(golden.model), nodes: [golden.node])
    let observation = try explainer.observe(explainer.prepare(contentsOf: shipped(golden.picture)))
    #expect(try explainer.classes(of: observation, count: 1)[0].index == golden.top)
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      let map = try explainer.explain(
        classIndex: name == "finercam" ? golden.top : golden.target, of: observation, methods: [name])[0].map
      let values = Self.rectified.contains(name) ? map.rectified().values : map.values
      let isFlipped = Self.unsigned.contains(name) && zip(values, truth).reduce(0) { $0 + $1.0 * $1.1 } < 0
      expectClose(
        isFlipped ? values.map { -$0 } : values, truth, within: Self.drawn.contains(name) ? 1e-2 : 1e-3,
        isRelative: true, name)
    }
  }
}
