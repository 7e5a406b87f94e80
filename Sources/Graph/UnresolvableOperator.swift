/// What a node does that this program cannot tell: an error only where the node is needed.
public struct UnresolvableOperator: GraphOperator {
  /// Why.
  public let error: GradCAMError
}
