import Graph
import TestSupport
import Testing

@testable import Ops

/// The expansion of an inverted residual block: a 1 × 1 convolution and a depthwise one.
private struct Expansion: Sendable, CustomTestStringConvertible {
  var x: Shape
  var channels: Int
  var kernel = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]

  var testDescription: String { "\(x) to \(channels), kernel \(kernel), strides \(strides), pads \(pads)" }

  /// Adds it to a network, with biases and activations; returns the values.
  func add(
    to check: inout RewriteCheck, filters: Int = 1, activation: FusedActivationForm = .clip
  ) -> (expanded: ValueID, activated: ValueID, filtered: ValueID, y: ValueID) {
    let expanded = check.node("Conv", 0, check.constant([channels, x[1], 1, 1]), check.constant([channels]))
    let activated = activation.add(to: &check, expanded).y
    let filtered = check.node(
      "Conv", activated, check.constant(Shape([channels * filters, 1] + kernel)), check.constant([channels * filters]),
      attributes: [
        "group": .int(Int64(channels)), "strides": .ints(strides.map(Int64.init)), "pads": .ints(pads.map(Int64.init)),
        "dilations": .ints(dilations.map(Int64.init)),
      ])
    let y = activation.add(to: &check, filtered).y
    return (expanded, activated, filtered, y)
  }
}

@Suite struct DepthwiseRewriteTests {
  @Test(arguments: [
    Expansion(x: [1, 5, 14, 14], channels: 40),
    // Neither channels nor positions fill whole panels, of several images.
    Expansion(x: [3, 5, 13, 11], channels: 20),
    Expansion(x: [2, 3, 7, 7], channels: 17, strides: [2, 2]),
    // The depth in several blocks.
    Expansion(x: [1, 300, 9, 10], channels: 24),
    // Planes that are computed in bands of rows.
    Expansion(x: [1, 4, 112, 96], channels: 12),
    Expansion(x: [2, 3, 97, 101], channels: 19, strides: [2, 2], pads: [0, 1, 1, 0]),
    Expansion(x: [1, 2, 120, 90], channels: 9, kernel: [5, 5], pads: [2, 2, 2, 2]),
    Expansion(x: [1, 2, 100, 90], channels: 9, pads: [3, 3, 3, 3], dilations: [3, 3]),
    // Without a kernel for such rows: stride 3, an oblong filter; and with planes of padding alone.
    Expansion(x: [1, 2, 110, 91], channels: 9, kernel: [4, 2], strides: [3, 1], pads: [2, 0, 1, 1]),
    Expansion(x: [1, 2, 2, 2], channels: 8, pads: [4, 4, 4, 4]),
  ])
  private func givesTheSameNumbers(_ expansion: Expansion) throws {
    for activation in [FusedActivationForm.clip, .relu, .silu, .none] {
      var check = RewriteCheck(expansion.x)
      let y = expansion.add(to: &check, activation: activation).y
      let kernels = try check.kernels(to: y, taps: [y])
      #expect(kernels == ["pointwise, depthwise"])
      let plain = try check.contents(of: y, taps: [y], operators: .standard.withoutRewrites)
      expectClose(try check.contents(of: y, taps: [y]), plain, within: 1e-5, "\(activation)")
    }
  }

  @Test func addsAResidual() throws {
    let expansion = Expansion(x: [2, 8, 12, 10], channels: 8)
    var check = RewriteCheck(expansion.x)
    let filtered = expansion.add(to: &check).filtered
    let y = check.node("Relu", check.node("Add", filtered, 0))
    #expect(try check.kernels(to: y, taps: [y]) == ["pointwise, depthwise"])
    let plain = try check.contents(of: y, taps: [y], operators: .standard.withoutRewrites)
    expectClose(try check.contents(of: y, taps: [y]), plain, within: 1e-5)
  }

  /// Where someone looks at a value in between or needs its gradient, or where a channel has several filters.
  @Test func leavesWhatIsNeededInBetween() throws {
    let expansion = Expansion(x: [1, 5, 8, 8], channels: 16)
    var check = RewriteCheck(expansion.x)
    let (expanded, activated, filtered, y) = expansion.add(to: &check)
    for tap in [0, expanded, activated] {
      let kernels = try check.kernels(to: y, taps: [tap])
      #expect(kernels.first == "pointwise" && kernels.last == "depthwise", "tap \(tap): \(kernels)")
      try check.expectSame(y, at: tap, "tap \(tap)")
    }
    for tap in [filtered, y] { try check.expectSame(y, at: tap, "tap \(tap)") }
    var doubled = RewriteCheck(expansion.x)
    let two = expansion.add(to: &doubled, filters: 2).y
    #expect(try doubled.kernels(to: two, taps: [two]) == ["pointwise", "depthwise"])
  }
}
