/// What a value of a graph is while a plan is made.
public enum CollectedValue: Sendable {
  /// A tensor, or an optional that holds one.
  case tensor(ValueID)
  /// A sequence of tensors, or an optional that holds one.
  case sequence([ValueID])
  /// An optional that holds nothing.
  case empty

  /// The tensors, in order.
  public var tensors: [ValueID] {
    switch self {
    case .tensor(let tensor): [tensor]
    case .sequence(let elements): elements
    case .empty: []
    }
  }
}

/// An operator that takes or makes sequences or optionals of tensors.
///
/// Plans hold tensors alone: when one is made, such a node is replaced by nodes that compute the tensors of its results,
/// so the numbers of elements must follow from extents and constants.
public protocol CollectionOperator: GraphOperator {
  /// The graph that computes tensors, and what each result is made of.
  ///
  /// - Parameters:
  ///   - inputs: the node's inputs, their tensors being the body's values 0, 1, … in order; nil for an omitted one.
  ///   - tensors: what is known of those values.
  ///
  /// Throws `badData` if the inputs do not fit, `unsupported` if a number of elements depends on the image.
  func expand(_ inputs: [CollectedValue?], _ tensors: NodeInputs) throws -> (
    body: ComputeGraph, results: [CollectedValue]
  )
}

extension CollectionOperator {
  /// Collection.
  public var form: OperatorForm { .collection(self) }
}
