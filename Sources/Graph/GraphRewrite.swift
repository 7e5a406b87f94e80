/// What a rewrite may know about the values of a graph.
public struct RewriteFacts {
  /// Type and extents of the values of the graph before any rewrite.
  public let infos: [ValueID: ValueInfo]
  /// What other plans made of the same weights.
  public let weights: PreparedWeights
  /// Whether a value is read by one node only and looked at by nobody else, so that it may vanish inside a fused node.
  public let isPrivate: (ValueID) -> Bool
  /// Whether the gradient at a tap goes through a value: what is fused there must have a derivative.
  public let carriesGradient: (ValueID) -> Bool
}

/// A rule that replaces a pattern of nodes by fewer, equivalent ones: it matches types of operators and puts operator
/// values in place.
public protocol GraphRewrite: Sendable {
  /// Changes the graph wherever the pattern occurs.
  ///
  /// Nodes keep their positions, by which messages name them: the last node of a pattern is replaced, and those whose
  /// results nobody reads any more are left where they are; the planner passes over them.
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts)
}
