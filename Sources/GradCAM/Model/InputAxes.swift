import Graph

extension ComputeGraph {
  /// The inputs that take signals, volumes or pictures of any number of channels.
  ///
  /// What their dimensions count is what the first layer that reads them says: a convolution has channels second and places
  /// after them; a product sums over channels. If no input reaches such a layer, the first one that may be any of these is
  /// taken to have its channels second.
  /// - Parameter layout: where the channels are, if that is known.
  func findOtherInputs(_ layout: ImageShape.Layout?, _ operators: OperatorSet) -> [ImageInput] {
    let candidates = inputs.compactMap { InputAxes($0, of: self, operators, layout) }
    func found(_ read: (InputAxes) -> ImageShape?) -> [ImageInput] {
      candidates.compactMap { axes in
        read(axes).map { ImageInput(value: axes.input, name: values[axes.input].name, shape: $0) }
      }
    }
    let convolved = found { $0.isConvolved ? $0.read() : nil }
    if !convolved.isEmpty { return convolved }
    let multiplied = found { $0.read() }
    return multiplied.isEmpty ? Array(found { $0.assumed }.prefix(1)) : multiplied
  }
}

/// Finds what the dimensions of an input count.
private struct InputAxes {
  let input: ValueID
  private let graph: ComputeGraph
  private let operators: OperatorSet
  private let extents: [Int?]
  private let elementType: ElementType
  private let layout: ImageShape.Layout?
  /// The first layer that reads the input: a convolution, if it reaches any, else a product with weights.
  private let layer: Node?
  let isConvolved: Bool

  /// Nil for an input of the wrong type or rank.
  init?(_ input: ValueID, of graph: ComputeGraph, _ operators: OperatorSet, _ layout: ImageShape.Layout?) {
    let value = graph.values[input], type = value.elementType ?? .float32
    // Integers of 32 and 64 bits are numbers of tokens.
    guard let extents = value.extents, (1...5).contains(extents.count),
      ![.bool, .string, .int32, .int64].contains(type)
    else { return nil }
    (self.input, self.graph, self.operators, self.layout) = (input, graph, operators, layout)
    (self.extents, elementType) = (extents, type)
    var reached: Set<ValueID> = [input], convolution: Node?, product: Node?
    for node in graph.nodes where convolution == nil {
      guard node.inputs.contains(where: { $0.map(reached.contains) ?? false }) else { continue }
      if node.role == .convolution {
        // Nothing else is known about weights that are computed.
        if node.inputs[0].map(reached.contains) ?? false { convolution = node }
      } else {
        if product == nil, node.isProductWithWeights(in: graph) { product = node }
        reached.formUnion(node.results)
      }
    }
    layer = convolution ?? product
    isConvolved = convolution != nil
  }

  /// The orders of dimensions that an input of a rank may have, the usual ones first.
  private var orders: [[Factor.Role]] {
    let all: [[Factor.Role]] =
      switch extents.count {
      case 1: [[.sample]]
      case 2: [[.batch, .sample], [.channels, .sample], [.sample, .channels], [.height, .width]]
      case 3:
        [
          [.batch, .channels, .sample], [.batch, .sample, .channels], [.channels, .height, .width],
          [.height, .width, .channels], [.batch, .height, .width], [.depth, .height, .width],
        ]
      case 4:
        [
          [.batch, .channels, .height, .width], [.batch, .height, .width, .channels],
          [.channels, .depth, .height, .width], [.depth, .height, .width, .channels],
          [.batch, .depth, .height, .width],
        ]
      default:
        [
          [.batch, .channels, .depth, .height, .width], [.batch, .depth, .height, .width, .channels],
          [.batch, .depth, .channels, .height, .width],
        ]
      }
    guard let layout else { return all }
    return all.filter { !$0.contains(.channels) || ($0.last == .channels) == (layout == .nhwc) }
  }

  /// The input as its first layer reads it; nil if that does not tell.
  func read() -> ImageShape? { orders.first(where: isConfirmed).map(shape) }

  /// The input with channels second, or last if that is known; nil if it has too few dimensions for both.
  var assumed: ImageShape? {
    guard extents.count >= 3, let order = orders.first else { return nil }
    var assumed = shape(order)
    assumed.isAssumed = true
    return assumed
  }

