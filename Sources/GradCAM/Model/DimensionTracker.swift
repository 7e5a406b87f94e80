import Graph

/// The dimensions of every value of a network, followed from the image through all operators by their axis mappings.
///
/// What an operator does not say is unknown; nothing is guessed from a tensor's rank.
struct DimensionTracker {
  private let info: (ValueID) -> ValueInfo?
  private(set) var dimensions: [ValueID: [Dimension]] = [:]

  /// Follows the dimensions of image inputs through a graph.
  ///
  /// - Parameters:
  ///   - images: what the dimensions of each image input mean.
  ///   - info: type and extents of a value, and its contents if they do not depend on the image.
  init(_ graph: ComputeGraph, images: [ValueID: [Factor.Role]], info: @escaping (ValueID) -> ValueInfo?) {
    self.info = info
    for (image, roles) in images {
      if let extents = info(image)?.shape.dimensions, extents.count == roles.count {
        dimensions[image] = zip(roles, extents).map(Dimension.init)
      }
    }
    for node in graph.nodes {
      let axes = node.axes(info)
      var offset: Int? = 0
      for output in node.outputs {
        guard let output, let result = info(output) else {
          offset = nil
          continue
        }
        if result.constant == nil { dimensions[output] = dimensions(of: node, axes, result.shape, from: offset) }
        if case .split(let axis) = axes { offset = offset.map { $0 + result.shape[axis] } }
      }
    }
  }

  /// The dimensions of a node's result.
  ///
  /// - Parameter offset: where the result of a split starts; nil if that is not known.
  private func dimensions(of node: Node, _ axes: AxisMapping, _ shape: Shape, from offset: Int?) -> [Dimension] {
    let result = followed(node, axes, shape, from: offset)
    guard let result, result.map(\.extent) == shape.dimensions else {
      return shape.dimensions.map { Dimension(.unknown, $0) }
    }
    return result
  }

  private func followed(_ node: Node, _ axes: AxisMapping, _ shape: Shape, from offset: Int?) -> [Dimension]? {
    switch axes {
    case .elementwise: return elementwise(node, shape)
    case .resampled: return source(node, 0)?.resampled(to: shape.dimensions)
    case .channelsFirst: return channelsFirst(node, shape)
    case .windows(let starts, let steps): return channelsFirst(node, shape, windows: zip(starts, steps).map { $0 })
    case .reshaped: return source(node, 0)?.reshaped(to: shape.dimensions)
    case .labelled(let inputs, let result): return labelled(node, inputs, result, shape)
    case .joined(let axis): return joined(node, axis, shape)
    case .split(let axis): return offset.flatMap { split(node, axis, shape, from: $0) }
    case .sliced(let starts, let steps): return sliced(source(node, 0), starts, steps, shape)
    case .written(let starts): return written(node, starts, shape)
    case .gathered(let axis, let indices, let indexShape):
      guard var result = source(node, 0) else { return nil }
      result.replaceSubrange(axis...axis, with: result[axis].gathered(indices, indexShape))
      return result
    case .unknown: return nil
    }
  }

  /// The dimensions of an input that depends on the image.
  private func source(_ node: Node, _ index: Int) -> [Dimension]? {
    index < node.inputs.count ? node.inputs[index].flatMap { dimensions[$0] } : nil
  }

  /// Dimensions stay; an axis whose extent is that of no input counts something unknown.
  private func elementwise(_ node: Node, _ shape: Shape) -> [Dimension] {
    let sources = node.inputs.indices.compactMap { source(node, $0) }.filter { $0.count <= shape.rank }
    return shape.dimensions.enumerated().map { axis, extent in
      let candidates = sources.compactMap { source -> Dimension? in
        let position = axis - (shape.rank - source.count)
        return position >= 0 && source[position].extent == extent ? source[position] : nil
      }
      return candidates.agreed ?? Dimension(.unknown, extent)
    }
  }

