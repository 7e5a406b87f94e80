import Graph

/// A node with parameters: the inputs that hold them.
struct ParameterLayer {
  /// The position of the node.
  let node: Int
  /// The positions of its inputs that have contents whatever the image, more than one number each.
  let inputs: [Int]
}

extension ModelPlanner {
  /// The convolutions, matrix products and normalisations with parameters that a value depends on, from the output to
  /// the input.
  ///
  /// Throws what planning throws.
  func layers(before end: ValueID) throws -> [ParameterLayer] {
    let infos = try inferred(reaching: [end]).infos, needed = model.graph.upstream(of: [end])
    let images = model.graph.downstream(of: Set(model.imageInputs.map(\.value)))
    return model.graph.nodes.indices.reversed().compactMap { index in
      let node = model.graph.nodes[index], role = node.role
      guard role == .convolution || role == .product || role == .normalization,
        node.results.contains(where: needed.contains),
        node.inputs.contains(where: { $0.map(images.contains) ?? false })
      else { return nil }
      let inputs = node.inputs.indices.filter { place in
        guard let contents = node.inputs[place].flatMap({ infos[$0]?.constant }) else { return false }
        return contents.isNumeric && contents.shape.count > 1
      }
      return inputs.isEmpty ? nil : ParameterLayer(node: index, inputs: inputs)
    }
  }

  /// The planner for the same network with some layers randomised: the numbers of each parameter change places, so that
  /// their distribution stays as it is, and with it the scale of what the network computes.
  ///
  /// The order is that of the parameter's name alone (by `SplitMix64`): always the same,
  /// whatever else is randomised. Biases and scales that an Add or Mul applies are left as they are.
  /// - Parameters:
  ///   - layers: positions in `layers(before:)`.
  ///   - end: what is explained.
  ///
  /// Throws `unsupported` if the network's extents depend on the image, or if the memory for the parameters exceeds the
  /// limit.
  func randomising(_ layers: Range<Int>, before end: ValueID) throws -> ModelPlanner {
    guard !isDecided else {
      throw GradCAMError(
        .unsupported, at: model.path,
        problem: "selects by what it computes, so that its randomised copies have other extents",
        advice: "choose a metric that does not randomise it")
    }
    let infos = try inferred(reaching: [end]).infos
    var graph = model.graph, known: [ValueID: ValueID] = [:]
    for layer in try self.layers(before: end)[layers] {
      for place in layer.inputs {
        let parameter = graph.nodes[layer.node].inputs[place]!
        if known[parameter] == nil {
          let name = graph.values[parameter].name
          var randomised = Value(name: "\(name) (randomised)")
          randomised.constant = try infos[parameter]!.constant!.shuffled(by: SplitMix64(named: name))
          known[parameter] = graph.values.count
          graph.values.append(randomised)
        }
        graph.nodes[layer.node].inputs[place] = known[parameter]
      }
    }
    return with(graph)
  }
}

extension Tensor {
  /// Whether it holds numbers.
  fileprivate var isNumeric: Bool { elementType.storage == .float32 || elementType.storage == .int64 }

  /// The same numbers in a random order.
  ///
  /// Throws `unsupported` if the memory for them exceeds the limit.
  fileprivate func shuffled(by generator: SplitMix64) throws -> Tensor {
    try MemoryLimit.check(byteCount)
    return elementType.storage == .float32
      ? Tensor(floats.shuffled(by: generator), shape: shape, floatingType: elementType)
      : Tensor(integers.shuffled(by: generator), shape: shape, elementType: elementType)
  }
}

extension Array {
  /// The elements in a random order, by Fisher and Yates' shuffle from the last one on.
  fileprivate func shuffled(by generator: SplitMix64) -> [Element] {
    var generator = generator, shuffled = self
    for last in stride(from: count - 1, to: 0, by: -1) {
      shuffled.swapAt(last, Int(generator.next() % UInt64(last + 1)))
    }
    return shuffled
  }
}