  private func shape(_ order: [Factor.Role]) -> ImageShape {
    func extent(_ role: Factor.Role) -> Int? { order.firstIndex(of: role).flatMap { extents[$0] } }
    var shape = ImageShape(
      order, places: zip(order, extents).filter { $0.0.isPlace }.map(\.1), batch: extent(.batch) ?? 1,
      channels: order.contains(.channels) ? extent(.channels) ?? weightChannels ?? 1 : 1, elementType: elementType)
    shape.isBatchOpen = order.contains(.batch) && extent(.batch) == nil
    return shape
  }

  /// The channels that a first convolution in one group has.
  private var weightChannels: Int? {
    guard isConvolved, let layer, layer.inputs.count > 1 else { return nil }
    return layer.inputs[1].flatMap { graph.values[$0].constant?.shape }.flatMap { $0.rank > 1 ? $0[1] : nil }
  }

  /// Whether the first layer reads dimensions in an order as channels and places.
  private func isConfirmed(_ order: [Factor.Role]) -> Bool {
    // A product of a table sums over its columns, too.
    guard let layer, isConvolved || order.contains(.batch) else { return false }
    let shape = shape(order), size = shape.fixing(Self.trial)
    var infos = [input: ValueInfo(elementType, shape.shape(for: size))]
    for other in graph.inputs where other != input {
      let value = graph.values[other]
      guard let extents = value.extents, let type = value.elementType else { continue }
      infos[other] = ValueInfo(type, Shape(extents.map { $0 ?? 1 }))
    }
    let read = layer.inputs.compactMap { $0 }.filter { graph.values[$0].constant == nil }
    guard let inferred = try? InferredGraph(graph, operators: operators, inputs: infos, reaching: Set(read)) else {
      return false
    }
    let tracked = DimensionTracker(graph, images: [input: order]) { inferred.infos[$0] }.dimensions
    guard let data = read.first(where: { tracked[$0] != nil }), let dimensions = tracked[data] else { return false }
    let places = Set(shape.placeRoles)
    return isConvolved
      ? dimensions.areConvolved(places)
      : layer.sumsOverChannels(dimensions, at: data, places) { inferred.infos[$0] }
  }

  /// A size for what is open, that most networks can begin with.
  private static let trial = PixelSize(extents: [16, 64, 1024])
}

extension [Dimension] {
  /// Whether channels, or nothing, come second, and places after them, all of the input's unless some go with the batch.
  fileprivate func areConvolved(_ places: Set<Factor.Role>) -> Bool {
    guard count > 2, isPlain(self[1], as: .channels), !self[0].hasChannels else { return false }
    let after = self[2...].map(\.placeRole)
    guard after.allSatisfy({ $0 != nil }), Set(after).count == after.count else { return false }
    let merged = Set(self[0].factors.map(\.role).filter(\.isPlace))
    return Set(after.compactMap { $0 }).union(merged) == places
  }

  private func isPlain(_ dimension: Dimension, as role: Factor.Role) -> Bool {
    dimension.extent == 1 ? !dimension.isSpatial : dimension.role == role
  }
}

extension Dimension {
  /// The axis whose places it counts, alone.
  fileprivate var placeRole: Factor.Role? { role.flatMap { $0.isPlace ? $0 : nil } }
}

extension Node {
  /// Whether it multiplies something by constant weights, summing over an axis; or may be a recurrent layer, by its
  /// weights.
  fileprivate func isProductWithWeights(in graph: ComputeGraph) -> Bool {
    let weights = inputs.dropFirst().map { $0.flatMap { graph.values[$0].constant?.shape.rank } }
    return role == .product ? weights.contains { $0 != nil } : role == .other && weights.prefix(2) == [3, 3]
  }

  /// Whether it sums over channels of a value, and keeps its places.
  fileprivate func sumsOverChannels(
    _ dimensions: [Dimension], at value: ValueID, _ places: Set<Factor.Role>, info: (ValueID) -> ValueInfo?
  ) -> Bool {
    guard case .labelled(let labels, let result) = axes(info), let index = inputs.firstIndex(of: value),
      index < labels.count, labels[index].count == dimensions.count
    else { return false }
    let summed = zip(labels[index], dimensions).filter { !result.contains($0.0) }.map(\.1)
    let kept = zip(labels[index], dimensions).filter { result.contains($0.0) }.map(\.1)
    let found = kept.flatMap { $0.factors.map(\.role).filter(\.isPlace) }
    return !summed.isEmpty && summed.allSatisfy { $0.role == .channels } && Set(found) == places
  }
}
