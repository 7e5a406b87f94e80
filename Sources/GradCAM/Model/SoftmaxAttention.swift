import Graph

/// A softmax of attention weights: how much each token takes from every other one.
struct SoftmaxAttention {
  /// The attention weights, of shape (…, queries, keys).
  let value: ValueID
  /// The number of tokens that take.
  let queries: Int
  /// The number of tokens that are taken from.
  let keys: Int
  /// Where the keys of a tensor of shape (…, keys) lie in the picture, with heads as channels.
  let layout: FeatureMapLayout
}

extension Observation {
  /// The attentions of the network whose keys stand for places of the picture, in the order of the graph.
  ///
  /// An attention is a softmax over its last dimension that is matrix-multiplied by another computed value.
  var attentions: [SoftmaxAttention] {
    let graph = model.graph
    // Those that are passed on unchanged are the same.
    var shares = Set(graph.nodes.compactMap { $0.role == .softmax ? $0.outputs[0] : nil })
    for node in graph.nodes where node.role == .identity {
      guard let input = node.inputs.first ?? nil, shares.contains(input), let output = node.outputs[0],
        infos[input]?.shape == infos[output]?.shape
      else { continue }
      shares.insert(output)
    }
    return graph.nodes.compactMap { node in
      guard node.role == .product, node.inputs.count == 2, let value = node.inputs[0],
        let taken = node.inputs[1], shares.contains(value), let dimensions = focus.catalogue.dimensions[taken],
        let shape = infos[value]?.shape, shape.rank == dimensions.count, shape.rank > 1,
        // (…, queries, keys) · (…, keys, features)
        shape.dimensions.dropLast(2) + [shape[shape.rank - 1]] == dimensions.dropLast().map(\.extent)[...],
        case .labelled(let labels, _)? = node.operation?.axes(inputs(of: node)),
        labels[0].dropLast(2) + [labels[0].last!] == labels[1].dropLast(),
        let layout = FeatureMapLayout(Array(dimensions.dropLast()))
      else { return nil }
      return SoftmaxAttention(value: value, queries: shape[shape.rank - 2], keys: shape[shape.rank - 1], layout: layout)
    }
  }
}
