import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Maps that pytorch-grad-cam and TorchCAM make of narrow networks, by Fixtures/methods/make_probes.py.
private struct GoldenNetwork: Decodable, CustomTestStringConvertible {
  let name, node: String
  let shape: [Int]
  let input: [Float]
  /// The class that all methods explain, but for `finercam`, which explains the top one.
  let target, top: Int
  let maps: [String: [Float]]

  var testDescription: String { name }

  static let all: [GoldenNetwork] = GoldenFixture.read("methods/probes.json")

  func observation() throws -> Observation {
    try .of(
      Tensor(input, shape: Shape(shape)), by: GoldenFixture.model(name), nodes: [node],
      size: PixelSize(width: shape[3], height: shape[2]))
  }
}

@Suite struct GoldenProbeTests {
  /// Those of TorchCAM, which rectifies them.
  private static let rectified: Set = ["sscam", "iscam", "smoothgradcam++"]

  @Test(arguments: GoldenNetwork.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenNetwork) throws {
    let observation = try golden.observation()
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      let classIndex = name == "finercam" ? golden.top : golden.target
      let map = try Registry.standard.method(named: name).map(
        of: observation.taps(classIndex)[0], probe: observation.probe(0, classIndex))
      let values = Self.rectified.contains(name) ? map.rectified().values : map.values
      expectClose(values, truth, within: 1e-3, isRelative: true, name)
    }
  }

  /// Where a network is bent downstream of the tap, the second derivative counts; where it is not, ShapleyCAM is Grad-CAM.
  @Test(arguments: GoldenNetwork.all)
  fileprivate func theSecondDerivativeIsThatOfBends(_ golden: GoldenNetwork) throws {
    let observation = try golden.observation(), tap = try observation.taps(golden.target)[0]
    let gradcam = GradCAMMethod().map(of: tap)
    let map = try ShapleyCAM().map(of: tap, probe: observation.probe(0, golden.target))
    let deviation = Deviation(map.values, from: gradcam.values)
    #expect((deviation.relative < 1e-3) == (golden.name != "smooth"), "\(deviation)")
  }
}
