import Graph

/// A constant that a network adds to each channel of a feature map.
struct ChannelBias {
  /// The feature map that it was added to: the result of its node.
  let value: ValueID
  /// Where the feature map's elements lie.
  let layout: FeatureMapLayout
  /// One number per channel.
  let numbers: [Float]
}

extension Observation {
  /// The biases of the layers between the image and the explained value whose results have a spatial extent: those of
  /// convolutions and matrix products, of normalisations by fixed statistics, and separately added constants.
  ///
  /// Biases of layers without a spatial extent have no place in the picture.
  var channelBiases: [ChannelBias] {
    model.graph.nodes.compactMap { node in
      guard let output = node.outputs.first ?? nil, focus.catalogue.reachesExplained(output),
        let layout = layout(of: output), layout.positions > 1,
        let numbers = node.operation?.channelBias(inputs(of: node)) ?? addedConstant(of: node),
        numbers.count == layout.channels
      else { return nil }
      return ChannelBias(value: output, layout: layout, numbers: numbers)
    }
  }

  /// The constant that a sum adds to the channels of its other operand.
  private func addedConstant(of node: Node) -> [Float]? {
    guard node.role == .sum, let output = node.outputs[0], let dimensions = focus.catalogue.dimensions[output],
      let added = node.inputs.lazy.compactMap({ $0.flatMap(self.constant) }).first,
      let axis = added.shape.dimensions.firstIndex(where: { $0 > 1 }), added.shape[axis] == added.shape.count,
      dimensions.suffix(added.shape.rank - axis).first?.role == .channels
    else { return nil }
    return added.floats
  }
}
