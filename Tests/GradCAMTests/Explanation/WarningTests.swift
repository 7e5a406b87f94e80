import Testing

@testable import GradCAM
@testable import Graph

@Suite struct WarningTests {
  /// The warnings about a map of one row, at a node whose gradient is as given.
  private func codes(
    _ values: [Float], gradient: Float = 1, extraTokens: Int = 0, isRectified: Bool = true, scores: [Float] = [1]
  ) -> [String] {
    let tap = Tap(
      channels: 1, height: 1, width: values.count, activation: values,
      gradient: [Float](repeating: gradient, count: values.count))
    return Warning.about(
      HeatMap(width: values.count, height: 1, values: values), from: tap, extraTokens: extraTokens,
      isRectified: isRectified, scores: scores
    ) { .method }.map(\.code.rawValue)
  }

  @Test func mapsThatShowNothingAreReported() {
    #expect(codes([0, 1]) == [] && codes([-1, 1], gradient: 0) == [])
    #expect(codes([0, 0]) == ["map-all-zero"] && codes([0, 0], gradient: 0) == ["gradient-zero"])
    #expect(codes([-1, 0]) == ["map-all-negative"] && codes([-1, 0], isRectified: false) == [])
    #expect(codes([.nan, 1]) == ["not-finite"] && codes([.infinity, 0], gradient: 0) == ["not-finite"])
    #expect(codes([1, 2], scores: [0, .nan]) == ["not-finite"])
  }

  @Test func severalMayHold() {
    #expect(codes([0]) == ["map-all-zero", "no-spatial-extent"])
    #expect(codes([.nan]) == ["not-finite", "no-spatial-extent"])
    #expect(codes([-1]) == ["map-all-negative", "no-spatial-extent"])
  }

  @Test func theyTellWhereNumbersComeFrom() {
    let node = "node 'c' (Conv, #0)"
    func text(_ isGradient: Bool, _ constant: String?) -> String {
      NonFiniteSource.node(
        node, NonFiniteOrigin(node: "c", output: 1, isGradient: isGradient, constant: constant)
      ).message.description
    }
    #expect(text(false, "w").hasPrefix("they first appear at \(node), whose 'w' holds them already;"))
    #expect(text(true, nil).hasPrefix("they first appear in the gradient that \(node) passes back;"))
    #expect(text(false, nil).hasPrefix("they first appear at \(node), whose inputs are finite;"))
    #expect(NonFiniteSource.image.message.description.contains("or mean, std and range"))
  }
}
