/// An operator that could not be resolved: an error only if its node is needed.
public struct UnresolvableOperator: GraphOperator {
  /// The reason.
  public let error: GradCAMError
  /// The boxes and scores among which it would select, if that is known of the operator.
  public var boxSelection: BoxSelection?

  /// Unresolvable.
  public var form: OperatorForm { .unresolvable(error) }

  /// Unknown.
  public func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }
}
