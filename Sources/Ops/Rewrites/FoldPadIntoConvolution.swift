import Graph

/// A Pad that puts zeros around the picture in front of a Conv becomes part of the Conv's own padding.
struct FoldPadIntoConvolution: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let isPrivate = facts.isPrivate
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() where node.operatorName == OperatorName(type: "Conv") {
      guard let input = node.inputs.first ?? nil, isPrivate(input), let producer = producers[input],
        let added = Self.spatialZeros(of: graph.nodes[producer], in: graph),
        let own = Self.pads(of: node, count: added.count)
      else { continue }
      graph.nodes[index].inputs[0] = graph.nodes[producer].inputs[0]
      graph.nodes[index].attributes["auto_pad"] = nil
      graph.nodes[index].attributes["pads"] = .ints(zip(own, added).map(+))
    }
  }

  /// What a Pad adds before all spatial axes, then behind them; nil where it does anything else.
  private static func spatialZeros(of node: Node, in graph: ComputeGraph) -> [Int64]? {
    guard node.operatorName == OperatorName(type: "Pad") else { return nil }
    var pads: [Int64]?
    for (name, value) in node.attributes {
      switch (name, value) {
      case ("mode", .string("constant")), ("value", .float(0)): break
      case ("pads", .ints(let numbers)): pads = numbers
      default: return nil
      }
    }
    for (position, input) in node.inputs.enumerated().dropFirst() {
      guard let input else { continue }
      guard let constant = graph.values[input].constant else { return nil }
      switch position {
      case 1: pads = constant.integers
      case 2 where constant.floats == [0]: break
      default: return nil
      }
    }
    guard let pads, pads.count.isMultiple(of: 2), pads.allSatisfy({ (0...1 << 24).contains($0) }) else { return nil }
    let rank = pads.count / 2, before = pads[..<rank], behind = pads[rank...]
    guard rank > 2, (before.prefix(2) + behind.prefix(2)).allSatisfy({ $0 == 0 }) else { return nil }
    return Array(before.dropFirst(2) + behind.dropFirst(2))
  }

  /// The pads of a Conv, nil where they depend on its input.
  private static func pads(of node: Node, count: Int) -> [Int64]? {
    let zeros = [Int64](repeating: 0, count: count)
    switch node.attributes["auto_pad"] {
    case nil, .string("NOTSET")?: break
    case .string("VALID")?: return zeros
    default: return nil
    }
    switch node.attributes["pads"] {
    case nil: return zeros
    case .ints(let pads)?: return pads.count == count ? pads : nil
    default: return nil
    }
  }
}
