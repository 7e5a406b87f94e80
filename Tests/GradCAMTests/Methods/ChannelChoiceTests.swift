import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ChannelChoiceTests {
  @Test func allChannelsCountAlike() {
    let tap = Tap(channels: 2, height: 1, width: 2, activation: [1, 2, 3, -4], gradient: [9, 9, 0, 0])
    #expect(LaFAM().map(of: tap).values == [2, -1])
  }

  /// With as many channels as there are it is Score-CAM; with fewer, the others have no weight.
  @Test func onlyTheChannelsWithTheLargestGradientAreScored() throws {
    let size = PixelSize(width: 24, height: 20)
    let image = Tensor((0..<3 * size.count).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 20, 24])
    let observation = try Observation.of(image, by: GoldenFixture.model("plain"), nodes: ["auto"], size: size)
    let tap = try observation.taps(2)[0], probe = observation.probe(0, 2)
    let all = try ScoreCAM().weighting(of: tap, probe: probe).weights
    expectClose(try GScoreCAM().weighting(of: tap, probe: probe).weights, all, within: 1e-5, isRelative: true)
    var few = GScoreCAM()
    few.largestCount = 3
    #expect(few.passCount(at: tap) == 3)
    let weights = try few.weighting(of: tap, probe: probe).weights, gradient = tap.meanGradient
    let least = try #require(gradient.sorted(by: >).prefix(3).last)
    for (channel, weight) in weights.enumerated() { #expect((weight > 0) == (gradient[channel] >= least)) }
    #expect(abs(weights.reduce(0, +) - 1) < 1e-5)
  }
}
