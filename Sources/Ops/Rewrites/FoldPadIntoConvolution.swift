import Graph

/// A Pad that adds zeros around the input of a convolution becomes part of the convolution's own padding.
struct FoldPadIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let convolution = node.operation as? Convolution,
        let (producer, pad) = patterns.producer(of: node.inputs.first ?? nil, as: Pad.self, in: graph),
        let added = Self.spatialZeros(of: pad, graph.nodes[producer], in: graph),
        let padded = convolution.padded(by: added)
      else { continue }
      graph.nodes[index].inputs[0] = graph.nodes[producer].inputs[0]
      graph.nodes[index].operation = padded
    }
  }

  /// The zeros that a Pad adds before all spatial axes, then after them; nil if it does anything else.
  private static func spatialZeros(of pad: Pad, _ node: Node, in graph: ComputeGraph) -> [Int]? {
    guard let pads = pad.zeros(node.inputs, constant: { graph.values[$0].constant }), pads.count.isMultiple(of: 2),
      pads.allSatisfy({ (0...1 << 24).contains($0) })
    else { return nil }
    let rank = pads.count / 2, before = pads[..<rank], after = pads[rank...]
    guard rank > 2, (before.prefix(2) + after.prefix(2)).allSatisfy({ $0 == 0 }) else { return nil }
    return Array(before.dropFirst(2) + after.dropFirst(2))
  }
}
