/// What is known about a value while a graph is being planned.
public struct ValueInfo: Sendable {
  /// The element type.
  public var elementType: ElementType
  /// The extents, all known.
  public var shape: Shape
  /// The contents, if they do not depend on the model's inputs.
  public var constant: Tensor?

  /// Describes a value.
  public init(_ elementType: ElementType, _ shape: Shape, constant: Tensor? = nil) {
    self.elementType = elementType
    self.shape = shape
    self.constant = constant
  }

  /// Describes a constant.
  public init(_ constant: Tensor) { self.init(constant.elementType, constant.shape, constant: constant) }

  /// The size of the contents in bytes.
  public var byteCount: Int { shape.count * elementType.storage.byteCount }
}

/// The inputs of one node at planning time, in the operator's order.
public struct NodeInputs: Sendable {
  private let infos: [ValueInfo?]
  /// The positions of the inputs that are sequences or empty optionals, which have no `ValueInfo`.
  private let collections: Set<Int>
  /// The values that graphs in the node's attributes read, by their names there.
  private let captured: [String: ValueInfo]

  /// Wraps the inputs; nil stands for an omitted optional one.
  ///
  /// - Parameters:
  ///   - collections: the positions of those that are sequences or empty optionals instead of tensors.
  ///   - captured: the values that graphs in the node's attributes read, by their names there.
  public init(_ infos: [ValueInfo?], collections: Set<Int> = [], captured: [String: ValueInfo] = [:]) {
    self.infos = infos
    self.collections = collections
    self.captured = captured
  }

  /// The contents of a value that graphs in the node's attributes read by this name, if they are known.
  public func capturedContents(_ name: String) -> Tensor? { captured[name]?.constant }

  /// The same inputs, with the contents of some of them.
  func knowing(_ contents: [Int: Tensor]) -> NodeInputs {
    var infos = infos
    for (index, tensor) in contents { infos[index]?.constant = tensor }
    return NodeInputs(infos, collections: collections, captured: captured)
  }

  /// The number of inputs, including omitted ones in between.
  public var count: Int { infos.count }

  /// Whether an input is not omitted.
  public func has(_ index: Int) -> Bool { self[index] != nil || collections.contains(index) }

  /// An optional input, if it is a tensor.
  public subscript(_ index: Int) -> ValueInfo? { index < infos.count ? infos[index] : nil }

  /// An input that the operator requires.
  ///
  /// Throws `badData` if it is missing.
  public func required(_ index: Int) throws -> ValueInfo {
    guard let info = self[index] else {
      let problem = collections.contains(index) ? "is a sequence, not a tensor" : "is missing"
      throw GradCAMError(.badData, problem: "input \(index) \(problem)")
    }
    return info
  }

  /// All inputs, for operators with any number of them.
  ///
  /// Throws `badData` if one is omitted.
  public func all() throws -> [ValueInfo] { try (0..<count).map(required) }

  /// The contents of an input that determines a shape or a parameter; nil if it is omitted.
  ///
  /// Throws `unsupported` if they depend on the model's inputs.
  public func contents(_ index: Int) throws -> Tensor? {
    guard let info = self[index] else { return nil }
    guard let tensor = info.constant else {
      throw GradCAMError.awaiting(input: index)
    }
    return tensor
  }
}

/// What an operator needs to know to choose a kernel.
public struct KernelRequest: Sendable {
  /// The threads of the pool.
  public let threadCount: Int
  /// Whether the weights serve many runs, so that packing them once pays off.
  public let reusesWeights: Bool
  /// Whether small rounding errors matter more than speed.
  public var roundsLittle = false
  /// What other plans prepared from the same weights.
  public let weights: PreparedWeights

  /// Creates a request.
  public init(threadCount: Int, reusesWeights: Bool, weights: PreparedWeights = PreparedWeights()) {
    self.threadCount = threadCount
    self.reusesWeights = reusesWeights
    self.weights = weights
  }
}

