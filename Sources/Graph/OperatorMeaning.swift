/// The role of an operator in a network, for code that analyses networks instead of running them.
public enum OperatorRole: Sendable, Equatable {
  /// None of the others.
  case other
  /// Passes on the elements of its first input in order, at most with another shape or type.
  case identity
  /// Rounds its first input to numbers of few bits, by a scale and a zero point: its second and third input, or what it
  /// finds itself.
  case quantization
  /// Turns such numbers, its first input, back, by the scale and the zero point that are its second and third input.
  case dequantization
  /// Convolves its first input with its second, the weights.
  case convolution
  /// Multiplies two tensors as matrices, summing over the axes that they share.
  case product
  /// Adds its inputs.
  case sum
  /// Normalises numbers to a common mean and scale.
  case normalization
  /// Turns competing scores into probabilities, or their logarithms.
  case softmax
  /// Turns each score independently into a probability.
  case sigmoid
  /// Mixes tokens with an internal softmax.
  case attention
  /// Concatenates its inputs.
  case concatenation
  /// Selects elements of its first input.
  case selection
  /// Puts the elements of its first input in another order.
  case rearrangement
  /// Orders competing elements of its first input, or says where the largest are.
  case ranking
  /// Summarises neighbouring elements of its first input, or all along some axes.
  case pooling
  /// Resamples its first input to other extents.
  case resampling
}

/// The boxes and scores among which an operator selects detections: the positions of its inputs.
public struct BoxSelection: Sendable, Equatable {
  /// The input that holds the boxes, of batch × boxes × 4.
  public let boxes: Int
  /// The input that holds the scores, of rank 3.
  public let scores: Int
  /// The axis of the scores that counts classes: 1 or 2.
  public let classAxis: Int

  /// Names the inputs.
  public init(boxes: Int, scores: Int, classAxis: Int) {
    (self.boxes, self.scores, self.classAxis) = (boxes, scores, classAxis)
  }
}

/// How the axes of the results follow from those of the inputs: what their indices count.
public enum AxisMapping: Sendable {
  /// Element by element with broadcasting; an axis whose extent is that of no input counts something unknown.
  case elementwise
  /// The axes of the first input, each with as many indices as the result has that together cover the same.
  case resampled
  /// Batch, channels, then positions: batch and positions are those of the first input, at most resampled; a
  /// convolution makes new channels.
  case channelsFirst
  /// The same, with positions seen through windows, each of which stands for a cell in its middle, as wide as a step:
  /// where the first cell starts along each axis, counted in positions of the first input, and the steps.
  case windows(starts: [Double], steps: [Int])
  /// The elements of the first input in order, with other extents.
  case reshaped
  /// Every axis of every input has a label, or none if the input does not matter: an axis of the results counts what
  /// the input axes with its label count.
  case labelled([[Int]], result: [Int])
  /// All inputs concatenated along an axis.
  case joined(axis: Int)
  /// The first input cut along an axis; the results are its pieces, one after another.
  case split(axis: Int)
  /// For each axis of the first input, its indices from a start on, a step apart; those outside of the input, such as
  /// below 0, are padding.
  case sliced(starts: [Int], steps: [Int])
  /// Along one axis of the first input, the entries that an index of a shape lists in row-major order: the axes of the
  /// index take that axis's place.
  case gathered(axis: Int, indices: [Int], shape: Shape)
  /// The axes of the first input; the elements of the third, of as many axes, take the places from a start on along each.
  case written(starts: [Int])
  /// Not to be followed: the indices of the results count something unknown.
  case unknown

  /// The axes of the first input, some of which count something unknown in the results.
  public static func kept(rank: Int, except changed: Set<Int> = []) -> AxisMapping {
    .labelled([Array(0..<rank)], result: (0..<rank).map { changed.contains($0) ? rank + $0 : $0 })
  }
}

/// The constant weights of a linear map of features.
public struct LinearWeights: Sendable {
  /// Results × inputs, row-major.
  public let weights: [Float]
  /// The number of input features.
  public let inputCount: Int

  /// Wraps weights, results × inputs; or, if `isTransposed`, inputs × results.
  public init(_ matrix: [Float], inputCount: Int, isTransposed: Bool = false) {
    self.inputCount = inputCount
    let resultCount = inputCount == 0 ? 0 : matrix.count / inputCount
    weights =
      isTransposed
      ? (0..<resultCount).flatMap { result in (0..<inputCount).map { matrix[$0 * resultCount + result] } } : matrix
  }
}

