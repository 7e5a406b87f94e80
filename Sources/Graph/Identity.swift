/// Returns the first input unchanged.
public struct Identity: DifferentiableOperator {
  /// Creates the operator, which has no attributes.
  public init() {}

  public var role: OperatorRole { .identity }
  public var integerGradients: IntegerGradients { .passed }

  public func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }

  public func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    .view()
  }

  public func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule { .passing(to: wanted) }
}
