import Graph

/// Turns `Constant` nodes that hold a tensor into constant values, so that other rewrites see them.
struct InlineConstants: GraphRewrite {
  func apply(to graph: inout ComputeGraph, isPrivate: (ValueID) -> Bool) {
    for node in graph.nodes {
      guard node.operatorName == OperatorName(type: "Constant"), node.attributes.count == 1,
        case .tensor(let tensor)? = node.attributes["value"], node.outputs.count == 1, let output = node.outputs[0]
      else { continue }
      graph.values[output].constant = tensor
    }
  }
}