/// An elementwise scaling of one input by constants: input × scale + shift.
public struct ConstantScaling: Sendable, Equatable {
  /// The position of the input.
  public let input: Int
  /// One number, or one for each index along `axis`.
  public let scale, shift: [Float]
  /// The axis of the result along which the numbers differ; nil for one number.
  public let axis: Int?

  /// Wraps numbers, as many of each.
  public init(of input: Int, by scale: [Float], plus shift: [Float], along axis: Int?) {
    precondition(scale.count == shift.count)
    (self.input, self.scale, self.shift, self.axis) = (input, scale, shift, axis)
  }
}

/// The constants between which an operator keeps the elements of one input, which it passes on otherwise.
public struct ConstantLimits: Sendable, Equatable {
  /// The position of the input.
  public let input: Int
  /// The least and the greatest result.
  public let range: ClosedRange<Float>

  /// Wraps limits.
  public init(of input: Int, _ range: ClosedRange<Float>) { (self.input, self.range) = (input, range) }
}

/// What planning makes of a node.
///
/// Operators say it themselves: asking whether a type conforms to a protocol takes the runtime long, the first time.
public enum OperatorForm {
  /// A step that computes.
  case computed(any Operator)
  /// Nodes that it stands for.
  case composite(any CompositeOperator)
  /// Nodes that compute the tensors of sequences and optionals.
  case collection(any CollectionOperator)
  /// Nothing, for a reason.
  case unresolvable(GradCAMError)
}

/// What a node does, with its attributes read: it computes (`Operator`) or stands for others (`CompositeOperator`,
/// `CollectionOperator`).
///
/// The defaults of its meaning are those of an elementwise function.
public protocol GraphOperator: Sendable {
  /// Which of these it is.
  var form: OperatorForm { get }

  /// The part that it plays.
  var role: OperatorRole { get }

  /// What the axes of its results count.
  func axes(_ inputs: NodeInputs) -> AxisMapping

  /// The constants that it adds to each channel of its result; nil if it adds none, or anything else.
  func channelBias(_ inputs: NodeInputs) -> [Float]?

  /// The weights with which it maps features linearly at each position; nil if it does anything else, apart from a
  /// bias.
  func linearWeights(_ inputs: NodeInputs) -> LinearWeights?

  /// The axes of its first input over which it takes the mean; nil if it does anything else.
  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>?

  /// The inputs that only say where it reads others, such as a grid of places.
  var locatingInputs: Set<Int> { get }

  /// The boxes and scores among which it selects detections; nil if it does anything else.
  var boxSelection: BoxSelection? { get }

  /// The axes of a shape along which each of its results depends on all elements of its first input, where `axes` is
  /// elementwise; nil if the role says enough.
  func mixedAxes(of shape: Shape) -> Set<Int>?

  /// The constants by which it scales one of its inputs; nil if it does anything else.
  func scaling(_ inputs: NodeInputs) -> ConstantScaling?

  /// The constants to which it limits one of its inputs; nil if it does anything else.
  func limits(_ inputs: NodeInputs) -> ConstantLimits?
}

extension GraphOperator {
  /// None of the roles.
  public var role: OperatorRole { .other }
  /// Elementwise, with broadcasting.
  public func axes(_ inputs: NodeInputs) -> AxisMapping { .elementwise }
  /// Nil: it adds none.
  public func channelBias(_ inputs: NodeInputs) -> [Float]? { nil }
  /// Nil: it is no linear map of known weights.
  public func linearWeights(_ inputs: NodeInputs) -> LinearWeights? { nil }
  /// Nil: it takes no mean.
  public func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? { nil }
  /// None: every input has numbers that it computes with.
  public var locatingInputs: Set<Int> { [] }
  /// Nil: it selects no detections.
  public var boxSelection: BoxSelection? { nil }
  /// Nil: a softmax and a normalisation mix the last axis, others none.
  public func mixedAxes(of shape: Shape) -> Set<Int>? { nil }
  /// Nil: it scales nothing by constants.
  public func scaling(_ inputs: NodeInputs) -> ConstantScaling? { nil }
  /// Nil: it limits nothing.
  public func limits(_ inputs: NodeInputs) -> ConstantLimits? { nil }
}

extension Node {
  /// The part that it plays.
  public var role: OperatorRole { operation?.role ?? .other }

  /// What the axes of its results count, given what is known of values.
  public func axes(_ info: (ValueID) -> ValueInfo?) -> AxisMapping {
    operation?.axes(NodeInputs(inputs.map { $0.flatMap(info) })) ?? .unknown
  }
}
