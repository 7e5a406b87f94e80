import Graph

/// A constant that a network adds to each channel of a feature map.
struct ChannelBias {
  /// The feature map that it was added to: the result of its node.
  let value: ValueID
  /// Where the feature map's elements lie.
  let layout: FeatureMapLayout
  /// One number a channel.
  let numbers: [Float]
}

extension Session {
  /// The biases of the layers between the image and what is explained whose results have a spatial extent: those of
  /// convolutions and matrix products, what normalisation by fixed statistics adds, and constants added apart.
  ///
  /// Biases of layers without a spatial extent show no place of the picture.
  var channelBiases: [ChannelBias] {
    model.graph.nodes.compactMap { node in
      guard node.operatorName.domain.isEmpty, let output = node.outputs.first ?? nil,
        catalogue.reachesExplained(output),
        let layout = catalogue.layout(of: output), layout.width * layout.height > 1, let numbers = bias(of: node),
        numbers.count == layout.channels
      else { return nil }
      return ChannelBias(value: output, layout: layout, numbers: numbers)
    }
  }

  /// What a node adds to the channels of its result; nil where it adds nothing, or something else.
  private func bias(of node: Node) -> [Float]? {
    func numbers(_ index: Int) -> [Float]? {
      index < node.inputs.count ? node.inputs[index].flatMap { constant($0)?.floats } : nil
    }
    switch node.operatorName.type {
    case "Conv", "ConvTranspose": return numbers(2)
    case "Gemm": return numbers(2)?.map { $0 * node.float("beta", default: 1) }
    case "BatchNormalization":
      guard let scale = numbers(1), let shift = numbers(2), let mean = numbers(3), let variance = numbers(4) else {
        return nil
      }
      let epsilon = node.float("epsilon", default: 1e-5)
      return scale.indices.map { shift[$0] - mean[$0] * scale[$0] / (variance[$0] + epsilon).squareRoot() }
    case "Add":
      guard let output = node.outputs[0], let dimensions = catalogue.dimensions[output],
        let added = node.inputs.lazy.compactMap({ $0.flatMap(self.constant) }).first,
        let axis = added.shape.dimensions.firstIndex(where: { $0 > 1 }), added.shape[axis] == added.shape.count,
        dimensions.suffix(added.shape.rank - axis).first?.role == .channels
      else { return nil }
      return added.floats
    default: return nil
    }
  }
}

extension Node {
  /// A number in an attribute.
  func float(_ name: String, default value: Float) -> Float {
    if case .float(let number)? = attributes[name] { number } else { value }
  }
}
