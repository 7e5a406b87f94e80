import Foundation
import GradCAM
import TestSupport
import Testing

/// pytorch-grad-cam's own maps of taps of narrow networks, made by Fixtures/methods/make.py.
private struct GoldenTap: Decodable, CustomTestStringConvertible {
  let name: String
  let shape: [Int]
  let activation, gradient: [Float]
  let maps: [String: [Float]]

  var testDescription: String { name }
  var tap: Tap {
    Tap(channels: shape[0], height: shape[1], width: shape[2], activation: activation, gradient: gradient)
  }

  static let all: [GoldenTap] = GoldenFixture.read("methods/methods.json")
}

@Suite struct GoldenMapTests {
  /// Methods whose sign pytorch-grad-cam leaves to its eigenvalue routine.
  private static let signsAreOpen: Set = ["eigencam", "eigengradcam"]

  @Test(arguments: GoldenTap.all)
  fileprivate func mapsAreThoseOfPytorchGradCAM(_ golden: GoldenTap) throws {
    for (name, truth) in golden.maps {
      var map = try (Registry.standard.method(named: name) as! any TapMethod).map(of: golden.tap).values
      if Self.signsAreOpen.contains(name), zip(map, truth).reduce(0, { $0 + $1.0 * $1.1 }) < 0 { map = map.map { -$0 } }
      expectClose(map, truth, within: 1e-4, isRelative: true, name)
    }
  }

  /// The sign rule of eigen methods: that of what they are components of.
  @Test(arguments: GoldenTap.all)
  fileprivate func eigenMapsRiseWithTheActivation(_ golden: GoldenTap) throws {
    for (name, term): (String, (Float, Float) -> Float) in [("eigencam", { a, _ in a }), ("eigengradcam", { $0 * $1 })]
    {
      let map = try (Registry.standard.method(named: name) as! any TapMethod).map(of: golden.tap).values,
        sum = golden.tap.sum(term).values
      let mean = sum.reduce(0, +) / Float(sum.count)
      #expect(zip(map, sum).reduce(0) { $0 + $1.0 * ($1.1 - mean) } > 0, "\(name)")
    }
  }
}
