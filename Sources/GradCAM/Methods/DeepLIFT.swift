/// DeepLIFT in its rescale rule: what each pixel's difference from a baseline contributes to the score's difference,
/// summed over colours.
///
/// Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017; thresholds as in
/// Captum. Unlike there, contributions add up to the score's difference also with max-pools, and where computed values are
/// multiplied.
struct DeepLIFT: CAMMethod {
  var summary: String { "contributions to the difference from a baseline, by DeepLIFT's rescale rule" }
  let scope = MapScope.network
  let isFineGrained = true
  var baseline = Baseline.zero

  func configured(by settings: MethodSettings) -> any CAMMethod { DeepLIFT(baseline: settings.baseline) }

  func passCount(at tap: Tap) -> Int { 2 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let baseline = try probe.planes(of: baseline)[0]
    return try probe.attributions(
      probe.multipliers(for: "deeplift", from: baseline).gradient, from: baseline)
  }
}
