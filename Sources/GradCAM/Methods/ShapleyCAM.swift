/// ShapleyCAM: channels weighted by the mean of g − ½ H·A, where H is the score's second derivative.
///
/// H·A is the central difference of the gradient along A, and 0 if most of the gradient does not change at all in a
/// step of about float32's resolution: only kinks, which have no second derivative, would then be counted.
/// Cai, CAMs as Shapley Value-based Explainers, 2025.
struct ShapleyCAM: WeightingMethod {
  var summary: String { "channels weighted by gradient minus half the curvature" }
  private static let step: Float = 0x1p-10
  private static let smallestStep: Float = 0x1p-20

  func passCount(at tap: Tap) -> Int { 4 }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    /// The gradient's change from A · (1 − step) to A · (1 + step).
    func change(_ step: Float) throws -> [Float] {
      let sides = try [1 + step, 1 - step].map { factor in
        try probe.gradient { activation in
          for index in activation.indices { activation[index] *= factor }
        }
      }
      return zip(sides[0], sides[1]).map { $0 - $1 }
    }
    guard try change(Self.smallestStep).count(where: { $0 != 0 }) * 2 > tap.gradient.count else {
      return Weighting(tap, weights: tap.meanGradient)
    }
    let corrected = zip(tap.gradient, try change(Self.step)).map { $0 - $1 / (4 * Self.step) }
    let second = Tap(
      channels: tap.channels, size: tap.size, activation: tap.activation, gradient: corrected)
    return Weighting(second, weights: second.meanGradient)
  }
}
