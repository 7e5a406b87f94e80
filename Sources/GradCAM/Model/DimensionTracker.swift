import Graph

/// The dimensions of every value of a network, followed from the image through all operators by their axis mappings.
struct DimensionTracker {
  private let info: (ValueID) -> ValueInfo?
  private(set) var dimensions: [ValueID: [Dimension]] = [:]

  /// Follows the dimensions of an image input through a graph.
  ///
  /// - Parameter info: type and extents of a value, and its contents if they do not depend on the image.
  init(_ graph: ComputeGraph, image: ValueID, layout: ImageShape.Layout, info: @escaping (ValueID) -> ValueInfo?) {
    self.info = info
    if let extents = info(image)?.shape.dimensions, extents.count == 4 {
      let roles: [Factor.Role] =
        layout == .nchw ? [.batch, .channels, .height, .width] : [.batch, .height, .width, .channels]
      dimensions[image] = zip(roles, extents).map(Dimension.init)
    }
    for node in graph.nodes {
      let axes = node.operation?.axes(NodeInputs(node.inputs.map { $0.flatMap(info) })) ?? .elementwise
      for output in node.results {
        guard let result = info(output), result.constant == nil else { continue }
        dimensions[output] = dimensions(of: node, axes, result.shape)
      }
    }
  }

  /// The dimensions of a node's result.
  private func dimensions(of node: Node, _ axes: AxisMapping, _ shape: Shape) -> [Dimension] {
    switch axes {
    case .elementwise: elementwise(node, shape)
    case .channelsFirst: channelsFirst(node, shape)
    case .reshaped: source(node, 0)?.reshaped(to: shape.dimensions) ?? unknown(shape)
    case .labelled(let inputs, let result): labelled(node, inputs, result, shape)
    case .joined(let axis): joined(node, axis, shape)
    case .sliced(let starts, let steps): sliced(node, starts, steps, shape)
    }
  }

  private func unknown(_ shape: Shape) -> [Dimension] { shape.dimensions.map { Dimension(.unknown, $0) } }

  /// The dimensions of an input that depends on the image.
  private func source(_ node: Node, _ index: Int) -> [Dimension]? {
    index < node.inputs.count ? node.inputs[index].flatMap { dimensions[$0] } : nil
  }

  /// Batch, channels, height, width, whatever came in; dimensions whose extent stays keep their factors.
  private func channelsFirst(_ node: Node, _ shape: Shape) -> [Dimension] {
    let before = source(node, 0)
    let roles: [Factor.Role] = shape.rank == 4 ? [.batch, .channels, .height, .width] : [.batch, .channels]
    return shape.dimensions.enumerated().map { axis, extent in
      let fresh = Dimension(axis < roles.count ? roles[axis] : .unknown, extent)
      guard axis != 1, let old = before?[axis], old.extent == extent, old.isKnown else { return fresh }
      return axis == 0 || old.isSpatial ? old : fresh
    }
  }

  /// An axis takes the first known input dimension of its label and extent; if only constants have the label, they are
  /// weights, which make new channels.
  private func labelled(_ node: Node, _ inputs: [[Int]], _ result: [Int], _ shape: Shape) -> [Dimension] {
    let sources = inputs.indices.map { source(node, $0) }
    guard result.count == shape.rank, sources.contains(where: { $0 != nil }) else { return unknown(shape) }
    return zip(result, shape.dimensions).map { label, extent in
      let owners = inputs.indices.filter { inputs[$0].contains(label) }
      let same = owners.compactMap { index -> Dimension? in
        guard let source = sources[index], source.count == inputs[index].count else { return nil }
        let dimension = source[inputs[index].firstIndex(of: label)!]
        return dimension.extent == extent ? dimension : nil
      }
      if let found = same.first(where: \.isKnown) ?? same.first { return found }
      return Dimension(owners.contains { sources[$0] == nil } ? .channels : .unknown, extent)
    }
  }

  /// Constant entries before and after those of the picture, such as class tokens, are counted separately.
  private func joined(_ node: Node, _ axis: Int, _ shape: Shape) -> [Dimension] {
    var result = elementwise(node, shape)
    let computed = node.inputs.indices.filter { source(node, $0) != nil }
    guard let position = computed.first(where: { source(node, $0)![axis].isSpatial }) else { return result }
    func extent(_ inputs: some Sequence<ValueID?>) -> Int {
      inputs.reduce(0) { $0 + ($1.flatMap { info($0) }?.shape[axis] ?? 0) }
    }
    var joined = source(node, position)![axis]
    joined.leading += extent(node.inputs[..<position])
    joined.trailing += extent(node.inputs[(position + 1)...])
    result[axis] = computed.count == 1 ? joined : Dimension(.unknown, shape[axis])
    return result
  }

  /// Every n-th index still covers the picture, and so does a slice without the padded end; any other slice does not.
  private func sliced(_ node: Node, _ starts: [Int], _ steps: [Int], _ shape: Shape) -> [Dimension] {
    guard let before = source(node, 0), before.count == shape.rank else { return unknown(shape) }
    return shape.dimensions.enumerated().map { axis, extent in
      let old = before[axis], start = starts[axis]
      guard old.extent != extent else { return old }
      if steps[axis] == 1, old.hasExtraTokens {
        return old.sliced(start..<start + extent) ?? Dimension(.unknown, extent)
      }
      let isPiece = old.isSpatial && steps[axis] == 1 && (start > 0 || 2 * extent <= old.extent)
      return isPiece ? Dimension(.unknown, extent) : old.resized(to: extent)
    }
  }

  /// Dimensions stay; if an extent changes, its indices are counted anew.
  private func elementwise(_ node: Node, _ shape: Shape) -> [Dimension] {
    let sources = node.inputs.indices.compactMap { source(node, $0) }.filter { $0.count <= shape.rank }
    if sources.contains(where: { $0.count == shape.rank }) {
      return shape.dimensions.enumerated().map { axis, extent in
        let candidates = sources.compactMap { source -> Dimension? in
          let position = axis - (shape.rank - source.count)
          return position >= 0 ? source[position] : nil
        }
        let same = candidates.filter { $0.extent == extent && $0.isKnown }
        return same.first { $0.isSpatial } ?? same.first
          ?? candidates.first { $0.isKnown }?.resized(to: extent) ?? Dimension(.unknown, extent)
      }
    }
    // Feature maps from anything else are assumed to be channels first, as nearly all are.
    return shape.rank == 4
      ? zip([.batch, .channels, .height, .width], shape.dimensions).map(Dimension.init) : unknown(shape)
  }
}
