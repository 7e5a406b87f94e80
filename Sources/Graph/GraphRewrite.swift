/// A rule that replaces a pattern of nodes by fewer, equivalent ones.
public protocol GraphRewrite: Sendable {
  /// Changes the graph wherever the pattern occurs.
  ///
  /// Nodes keep their positions, by which messages name them: the last node of a pattern is replaced, and those whose
  /// results nobody reads any more are left where they are; the planner passes over them.
  /// - Parameters:
  ///   - infos: type and extents of the values of the graph before any rewrite.
  ///   - isPrivate: whether a value is read by one node only and looked at by nobody else, so that it may vanish inside
  ///     a fused node.
  func apply(to graph: inout ComputeGraph, infos: [ValueID: ValueInfo], isPrivate: (ValueID) -> Bool)
}
