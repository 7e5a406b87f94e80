/// A graph that is repeated, with states that are carried from round to round.
///
/// The graph's inputs are the states, a slice of each sliced tensor, and values that are the same in every round; its
/// outputs are the next states and a slice of each collected tensor. A node that stands for it reads the first states,
/// the sliced tensors and the other values, and returns the last states and the collected tensors.
public struct Repetition: Sendable {
  /// How the slices of a tensor, one for each round, lie in it.
  public struct Slicing: Sendable {
    /// The axis of the tensor that the slices lack; a negative one counts from the end.
    public let axis: Int
    /// Whether the first round has the last slice.
    public let isReversed: Bool

    /// Slices along an axis.
    public init(axis: Int, isReversed: Bool = false) { (self.axis, self.isReversed) = (axis, isReversed) }
  }

  /// What is repeated.
  public var graph: ComputeGraph
  /// How often, at least once.
  public let rounds: Int
  /// The number of states.
  public let stateCount: Int
  /// The tensors that are sliced, and those that are collected.
  public let sliced, collected: [Slicing]

  /// Describes a repetition.
  ///
  /// Throws `unsupported` if it takes more steps than the loops of a graph may.
  public init(
    _ graph: ComputeGraph, rounds: Int, stateCount: Int, sliced: [Slicing] = [], collected: [Slicing] = []
  ) throws {
    (self.graph, self.rounds, self.stateCount) = (graph, rounds, stateCount)
    (self.sliced, self.collected) = (sliced, collected)
    try LoopWork(stepCount: Double(nodeCount)).check()
  }

  /// The number of nodes of all rounds.
  var nodeCount: Int { rounds * max(1, graph.nodes.count) }

  /// The slicing of an input of the graph; nil if it is whole.
  func slicing(ofInput position: Int) -> Slicing? {
    sliced.indices.contains(position - stateCount) ? sliced[position - stateCount] : nil
  }

  /// The slicing of an output of the graph; nil for a state.
  func slicing(ofOutput position: Int) -> Slicing? {
    position < stateCount ? nil : collected[position - stateCount]
  }

  /// Whether an input of the graph is the same in every round.
  func isFixed(_ position: Int) -> Bool { position >= stateCount + sliced.count }
}

/// What loops compute.
struct LoopWork {
  /// The steps.
  var stepCount = 0.0
  /// The size of their results in bytes.
  var byteCount = 0.0

  /// The most that the loops of a graph may compute together.
  private static let limit = LoopWork(stepCount: 2e7, byteCount: 1e12)

  /// Roughly how long one thread takes, in seconds, beside arithmetic.
  var duration: Double { stepCount * 2e-7 + byteCount / 4e9 }

  static func + (a: LoopWork, b: LoopWork) -> LoopWork {
    LoopWork(stepCount: a.stepCount + b.stepCount, byteCount: a.byteCount + b.byteCount)
  }

  static func * (rounds: Int, round: LoopWork) -> LoopWork {
    LoopWork(stepCount: Double(rounds) * round.stepCount, byteCount: Double(rounds) * round.byteCount)
  }

  /// Throws `unsupported` if it is more than the limit.
  func check() throws {
    guard stepCount > Self.limit.stepCount || byteCount > Self.limit.byteCount else { return }
    throw GradCAMError(
      .unsupported, problem: "its loops take more than 20 million steps, or compute more than 1000 GB of results")
  }
}
