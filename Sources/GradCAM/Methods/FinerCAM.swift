import Graph

/// Finer-CAM: Grad-CAM of what sets the class apart from the three classes with the nearest scores,
/// Σ_i p_i (y_c − y_i) ⁄ (Σ_i p_i + ε), the probabilities p being differentiated too.
///
/// Zhang et al., Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation, 2025, as
/// pytorch-grad-cam has it where no target is given.
struct FinerCAM: CAMMethod {
  private static let comparedCount = 3
  private static let epsilon: Float = 1e-9

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    guard probe.logits.count > 1 else {
      throw GradCAMError(
        .unsupported, at: "--method finercam", problem: "compares classes, but the model has one score",
        advice: "choose gradcam")
    }
    let tap = try probe.tap(weighting: Self.seed(logits: probe.logits, classIndex: probe.classIndex))
    return tap.weightedSum(tap.meanGradient)
  }

  /// The gradient of the difference with respect to the raw scores.
  static func seed(logits: [Float], classIndex: Int) -> [Float] {
    let own = logits[classIndex], probabilities = logits.softmax
    let compared = logits.indices.filter { $0 != classIndex }
      .sorted { (abs(logits[$0] - own), $0) < (abs(logits[$1] - own), $1) }.prefix(comparedCount)
    let total = compared.reduce(epsilon) { $0 + probabilities[$1] }
    let difference = compared.reduce(0) { $0 + probabilities[$1] * (own - logits[$1]) } / total
    var seed = [Float](repeating: 0, count: logits.count)
    for other in compared {
      let share = probabilities[other] / total
      seed[classIndex] += share
      seed[other] -= share
      // ∂p_i ⁄ ∂y_j = p_i (δ_ij − p_j).
      let change = (own - logits[other] - difference) * share
      seed[other] += change
      for index in seed.indices { seed[index] -= change * probabilities[index] }
    }
    return seed
  }
}
