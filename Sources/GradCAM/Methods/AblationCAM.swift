/// Ablation-CAM: channels weighted by the share of the score that is lost without them.
///
/// Desai and Ramaswamy, Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free
/// Localization, 2020. If the lowest activation is not 0, a channel is set far below all others instead of to 0, as in
/// pytorch-grad-cam.
struct AblationCAM: WeightingMethod {
  var summary: String { "channels weighted by the score lost without them" }
  func passCount(at tap: Tap) -> Int { tap.channels }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let lowest = tap.activation.min() ?? 0, ablated = lowest == 0 ? 0 : lowest - 1e7
    let scores = try probe.scores(ofActivations: tap.channels) { channel, activation in
      activation[channel * tap.plane..<(channel + 1) * tap.plane].update(repeating: ablated)
    }
    let whole = try probe.score
    return Weighting(tap, weights: scores.map { (whole - $0) / whole })
  }
}
