/// DeepLIFT in its rescale rule: what each pixel's difference from a baseline contributes to the score's difference,
/// summed over colours.
///
/// Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017; thresholds as in
/// Captum. Unlike there, contributions add up to the score's difference also where windows of a max-pool overlap, and
/// where computed values are multiplied.
struct DeepLIFT: CAMMethod {
  var summary: String { "contributions to the difference from a baseline, by DeepLIFT's rescale rule" }
  let scope = MapScope.network
  /// The baseline, channel by channel; nil for zeros.
  var baseline: [[Float]]?

  func passCount(at tap: Tap) -> Int { 2 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let baseline = baseline ?? probe.inputPlanes.map { $0.map { _ in 0 } }
    let input = try probe.multipliers(for: "deeplift", from: baseline)
    var sum = [Float](repeating: 0, count: input.plane)
    for (channel, plane) in baseline.enumerated() {
      for (place, reference) in plane.enumerated() {
        let index = channel * input.plane + place
        sum[place] += (input.activation[index] - reference) * input.gradient[index]
      }
    }
    return input.map(sum)
  }
}
