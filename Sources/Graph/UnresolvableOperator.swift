/// An operator that could not be resolved: an error only if its node is needed.
public struct UnresolvableOperator: GraphOperator {
  /// The reason.
  public let error: GradCAMError

  /// Unknown.
  public func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }
}
