import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Attributions of pixels by Captum, made by Fixtures/methods/make_pixels.py.
private struct GoldenPixels: Decodable, CustomTestStringConvertible {
  struct Rule: Decodable { let nodes, weights: [Double] }
  struct File: Decodable {
    let cases: [GoldenPixels]
    let rule: Rule
  }

  let name: String
  let target: Int
  let shape: [Int]
  let input, baseline: [Float]
  let maps: [String: [Float]]

  var testDescription: String { name }

  static let file: File = GoldenFixture.read("methods/pixels.json")
  static let all = file.cases

  func observation() throws -> Observation {
    try .of(
      Tensor(input, shape: Shape(shape)), by: GoldenFixture.model(name), nodes: ["auto"],
      size: PixelSize(width: shape[3], height: shape[2]))
  }

  /// The settings that the script gives Captum.
  func settings(_ method: String) -> MethodSettings {
    var settings = MethodSettings()
    let hasBaseline = method.hasSuffix("baseline")
    settings.window = hasBaseline ? PixelSize(width: 4, height: 7) : PixelSize(width: 6, height: 5)
    settings.stride = hasBaseline ? PixelSize(width: 3, height: 7) : PixelSize(width: 4, height: 3)
    if hasBaseline {
      settings.steps = 20
      settings.baseline = .images([Tensor(baseline, shape: Shape(shape))])
    }
    return settings
  }
}

@Suite struct GoldenPixelTests {
  @Test(arguments: GoldenPixels.all)
  fileprivate func mapsAreThoseOfCaptum(_ golden: GoldenPixels) throws {
    let observation = try golden.observation()
    let tap = try observation.taps(golden.target)[0]
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      let settings = golden.settings(name), method = String(name.prefix { $0 != "," })
      let map = try Registry.standard.method(named: method, settings: settings).map(
        of: tap, probe: observation.probe(0, golden.target))
      expectClose(map.values, truth, within: 1e-3, isRelative: true, name)
    }
  }

  @Test func nodesAndWeightsAreThoseOfNumPy() {
    let truth = GoldenPixels.file.rule, rule = GaussLegendreRule(count: truth.nodes.count)
    for (found, truth) in [(rule.nodes, truth.nodes), (rule.weights, truth.weights)] {
      #expect(found.count == truth.count)
      for (found, truth) in zip(found, truth) { #expect(abs(found - truth) < 1e-14) }
    }
    #expect(GaussLegendreRule(count: 1).nodes == [0.5] && GaussLegendreRule(count: 1).weights == [1])
  }

  @Test(arguments: GoldenPixels.all)
  fileprivate func integratedGradientsSayHowFarTheyAddUp(_ golden: GoldenPixels) throws {
    let observation = try golden.observation(), probe = observation.probe(0, golden.target)
    let method = IntegratedGradients(steps: 1000)
    let map = try method.map(of: observation.taps(golden.target)[0], probe: probe)
    let reported = try #require(probe.takeCompleteness())
    #expect(probe.takeCompleteness() == nil)
    #expect(abs(reported.sum - map.values.reduce(0) { $0 + Double($1) }) < 1e-6)
    let zeros = [Float](repeating: 0, count: golden.input.count)
    let score = try probe.score, before = try probe.scores(ofInputs: 1) { _, input in _ = input.update(from: zeros) }[0]
    #expect(abs(reported.difference - Double(score - before)) < 1e-5)
    // These networks bend in few places, at each of which the gradient leaps.
    let total = map.values.reduce(0) { $0 + Double(abs($1)) }
    #expect(abs(reported.sum - reported.difference) < 0.01 * total)
    #expect(try #require(reported.error) < 0.05)
    #expect(Completeness(of: map, explaining: 0).error == nil)
  }
}

/// Methods that draw at random, by what they must be where it is known.
@Suite struct RandomPixelTests {
  private func golden() throws -> (Observation, Tap, Probe, GoldenPixels) {
    let golden = try #require(GoldenPixels.all.first { $0.name == "plain" }), observation = try golden.observation()
    return (observation, try observation.taps(golden.target)[0], observation.probe(0, golden.target), golden)
  }

  @Test func noisyGradientsAreThoseOfTheirPictures() throws {
    let (_, tap, probe, golden) = try golden()
    let range = golden.input.max()! - golden.input.min()!, draws = 6
    let gradients = try (0..<draws).map { draw -> [Float] in
      var noise = NormalNoise(seed: UInt64(draw))
      var found: [Float] = []
      let changed = golden.input.map { $0 + 0.15 * range * noise.next() }
      try probe.gradients(ofInputs: 1) { _, input in
        _ = input.update(from: changed)
      } receive: {
        found = $1
      }
      return found
    }
    func statistic(_ of: ([Float]) -> Float) -> [Float] {
      let plane = golden.input.count / 3
      return (0..<plane).map { place in
        (0..<3).reduce(0) { sum, channel in sum + of(gradients.map { $0[channel * plane + place] }) }
      }
    }
    func mean(_ values: [Float]) -> Float { values.reduce(0, +) / Float(values.count) }
    var settings = MethodSettings()
    settings.steps = draws
    let smooth = try SmoothGrad(.mean).configured(by: settings).map(of: tap, probe: probe)
    expectClose(smooth.values, statistic(mean), within: 1e-4, isRelative: true)
    let variance = try SmoothGrad(.variance).configured(by: settings).map(of: tap, probe: probe)
    expectClose(
      variance.values, statistic { values in mean(values.map { ($0 - mean(values)) * ($0 - mean(values)) }) },
      within: 1e-4, isRelative: true)
    #expect(variance.values.allSatisfy { $0 >= 0 } && variance.values.contains { $0 > 0 })
  }

