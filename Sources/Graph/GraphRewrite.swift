/// What a rewrite may know about the values of a graph.
public struct RewriteFacts {
  /// Type and extents of the values of the graph before any rewrite.
  public let infos: [ValueID: ValueInfo]
  /// What other plans prepared from the same weights.
  public let weights: PreparedWeights
  /// How often nodes read a value that nothing else needs; nil if something else does.
  public let readerCount: (ValueID) -> Int?
  /// Whether other plans observe a value, if it is there, or the plan observes that of another one.
  public let isShared: (ValueID) -> Bool
  /// Whether the gradient at a tap goes through a value: a node fused there must have a derivative.
  public let carriesGradient: (ValueID) -> Bool

  /// Whether a single node reads a value and nothing else needs it, so that it may vanish inside a fused node.
  public func isPrivate(_ value: ValueID) -> Bool { readerCount(value) == 1 }
}

/// A rule that replaces a pattern of nodes with fewer, equivalent ones: it matches operator types and inserts operator
/// values.
public protocol GraphRewrite: Sendable {
  /// Whether it puts together what the exporter took apart, one function of the network: it applies to every backward
  /// pass, also to those that share out contributions.
  var restoresFunctions: Bool { get }

  /// Changes the graph wherever the pattern occurs.
  ///
  /// Nodes keep their positions, which messages name: the last node of a pattern is replaced, and nodes whose results
  /// are then unread stay in place; the planner skips them.
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts)
}

extension GraphRewrite {
  /// It serves speed alone.
  public var restoresFunctions: Bool { false }
}