/// An operator that is defined in terms of others.
public protocol CompositeOperator: GraphOperator {
  /// The body, if it does not depend on the inputs' extents: it replaces the node when a model is opened, so that its
  /// values can be tapped. Nil if it does depend on them.
  var fixedBody: ComputeGraph? { get }

  /// The graph that computes the outputs, for inputs of these extents.
  ///
  /// Its inputs and outputs are those of the node in order, including omitted ones; it carries its own opset versions.
  /// A value that nothing in it provides is the node's capture of that name.
  /// Throws `badData` if the inputs do not fit.
  func body(_ inputs: NodeInputs) throws -> ComputeGraph

  /// What the body repeats, if it is nothing but a repetition, which can run in a loop as well.
  var repetition: Repetition? { get }
}

extension CompositeOperator {
  /// Composite.
  public var form: OperatorForm { .composite(self) }
  /// Nil: the body is no repetition.
  public var repetition: Repetition? { nil }
  /// Nil: the body depends on the extents.
  public var fixedBody: ComputeGraph? { nil }
}

/// A composite operator whose body depends on attributes alone.
public struct FixedComposite: CompositeOperator {
  /// The body.
  public let fixedBody: ComputeGraph?

  /// Wraps a body.
  public init(_ body: ComputeGraph) { fixedBody = body }

  /// The body, whatever the inputs.
  public func body(_ inputs: NodeInputs) -> ComputeGraph { fixedBody! }
}

/// An operator with its attributes read: shapes and forward computation.
public protocol Operator: GraphOperator {
  /// The type and extents of every output, and its contents if they follow from what is known.
  ///
  /// Throws `badData` if the inputs do not fit.
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo]

  /// The kernel that computes the outputs, chosen and prepared for these extents.
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel

  /// The same operator, if it has a derivative.
  var differentiable: (any DifferentiableOperator)? { get }

  /// The operator that selects at the same places as this one does for some inputs, whatever its own inputs hold; nil if
  /// it does not rank what it selects.
  ///
  /// - Parameter contents: gives the contents of an input, by its position.
  func holding(_ contents: (Int) throws -> Tensor) throws -> (any Operator)?
}

extension Operator {
  /// Computed.
  public var form: OperatorForm { .computed(self) }
  /// Nil: it has no derivative.
  public var differentiable: (any DifferentiableOperator)? { nil }
  /// Nil: it ranks nothing.
  public func holding(_ contents: (Int) throws -> Tensor) -> (any Operator)? { nil }
}

/// Whether an operator's integer outputs carry gradients, as those that stand for quantised real numbers do.
public enum IntegerGradients: Sendable {
  /// They are counts, indices or truth values.
  case none
  /// They carry gradients if an integer input does.
  case passed
  /// They stand for real numbers, and the operator's rule passes straight through the rounding: an estimate.
  case estimated
}

/// An operator with a derivative.
public protocol DifferentiableOperator: Operator {
  /// Whether integer outputs carry gradients; floating-point outputs always do.
  var integerGradients: IntegerGradients { get }

  /// Whether gradients pass to an input, if it is of floating-point numbers.
  func passesGradients(to input: Int) -> Bool

  /// Whether the operator ends in max(x, 0), where guided backpropagation blocks negative gradients.
  func rectifies(_ inputs: NodeInputs) -> Bool

  /// How its results depend on some of its inputs; nil if no rule is known by which contributions are shared out.
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence?

  /// The vector-Jacobian product with respect to the wanted inputs: floating-point numbers, or integers that carry a
  /// gradient.
  ///
  /// Throws `unsupported` if a wanted input has no derivative.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule
}

extension DifferentiableOperator {
  /// Itself.
  public var differentiable: (any DifferentiableOperator)? { self }
  /// Integer outputs carry no gradient unless an operator says so.
  public var integerGradients: IntegerGradients { .none }

  /// Gradients pass to every input unless an operator says otherwise.
  public func passesGradients(to input: Int) -> Bool { true }

  /// An operator is not a rectifier unless it says so.
  public func rectifies(_ inputs: NodeInputs) -> Bool { false }

  /// Nil: no rule is known.
  public func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { nil }
}