  /// From one picture, many draws come near the integral along the line.
  @Test func expectedGradientsApproachIntegratedOnes() throws {
    let (_, tap, probe, golden) = try golden()
    var settings = MethodSettings()
    settings.baseline = .images([Tensor(golden.baseline, shape: Shape(golden.shape))])
    settings.steps = 400
    let expected = try ExpectedGradients().configured(by: settings).map(of: tap, probe: probe)
    let integrated = try IntegratedGradients().configured(by: settings).map(of: tap, probe: probe)
    #expect(Deviation(expected.values, from: integrated.values).relative < 0.1)
    // Two pictures take turns.
    settings.baseline = .images([golden.baseline, golden.input].map { Tensor($0, shape: Shape(golden.shape)) })
    let halved = try ExpectedGradients().configured(by: settings).map(of: tap, probe: probe)
    #expect(Deviation(halved.values.map { 2 * $0 }, from: integrated.values).relative < 0.2)
    expectError(.unsupported, saying: "expected-gradients", "baseline") {
      _ = try ExpectedGradients().map(of: tap, probe: probe)
    }
  }

  @Test func baselinesAreWhatTheySay() throws {
    let (_, _, probe, golden) = try golden()
    let planes = probe.inputPlanes
    #expect(try probe.planes(of: .zero)[0].joined().allSatisfy { $0 == 0 })
    for (found, plane) in zip(try probe.planes(of: .mean)[0], planes) {
      #expect(Set(found).count == 1 && abs(found[0] - plane.reduce(0, +) / Float(plane.count)) < 1e-5)
    }
    let blurred = try probe.planes(of: .blur)[0]
    for (found, plane) in zip(blurred, planes) { #expect(found.map(abs).max()! < plane.map(abs).max()!) }
    #expect(
      try probe.planes(of: .images([Tensor(golden.baseline, shape: Shape(golden.shape))]))[0].joined().elementsEqual(
        golden.baseline))
    expectError(.badData, saying: "baseline", "1×3×1×1") {
      _ = try probe.planes(of: .images([Tensor([Float](repeating: 0, count: 3), shape: [1, 3, 1, 1])]))
    }
  }

  @Test func masksKeepHalfAndAreTheSameAgain() {
    let masks = RandomMasks(size: PixelSize(width: 40, height: 30))
    let all = (0..<200).map { masks[$0] }
    #expect(masks[3] == all[3] && masks[4] != all[3])
    for (mask, opposite) in zip(all[4], all[5]) { #expect(abs(mask + opposite - 1) < 1e-6) }
    #expect(all.allSatisfy { $0.count == 1200 && $0.allSatisfy { (0...1).contains($0) } })
    for place in [0, 599, 1199] {
      let mean = all.reduce(0) { $0 + $1[place] } / Float(all.count)
      #expect(abs(mean - RandomMasks.kept) < 0.1)
    }
    let signal = RandomMasks(size: PixelSize(extents: [50]))[0],
      volume = RandomMasks(size: PixelSize(extents: [4, 5, 6]))[0]
    #expect(signal.count == 50 && volume.count == 120)
  }

  @Test func riseIsTheMeanOfMasksByTheirScores() throws {
    let (_, tap, probe, golden) = try golden()
    var settings = MethodSettings()
    settings.maskCount = 20
    let map = try RISE().configured(by: settings).map(of: tap, probe: probe), masks = RandomMasks(size: map.size)
    var sum = [Float](repeating: 0, count: map.size.count)
    for index in 0..<20 {
      let mask = masks[index], masked = golden.input.indices.map { golden.input[$0] * mask[$0 % mask.count] }
      let score = try probe.scores(ofInputs: 1) { _, input in _ = input.update(from: masked) }[0]
      for place in sum.indices { sum[place] += score * mask[place] / (20 * 0.5) }
    }
    expectClose(map.values, sum, within: 1e-4, isRelative: true)
  }

  @Test func windowsCoverEveryPlace() throws {
    let size = PixelSize(width: 11, height: 7)
    for (window, stride) in [(nil, nil), (PixelSize(width: 3, height: 3), PixelSize(width: 2, height: 3))] {
      let windows = try Windows(over: size, window: window, stride: stride)
      var covered = [Int](repeating: 0, count: size.count)
      for index in 0..<windows.count { windows.forEachPlace(of: index) { covered[$0] += 1 } }
      #expect(covered.allSatisfy { $0 > 0 })
    }
    let tall = try Windows(over: PixelSize(extents: [3, 4, 5]), window: PixelSize(width: 5, height: 4), stride: nil)
    #expect(tall.count == 3)
    expectError(.usage, saying: "window '2x2'", "3") {
      _ = try Windows(over: PixelSize(extents: [3]), window: PixelSize(width: 2, height: 2), stride: nil)
    }
  }
}
