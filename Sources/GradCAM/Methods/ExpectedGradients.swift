import Graph

/// Expected gradients: integrated gradients whose baselines are drawn from given images, with one place on the line to
/// each draw.
///
/// The images take turns, and the places are uniform in 0 … 1. Erion et al., Improving performance of deep learning
/// models with axiomatic attribution priors and expected gradients, 2021.
struct ExpectedGradients: CAMMethod {
  var summary: String { "as integrated-gradients, with baselines drawn from given pictures" }
  let scope = MapScope.network
  let isFineGrained = true
  var baseline = Baseline.zero
  var draws = MethodSettings().steps

  func configured(by settings: MethodSettings) -> any CAMMethod {
    ExpectedGradients(baseline: settings.baseline, draws: settings.steps)
  }

  func passCount(at tap: Tap) -> Int { draws }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    guard case .images = baseline else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "expected-gradients")",
        problem: "draws baselines from pictures, but none are given",
        advice: "give \(.baseline, as: "FILE") or a folder, or choose integrated-gradients")
    }
    let image = probe.inputPlanes, baselines = try probe.planes(of: baseline)
    var generator = SplitMix64(seed: 0)
    let places = (0..<draws).map { _ in Float.random(in: 0..<1, using: &generator) }
    var sum = [Float](repeating: 0, count: image[0].count)
    try probe.gradients(ofInputs: draws) { draw, input in
      probe.setInput(input, to: blend(of: baselines[draw % baselines.count], image, share: places[draw]))
    } receive: { draw, gradient in
      for (channel, plane) in image.enumerated() {
        let baseline = baselines[draw % baselines.count][channel], start = channel * plane.count
        for place in plane.indices { sum[place] += (plane[place] - baseline[place]) * gradient[start + place] }
      }
    }
    return HeatMap(probe.inputSize, values: sum.map { $0 / Float(draws) })
  }
}
