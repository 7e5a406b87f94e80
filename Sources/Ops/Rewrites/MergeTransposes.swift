import Graph

/// A Transpose of a Transpose becomes a single one, or an Identity if they cancel out.
struct MergeTransposes: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let second = Self.axes(of: node.operation as? Transpose),
        let (producer, transpose) = patterns.producer(of: node.inputs[0], as: Transpose.self, in: graph),
        let first = Self.axes(of: transpose), first.count == second.count
      else { continue }
      let merged = second.map { first[$0] }
      let isIdentity = merged == Array(merged.indices)
      graph.fuse(
        index, into: index, isIdentity ? Identity() : Transpose(permutation: merged),
        inputs: graph.nodes[producer].inputs, as: isIdentity ? "Identity" : "Transpose")
    }
  }

  /// The permutation of a Transpose if it is given with nonnegative axes, else nil.
  private static func axes(of transpose: Transpose?) -> [Int]? {
    transpose?.permutation.flatMap { $0.sorted() == Array($0.indices) ? $0 : nil }
  }
}
