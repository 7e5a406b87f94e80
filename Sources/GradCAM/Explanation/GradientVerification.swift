import Graph

/// The gradient of a target at a node, compared with central differences of its score.
///
/// Along a direction u of length 1, ⟨g, u⟩ is compared with (y(A + εu) − y(A − εu)) ⁄ 2ε, where A is the activation, g
/// the gradient and y the target's score. Two things limit the difference: float32 rounding of the score, which wants a
/// large ε, and the network's kinks and curvature, which want a small one. So the rounding is measured first, as the
/// deviation of the score when A moves by next to nothing, and ε is the smallest that keeps it at a quarter of
/// the tolerance. Then kinks are: one at a distance t < ε along u adds as much to the bend of the score,
/// (y(A + εu) + y(A − εu) − 2y(A)) ⁄ 2ε, as it adds to the error of the difference, and curvature is told from it by the
/// bend over 4ε. What the difference changes from ε to 4ε is the other witness.
///
/// Where all terms of ⟨g, u⟩ have the same sign, ε can be so small that hardly any ReLU changes its side. A random
/// direction has a slope smaller by √n, with kinks in proportion: in a network of ReLUs it only shows gross errors,
/// such as a gradient that is missing where the score does change, which the other directions do not see.
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
    /// Random numbers of the normal distribution.
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
    /// They differ by more than the tolerance and all uncertainty.
    case disagrees
    /// The uncertainty is larger than the tolerance, or the error lies between the other verdicts.
    case none
  }

  /// The comparison along the directions of one kind.
  ///
  /// Errors are shares of the root mean square of the slopes, or of the gradient's elements where that is larger: the
  /// slope that a random direction has as a rule.
  public struct Comparison: Sendable {
    /// How the directions were drawn.
    public let direction: Direction
    /// Whether they leave out elements that equal others, as the zeros behind a ReLU, over which a max-pool has no
    /// derivative: done where the whole directions do not agree.
    public let leavesOutTies: Bool
    /// The slopes along each.
    public let slopes: [Slope]
    /// How far gradient and difference lie apart, as a root mean square.
    public let error: Double
    /// How uncertain the difference is: the larger of its rounding, at 4 standard deviations, and of twice what kinks
    /// and curvature do by their witnesses, as a root mean square.
    public let uncertainty: Double

    /// What this says.
    public var verdict: Verdict {
      // Along the gradient, units that switch off on either side all err alike and bend to both sides: where this weighs
      // much, the uncertainty is too small. Along random directions all is random.
      let isKnown = uncertainty <= (direction == .random ? 0.5 : 0.1)
      if isKnown, error > tolerance + uncertainty { return .disagrees }
      return error <= tolerance && uncertainty <= tolerance ? .agrees : .none
    }
  }

  /// The largest error, as a share, at which slopes are the same.
  public static let tolerance = 0.004

  /// How the node is called.
  public let node: String
  /// The tensor's name in the file.
  public let tensor: String
  /// The comparisons; where the gradient is zero everywhere, random directions are the only ones.
  public let comparisons: [Comparison]

  /// `disagrees` where one comparison does, `agrees` where one does and none disagrees.
  public var verdict: Verdict {
    let verdicts = comparisons.map(\.verdict)
    return verdicts.contains(.disagrees) ? .disagrees : verdicts.contains(.agrees) ? .agrees : .none
  }

  /// Verifies the gradient that the session's last backward pass, from the target, left at its only tap.
  ///
  /// Throws `unsupported` where a node between tap and score rounds: its gradient is an estimate, and the differences
  /// are those of a staircase; and `badData` where numbers are not finite.
  public init(_ session: Session, of target: any Target) throws {
    precondition(session.taps.count == 1)
    if let rounding = session.estimatedGradient {
      throw GradCAMError(
        .unsupported, at: session.model.path, rounding,
        problem: "rounds to integers between '\(session.taps[0].label)' and the score, so that the gradient is an "
          + "estimate that passes straight through, and differences are those of a staircase",
        advice: "verify the float model that this one was made from, or a node behind the last that rounds")
    }
    node = session.taps[0].label
    tensor = session.taps[0].tensor
    var differences = try CentralDifferences(session, of: target)
    comparisons = try Direction.allCases.compactMap { try differences.compare($0) }
  }
}
