/// The part that an operator plays in a network, for code that reads networks instead of running them.
public enum OperatorRole: Sendable, Equatable {
  /// None of the others.
  case other
  /// Hands its first input's elements on in their order, under another shape or type at most.
  case identity
  /// Convolves its first input with weights, which are its second.
  case convolution
  /// Multiplies two tensors as matrices and sums over what they share.
  case product
  /// Adds its inputs.
  case sum
  /// Brings numbers to a usual mean and size.
  case normalization
  /// Turns scores that compete into probabilities, or their logarithms.
  case softmax
  /// Turns each score by itself into a probability.
  case sigmoid
  /// Mixes tokens by a softmax of its own.
  case attention
  /// Puts its inputs side by side.
  case concatenation
  /// Picks elements of its first input.
  case selection
}

/// How the axes of results follow from those of the inputs: what their indices count.
public enum AxisMapping: Sendable {
  /// Element by element, inputs being broadcast; where an extent changes, indices count anew.
  case elementwise
  /// Batch, channels, then places, whatever the first input holds: its batch and places stay where their extents do, and
  /// channels are new.
  case channelsFirst
  /// The elements of the first input in their order, under other extents.
  case reshaped
  /// Every axis of every input bears a label, none where an input does not count: an axis of the results counts what the
  /// input axes of its label count.
  case labelled([[Int]], result: [Int])
  /// All inputs one after another along an axis.
  case joined(axis: Int)
  /// From a start on every so-many-th index of the first input, for each of its axes.
  case sliced(starts: [Int], steps: [Int])
}

/// The constant weights of a linear map of features.
public struct LinearWeights: Sendable {
  /// Results × inputs, row-major.
  public let weights: [Float]
  /// The number of features that go in.
  public let inputCount: Int

  /// Wraps weights, results × inputs; or, where `isTransposed`, inputs × results.
  public init(_ matrix: [Float], inputCount: Int, isTransposed: Bool = false) {
    self.inputCount = inputCount
    let resultCount = inputCount == 0 ? 0 : matrix.count / inputCount
    weights =
      isTransposed
      ? (0..<resultCount).flatMap { result in (0..<inputCount).map { matrix[$0 * resultCount + result] } } : matrix
  }
}

/// What a node does, its attributes read: it computes (`Operator`) or stands for other nodes (`CompositeOperator`).
///
/// What it means has defaults that are right for a function of each element.
public protocol GraphOperator: Sendable {
  /// The part that it plays.
  var role: OperatorRole { get }

  /// What the axes of its results count.
  func axes(_ inputs: NodeInputs) -> AxisMapping

  /// The constants that it adds to each channel of its result; nil where it adds none, or other ones.
  func channelBias(_ inputs: NodeInputs) -> [Float]?

  /// The weights by which it maps features linearly, each place by itself; nil where it does anything else, a bias
  /// aside.
  func linearWeights(_ inputs: NodeInputs) -> LinearWeights?

  /// The axes of its first input over all of which it takes the mean; nil where it does anything else.
  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>?
}

extension GraphOperator {
  public var role: OperatorRole { .other }
  public func axes(_ inputs: NodeInputs) -> AxisMapping { .elementwise }
  public func channelBias(_ inputs: NodeInputs) -> [Float]? { nil }
  public func linearWeights(_ inputs: NodeInputs) -> LinearWeights? { nil }
  public func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? { nil }
}

extension Node {
  /// The part that it plays.
  public var role: OperatorRole { operation?.role ?? .other }
}
