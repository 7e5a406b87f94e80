/// Returns the first input unchanged.
package struct Identity: DifferentiableOperator {
  package init() {}

  package var role: OperatorRole { .identity }
  package var integerGradients: IntegerGradients { .passed }
  package func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .moved }

  package func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }

  package func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    .view()
  }

  package func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule { .passing(to: wanted) }
}