  /// The batch and the positions stay, at most with other extents; a convolution makes new channels.
  private func channelsFirst(
    _ node: Node, _ shape: Shape, windows: [(start: Double, step: Int)] = []
  ) -> [Dimension]? {
    guard let before = source(node, 0), before.count == shape.rank else { return nil }
    return shape.dimensions.enumerated().map { axis, extent in
      if axis == 1, node.role == .convolution || before[axis].extent != extent { return Dimension(.channels, extent) }
      if axis > 1, windows.indices.contains(axis - 2), before[axis].hasPadding {
        return before[axis].seen(through: windows[axis - 2].start, windows[axis - 2].step, extent: extent)
      }
      if before[axis].extent == extent { return before[axis] }
      return axis == 0 ? Dimension(.unknown, extent) : before[axis].resized(to: extent)
    }
  }

  /// An axis takes the input dimension of its label and extent; if only constants have the label, they are weights,
  /// which make new channels.
  private func labelled(_ node: Node, _ inputs: [[Int]], _ result: [Int], _ shape: Shape) -> [Dimension]? {
    let sources = inputs.indices.map { source(node, $0) }
    guard result.count == shape.rank, sources.contains(where: { $0 != nil }) else { return nil }
    return zip(result, shape.dimensions).map { label, extent in
      let owners = inputs.indices.filter { inputs[$0].contains(label) }
      let same = owners.compactMap { index -> Dimension? in
        guard let source = sources[index], source.count == inputs[index].count else { return nil }
        let dimension = source[inputs[index].firstIndex(of: label)!]
        return dimension.extent == extent ? dimension : nil
      }
      return same.agreed ?? Dimension(owners.contains { sources[$0] == nil } ? .channels : .unknown, extent)
    }
  }

  private func sliced(_ before: [Dimension]?, _ starts: [Int], _ steps: [Int], _ shape: Shape) -> [Dimension]? {
    guard let before, before.count == shape.rank else { return nil }
    return before.indices.map { axis in
      let isWhole = shape[axis] == before[axis].extent && starts[axis] == 0 && steps[axis] == 1
      return isWhole ? before[axis] : before[axis].sliced(start: starts[axis], step: steps[axis], extent: shape[axis])
    }
  }

  /// What is written into constants has padding around it.
  private func written(_ node: Node, _ starts: [Int], _ shape: Shape) -> [Dimension]? {
    let placed = sliced(source(node, 2), starts.map { -$0 }, starts.map { _ in 1 }, shape)
    guard let data = source(node, 0), data.count == shape.rank else { return placed }
    guard let placed else { return data }
    return zip(data, placed).map { [$0, $1].agreed! }
  }

  private func split(_ node: Node, _ axis: Int, _ shape: Shape, from offset: Int) -> [Dimension]? {
    var starts = [Int](repeating: 0, count: shape.rank)
    starts[axis] = offset
    return sliced(source(node, 0), starts, starts.map { _ in 1 }, shape)
  }

  /// If exactly one of several tensors counts places along the axis where they are joined, the entries of the others
  /// stand for no place; parts of a picture are put together.
  private func joined(_ node: Node, _ axis: Int, _ shape: Shape) -> [Dimension]? {
    let inputs = node.inputs.indices.map { source(node, $0) }
    let known = inputs.compactMap { $0 }
    guard !known.isEmpty, known.allSatisfy({ $0.count == shape.rank }) else { return nil }
    if known.count == inputs.count, let parts = PictureParts(known, joinedAt: axis) { return parts.dimensions }
    var result = shape.dimensions.indices.map { place in
      place == axis ? Dimension(.unknown, shape[axis]) : known.map { $0[place] }.agreed!
    }
    let spatial = inputs.indices.filter { inputs[$0]?[axis].isSpatial ?? false }
    if spatial.count == 1 || (known.count == 1 && known[0][axis].role == .unknown) {
      let place = spatial.first ?? inputs.firstIndex { $0 != nil }!
      func extent(_ others: ArraySlice<ValueID?>) -> Int {
        others.reduce(0) { $0 + ($1.flatMap { info($0) }?.shape[axis] ?? 0) }
      }
      result[axis] = inputs[place]![axis]
      result[axis].leading += extent(node.inputs[..<place])
      result[axis].trailing += extent(node.inputs[(place + 1)...])
    } else if known.allSatisfy({ $0[axis].role == .channels }) {
      result[axis] = Dimension(.channels, shape[axis])
    }
    return result
  }
}
