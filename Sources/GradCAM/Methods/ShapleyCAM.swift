/// ShapleyCAM: channels weighted by the mean of g − ½ H·A, where H is the score's second derivative.
///
/// H·A is the central difference of the gradient along A. Cai, CAMs as Shapley Value-based Explainers, 2025.
struct ShapleyCAM: WeightingMethod {
  private static let step: Float = 0x1p-10

  func passCount(at tap: Tap) -> Int { 2 }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    func gradient(atActivationTimes factor: Float) throws -> [Float] {
      try probe.gradient { activation in
        for index in activation.indices { activation[index] *= factor }
      }
    }
    let above = try gradient(atActivationTimes: 1 + Self.step), below = try gradient(atActivationTimes: 1 - Self.step)
    let corrected = tap.gradient.indices.map { index in
      tap.gradient[index] - (above[index] - below[index]) / (4 * Self.step)
    }
    let second = Tap(
      channels: tap.channels, height: tap.height, width: tap.width, activation: tap.activation, gradient: corrected
    )
    return Weighting(second, weights: second.meanGradient)
  }
}
