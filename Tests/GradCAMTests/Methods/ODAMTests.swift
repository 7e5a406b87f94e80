import GradCAM
import TestSupport
import Testing

@Suite struct ODAMTests {
  private func map(_ tap: Tap) throws -> HeatMap {
    try (Registry.standard.method(named: "odam") as! any TapMethod).map(of: tap)
  }

  @Test func aSmallMapIsNotSmoothed() throws {
    // σ is less than a third of a position: as HiResCAM.
    let tap = Tap(
      channels: 2, height: 2, width: 2, activation: [1, 2, 3, 4, 1, 1, 2, 2], gradient: [1, 0, -1, 2, 3, 0, 1, -1])
    #expect(try map(tap).values == [4, 0, -1, 6])
  }

  @Test func theGradientIsSmoothedNotTheMap() throws {
    var gradient = [Float](repeating: 0, count: 40)
    gradient[20] = 2
    let activation = (0..<40).map { Float($0 == 21 ? 3 : 1) }
    let values = try map(Tap(channels: 1, height: 1, width: 40, activation: activation, gradient: gradient)).values
    // σ = 1: exp(−d² ⁄ 2) ⁄ 2.5059499 at the distances 0 to 3, and nothing beyond.
    expectClose(
      Array(values[16...24]),
      [0, 0.0088660, 0.1080112, 0.4840725, 0.7981006, 1.4522174, 0.1080112, 0.0088660, 0], within: 1e-5)
    // What would come from outside is missing.
    gradient = [Float](repeating: 1, count: 40)
    let even = try map(
      Tap(channels: 1, height: 40, width: 1, activation: [Float](repeating: 1, count: 40), gradient: gradient)
    ).values
    expectClose([even[0], even[20]], [(2.5059499 + 1) / 2 / 2.5059499, 1], within: 1e-5)
  }
}
