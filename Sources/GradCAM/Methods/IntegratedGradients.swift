/// Integrated gradients: (x − x₀) · ∫ ∂y ⁄ ∂x along the straight line from a baseline x₀ to the picture x, summed over
/// channels.
///
/// The integral is taken by the Gauss–Legendre rule, as in Captum. Sundararajan et al., Axiomatic Attribution for Deep
/// Networks, 2017.
struct IntegratedGradients: CAMMethod {
  var summary: String { "gradients between a baseline and the picture, times their difference" }
  let scope = MapScope.network
  let isFineGrained = true
  var baseline = Baseline.zero
  var steps = MethodSettings().steps

  func configured(by settings: MethodSettings) -> any CAMMethod {
    IntegratedGradients(baseline: settings.baseline, steps: settings.steps)
  }

  func passCount(at tap: Tap) -> Int { steps + 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let image = probe.inputPlanes, baseline = try probe.planes(of: baseline)[0]
    let rule = GaussLegendreRule(count: steps)
    var gradient = [Float](repeating: 0, count: image.count * image[0].count)
    try probe.gradients(ofInputs: steps) { step, input in
      probe.setInput(input, to: blend(of: baseline, image, share: Float(rule.nodes[step])))
    } receive: { step, found in
      let weight = Float(rule.weights[step])
      for index in found.indices { gradient[index] += weight * found[index] }
    }
    return try probe.attributions(gradient, from: baseline)
  }
}

/// (1 − share) · first + share · second, plane by plane.
func blend(of first: [[Float]], _ second: [[Float]], share: Float) -> [[Float]] {
  zip(first, second).map { zip($0, $1).map { $0 + share * ($1 - $0) } }
}
