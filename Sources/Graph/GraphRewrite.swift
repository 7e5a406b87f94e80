/// A rule that replaces a pattern of nodes by fewer, equivalent ones.
public protocol GraphRewrite: Sendable {
  /// Changes the graph wherever the pattern occurs.
  ///
  /// - Parameter isPrivate: whether a value is read by one node only and looked at by nobody else, so that it may
  ///   vanish inside a fused node.
  func apply(to graph: inout ComputeGraph, isPrivate: (ValueID) -> Bool)
}
