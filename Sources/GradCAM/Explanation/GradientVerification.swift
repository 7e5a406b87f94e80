import Graph

/// The gradient of a target at a node, compared with central differences of its score.
///
/// Along a direction u of length 1, ⟨g, u⟩ is compared with (y(A + εu) − y(A − εu)) ⁄ 2ε, where A is the activation, g
/// the gradient and y the target's score. Two things limit the difference: float32 rounding of the score, which calls
/// for a large ε, and the network's kinks and curvature, which call for a small one. Rounding is measured first, as the
/// deviation of the score under tiny changes of A, and ε is the smallest that keeps it at a quarter of the tolerance.
/// Kinks are measured next: one at a distance t < ε along u adds as much to the bend of the score,
/// (y(A + εu) + y(A − εu) − 2y(A)) ⁄ 2ε, as to the error of the difference; the bend over 4ε distinguishes curvature
/// from kinks. The change of the difference from ε to 4ε is a second estimate.
///
/// If all terms of ⟨g, u⟩ have the same sign, ε can be so small that hardly any ReLU switches. Along a random direction
/// the slope is smaller by √n, and kinks are larger in proportion: in a network of ReLUs it shows only gross errors,
/// such as a missing gradient although the score does change, which the other directions do not see.
public struct GradientVerification: Sendable {
  /// How directions are drawn.
  public enum Direction: String, Sendable, CaseIterable {
    /// The gradient itself.
    case gradient
    /// The gradient with random weights in 0 … 1.
    case weighted
    /// The gradient in one channel, with random weights; channels are drawn by their share of |g|².
    case channel
    /// The gradient in a rectangle of positions, with random weights; positions are drawn by their share of |g|².
    case block
    /// Normally distributed random numbers.
    case random

    /// How many are drawn.
    var count: Int {
      switch self {
      case .gradient, .weighted: 1
      case .channel, .block: 2
      case .random: 6
      }
    }
  }

  /// The slopes of the score along one direction.
  public struct Slope: Sendable {
    /// ⟨g, u⟩.
    public let gradient: Double
    /// The central difference.
    public let difference: Double

    var error: Double { gradient - difference }
  }

  /// What a comparison says.
  public enum Verdict: String, Sendable {
    /// The slopes are the same within the tolerance.
    case agrees
    /// They differ by more than tolerance and uncertainty together.
    case disagrees
    /// The uncertainty is larger than the tolerance, the error lies between the other verdicts, or the gradient is zero
    /// everywhere, which a score that does not change only seems to confirm.
    case none
  }

  /// The comparison along the directions of one kind.
  ///
  /// Errors are relative to the root mean square of the slopes, or of the gradient's elements if that is larger: the
  /// typical slope along a random direction.
  public struct DirectionCheck: Sendable {
    /// How the directions were drawn.
    public let direction: Direction
    /// Whether they leave out elements that equal others, such as zeros after a ReLU, for which a max-pool has no
    /// derivative: done if the whole directions do not agree.
    public let leavesOutTies: Bool
    /// The slopes along each.
    public let slopes: [Slope]
    /// The root mean square of gradient minus difference.
    public let error: Double
    /// The uncertainty of the difference: the larger of its rounding, at 4 standard deviations, and twice the estimated
    /// effect of kinks and curvature, as a root mean square.
    public let uncertainty: Double

    /// The verdict of this comparison.
    public var verdict: Verdict {
      // Along the gradient, units that switch off on either side err with one sign but bend with both: if they
      // dominate, the uncertainty is too small. Along random directions there is no such bias.
      let isKnown = uncertainty <= (direction == .random ? 0.5 : 0.1)
      if isKnown, error > tolerance + uncertainty { return .disagrees }
      let isZero = slopes.allSatisfy { $0.gradient == 0 }
      return error <= tolerance && uncertainty <= tolerance && !isZero ? .agrees : .none
    }
  }

  /// The largest relative error at which slopes are the same.
  public static let tolerance = 0.004

  /// The node's name.
  public let node: String
  /// The tensor's name in the file.
  public let tensor: String
  /// The comparisons; if the gradient is zero everywhere, only along random directions.
  public let comparisons: [DirectionCheck]

  /// `disagrees` if one comparison does, `agrees` if one does and none disagrees.
  public var verdict: Verdict {
    let verdicts = comparisons.map(\.verdict)
    return verdicts.contains(.disagrees) ? .disagrees : verdicts.contains(.agrees) ? .agrees : .none
  }

  /// Verifies the gradient of a target at the only tap of an observation.
  ///
  /// Throws `unsupported` if a node between tap and score rounds: its gradient is an estimate, and the score a
  /// staircase; and `badData` if numbers are not finite.
  public init(_ observation: Observation, of target: any Target) throws {
    precondition(observation.taps.count == 1)
    let tap = observation.taps[0], walked = try observation.walk(from: target, to: [tap.value])
    if let rounding = walked.plan.estimatedGradients.last.map(walked.plan.graph.describe) {
      throw GradCAMError(
        .unsupported, at: "\(observation.model.path)", "\(rounding)",
        problem: "rounds to integers between '\(tap.label)' and the score, so the gradient is a straight-through "
          + "estimate and the score a staircase",
        advice: "verify the float model that this one was made from, or a node after the last that rounds")
    }
    (node, tensor) = (tap.label, tap.tensor)
    var differences = try CentralDifferences(observation, walked, of: target)
    comparisons = try Direction.allCases.compactMap { try differences.compare($0) }
  }
}
