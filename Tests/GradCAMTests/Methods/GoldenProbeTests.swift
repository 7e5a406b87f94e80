import Foundation
import Graph
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

  static let all: [GoldenNetwork] = GoldenFixture.read("probes.json")

  func session() throws -> Session {
    let model = try Model(contentsOf: GoldenFixture.folder.appending(path: "\(name).onnx").path)
    let session = try Session(
      model, nodes: [node], inputSize: PixelSize(width: shape[3], height: shape[2]), threadCount: 2)
    try session.forward(Tensor(input, shape: Shape(shape)))
    return session
  }
}

@Suite struct GoldenProbeTests {
  /// Those of TorchCAM, which rectifies them.
  private static let rectified: Set = ["sscam", "iscam", "smoothgradcam++"]

  @Test(arguments: GoldenNetwork.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenNetwork) throws {
    let session = try golden.session()
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      let classIndex = name == "finercam" ? golden.top : golden.target
      try session.backward(classIndex: classIndex)
      let map = try Registry.standard.method(named: name).map(
        of: session.tap(0), probe: session.probe(0, classIndex: classIndex))
      let values = Self.rectified.contains(name) ? map.rectified().values : map.values
      let deviation = Deviation(values, from: truth)
      #expect(deviation.relative < 1e-3, "\(name): \(deviation)")
    }
  }

  /// Where a network is bent behind the tap, the second derivative counts; where it is not, ShapleyCAM is Grad-CAM.
  @Test(arguments: GoldenNetwork.all)
  fileprivate func theSecondDerivativeIsThatOfBends(_ golden: GoldenNetwork) throws {
    let session = try golden.session()
    try session.backward(classIndex: golden.target)
    let tap = session.tap(0), gradcam = MeanGradientWeighting().map(of: tap)
    let map = try ShapleyCAM().map(of: tap, probe: session.probe(0, classIndex: golden.target))
    let deviation = Deviation(map.values, from: gradcam.values)
    #expect((deviation.relative < 1e-3) == (golden.name != "smooth"), "\(deviation)")
  }
}
