/// DeepLIFT in its rescale rule: what each pixel's difference from a baseline contributes to the score's difference,
/// summed over colours.
///
/// Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017; thresholds as in
/// Captum. Unlike there, contributions add up to the score's difference also where windows of a max-pool overlap, and
/// where computed values are multiplied.
struct DeepLIFT: CAMMethod {
  var summary: String { "contributions to the difference from a baseline, by DeepLIFT's rescale rule" }
  let scope = MapScope.network
  let isFineGrained = true
  var baseline = Baseline.zero

  func configured(by settings: MethodSettings) -> any CAMMethod { DeepLIFT(baseline: settings.baseline) }

  func passCount(at tap: Tap) -> Int { 2 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let baseline = try probe.planes(of: baseline)[0]
    let input = try probe.multipliers(for: "deeplift", from: baseline)
    var sum = [Float](repeating: 0, count: input.plane)
    for (channel, plane) in baseline.enumerated() {
      for (place, reference) in plane.enumerated() {
        let index = channel * input.plane + place
        sum[place] += (input.activation[index] - reference) * input.gradient[index]
      }
    }
    let map = input.map(sum),
      before = try probe.scores(ofInputs: 1) { _, input in probe.setInput(input, to: baseline) }[0]
    try probe.report(Completeness(of: map, explaining: Double(probe.score) - Double(before)))
    return map
  }
}
