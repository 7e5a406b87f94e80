import Graph

/// Finer-CAM: Grad-CAM of what sets the class apart from the three classes with the nearest scores,
/// Σ_i p_i (y_c − y_i) ⁄ (Σ_i p_i + ε), with the probabilities p differentiated too.
///
/// Zhang et al., Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation, 2025, as in
/// pytorch-grad-cam if no target is given. TorchCAM's difference is y_c − 0.6 × the mean of the three.
struct FinerCAM: WeightingMethod {
  var summary: String { "channels weighted by what sets the class apart from similar ones" }
  /// Whether classes are weighted by their probabilities.
  var weighsByProbability = true

  func following(_ source: Compatibility) -> any CAMMethod { FinerCAM(weighsByProbability: source != .torchcam) }

  func passCount(at tap: Tap) -> Int { 1 }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let target = try probe.classTarget(for: "finercam")
    let tap = try probe.tap(explaining: weighsByProbability ? FinerTarget(of: target) : FinerMeanTarget(of: target))
    return Weighting(tap, weights: tap.meanGradient)
  }
}

/// The score of a class minus 0.6 times the mean of the three nearest scores.
struct FinerMeanTarget: Target {
  private static let share: Float = 0.6

  private let classTarget: ClassTarget

  init(of classTarget: ClassTarget) { self.classTarget = classTarget }

  var name: String { "finer-\(classTarget.name)" }
  var description: String { "what sets \(classTarget.name) apart" }

  func score(_ contents: [Float]) -> Float {
    zip(classTarget.head.classScores(contents), weights(contents)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  func gradient(_ contents: [Float]) -> [Float] {
    classTarget.head.gradient(ofClassScores: weights(contents), logits: contents)
  }

  /// The weight of every class score.
  private func weights(_ contents: [Float]) -> [Float] {
    let scores = classTarget.head.classScores(contents), others = classTarget.nearest(3, in: scores)
    var weights = [Float](repeating: 0, count: scores.count)
    weights[classTarget.index] = 1
    for other in others { weights[other] = -Self.share / Float(others.count) }
    return weights
  }
}

/// What sets a class apart from the three classes with the nearest scores.
struct FinerTarget: Target {
  private static let comparedCount = 3
  private static let epsilon: Float = 1e-9

  private let classTarget: ClassTarget

  init(of classTarget: ClassTarget) { self.classTarget = classTarget }

  var name: String { "finer-\(classTarget.name)" }
  var description: String { "what sets \(classTarget.name) apart" }

  func score(_ contents: [Float]) -> Float { NearestClasses(classTarget, contents).difference }

  func gradient(_ contents: [Float]) -> [Float] {
    let comparison = NearestClasses(classTarget, contents), own = classTarget.index
    var gradient = [Float](repeating: 0, count: comparison.scores.count)
    for other in comparison.others {
      let share = comparison.probabilities[other] / comparison.total
      gradient[own] += share
      gradient[other] -= share
      // ∂p_i ⁄ ∂y_j = p_i (δ_ij − p_j).
      let change = (comparison.scores[own] - comparison.scores[other] - comparison.difference) * share
      gradient[other] += change
      for index in gradient.indices { gradient[index] -= change * comparison.probabilities[index] }
    }
    return classTarget.head.gradient(ofClassScores: gradient, logits: contents)
  }

  private struct NearestClasses {
    let scores, probabilities: [Float]
    let others: [Int]
    /// The sum of the others' probabilities.
    let total: Float
    let difference: Float

    init(_ target: ClassTarget, _ contents: [Float]) {
      let scores = target.head.classScores(contents), own = scores[target.index], probabilities = scores.softmax
      others = target.nearest(FinerTarget.comparedCount, in: scores)
      total = others.reduce(FinerTarget.epsilon) { $0 + probabilities[$1] }
      difference = others.reduce(0) { $0 + probabilities[$1] * (own - scores[$1]) } / total
      self.scores = scores
      self.probabilities = probabilities
    }
  }
}

extension ClassTarget {
  /// The other classes with the nearest scores, the nearest first.
  fileprivate func nearest(_ count: Int, in scores: [Float]) -> [Int] {
    let own = scores[index]
    return Array(
      scores.indices.filter { $0 != index }
        .sorted { (abs(scores[$0] - own), $0) < (abs(scores[$1] - own), $1) }.prefix(count))
  }
}
