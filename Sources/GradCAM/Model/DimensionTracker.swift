import Graph

/// What the dimensions of every value of a network hold: followed from the image through convolutions, transpositions,
/// reshapes and attention.
struct DimensionTracker {
  private let graph: ComputeGraph
  private let info: (ValueID) -> ValueInfo?
  private(set) var dimensions: [ValueID: [Dimension]] = [:]

  /// Follows the dimensions of an image input through a graph.
  ///
  /// - Parameter info: type and extents of a value, and its contents where they do not depend on the image.
  init(_ graph: ComputeGraph, image: ValueID, layout: ImageShape.Layout, info: @escaping (ValueID) -> ValueInfo?) {
    self.graph = graph
    self.info = info
    if let extents = info(image)?.shape.dimensions, extents.count == 4 {
      let roles: [Factor.Role] =
        layout == .nchw ? [.batch, .channels, .height, .width] : [.batch, .height, .width, .channels]
      dimensions[image] = zip(roles, extents).map(Dimension.init)
    }
    for node in graph.nodes {
      for output in node.outputs.compactMap({ $0 }) {
        guard let result = info(output), result.constant == nil else { continue }
        dimensions[output] = dimensions(of: node, result.shape)
      }
    }
  }

  /// The dimensions of a node's result.
  private func dimensions(of node: Node, _ shape: Shape) -> [Dimension] {
    guard node.operatorName.domain.isEmpty else { return keeping(node, shape) }
    switch node.operatorName.type {
    case "Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool",
      "GlobalLpPool", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "DepthToSpace",
      "SpaceToDepth", "DeformConv":
      return channelsFirst(node, shape)
    case "Transpose": return transposed(node, shape)
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
      return source(node, 0)?.reshaped(to: shape.dimensions) ?? unknown(shape)
    case "MatMul", "Gemm": return product(node, shape)
    case "Concat": return concatenated(node, shape)
    case "Slice": return sliced(node, shape)
    case "Gather": return gathered(node, shape)
    case "Einsum": return einsum(node, shape)
    default: return keeping(node, shape)
    }
  }

  private func unknown(_ shape: Shape) -> [Dimension] { shape.dimensions.map { Dimension(.unknown, $0) } }

  /// The dimensions of an input that depends on the image.
  private func source(_ node: Node, _ index: Int) -> [Dimension]? {
    index < node.inputs.count ? node.inputs[index].flatMap { dimensions[$0] } : nil
  }

  /// Batch, channels, height, width, whatever came in; extents that stay keep what they hold.
  private func channelsFirst(_ node: Node, _ shape: Shape) -> [Dimension] {
    let before = source(node, 0)
    let roles: [Factor.Role] = shape.rank == 4 ? [.batch, .channels, .height, .width] : [.batch, .channels]
    return shape.dimensions.enumerated().map { axis, extent in
      let fresh = Dimension(axis < roles.count ? roles[axis] : .unknown, extent)
      guard axis != 1, let old = before?[axis], old.extent == extent, old.isKnown else { return fresh }
      return axis == 0 || old.isSpatial ? old : fresh
    }
  }

  private func transposed(_ node: Node, _ shape: Shape) -> [Dimension] {
    guard let before = source(node, 0), before.count == shape.rank else { return unknown(shape) }
    guard case .ints(let permutation)? = node.attributes["perm"] else { return before.reversed() }
    return permutation.map { before[Int($0)] }
  }

  /// A matrix product keeps the rows of its first and the columns of its second operand; weights make new channels.
  private func product(_ node: Node, _ shape: Shape) -> [Dimension] {
    let left = source(node, 0), right = source(node, 1)
    let isTransposed = ["transA", "transB"].map { name in
      if case .int(let flag)? = node.attributes[name] { flag != 0 } else { false }
    }
    func kept(_ operand: [Dimension]?, _ axis: Int, _ extent: Int) -> Dimension {
      guard let operand else { return Dimension(.channels, extent) }
      let position = axis - (shape.rank - operand.count)
      guard operand.indices.contains(position), operand[position].extent == extent else {
        return Dimension(.unknown, extent)
      }
      return operand[position]
    }
    let rows = shape.rank - 2, columns = shape.rank - 1
    return shape.dimensions.enumerated().map { axis, extent in
      if axis == rows { return kept(left, isTransposed[0] ? columns : rows, extent) }
      if axis == columns { return kept(right, isTransposed[1] ? rows : columns, extent) }
      let batch = kept(left ?? right, axis, extent)
      return batch.isKnown ? batch : kept(right, axis, extent)
    }
  }

  /// Constant entries before and behind those of the picture, as class tokens, are told apart from them.
  private func concatenated(_ node: Node, _ shape: Shape) -> [Dimension] {
    guard case .int(let index)? = node.attributes["axis"], let axis = try? shape.axis(Int(index)) else {
      return unknown(shape)
    }
    var result = keeping(node, shape)
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

  /// Every n-th index still covers the picture, and so does all but the end, where padding is; another piece does not.
  private func sliced(_ node: Node, _ shape: Shape) -> [Dimension] {
    guard let before = source(node, 0), before.count == shape.rank else { return unknown(shape) }
    let starts = integers(node, "starts", 1), steps = integers(node, "steps", 4)
    let axes = integers(node, "axes", 3) ?? starts.map { Array($0.indices) }
    return shape.dimensions.enumerated().map { axis, extent in
      let old = before[axis]
      guard old.extent != extent else { return old }
      guard let starts, let place = axes?.firstIndex(where: { $0 == axis || $0 == axis - shape.rank }) else {
        return Dimension(.unknown, extent)
      }
      let start = starts[place] < 0 ? max(0, starts[place] + old.extent) : min(starts[place], old.extent)
      let step = steps?[place] ?? 1
      if step == 1, old.hasExtraTokens {
        return old.sliced(start..<start + extent) ?? Dimension(.unknown, extent)
      }
      let isPiece = old.isSpatial && step == 1 && (start > 0 || 2 * extent <= old.extent)
      return isPiece ? Dimension(.unknown, extent) : old.resized(to: extent)
    }
  }

  /// One index takes its dimension away; several make it unknown.
  private func gathered(_ node: Node, _ shape: Shape) -> [Dimension] {
    guard let before = source(node, 0), node.inputs.count > 1, let indices = node.inputs[1].flatMap({ info($0) })
    else { return unknown(shape) }
    let axis = gatherAxis(node, rank: before.count)
    let places = indices.shape.dimensions.map { Dimension(.unknown, $0) }
    return Array(before[..<axis]) + places + Array(before[(axis + 1)...])
  }

  /// Letters of the result hold what they hold in the first operand that has them.
  private func einsum(_ node: Node, _ shape: Shape) -> [Dimension] {
    guard case .string(let equation)? = node.attributes["equation"] else { return unknown(shape) }
    let letters = equation.filter { !$0.isWhitespace }
    let sides = letters.split(separator: ">", omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].last == "-", !letters.contains(".") else { return unknown(shape) }
    let operands = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    var known: [Character: Dimension] = [:]
    for (index, operand) in operands.enumerated() {
      guard let dimensions = source(node, index), dimensions.count == operand.count else { continue }
      for (letter, dimension) in zip(operand, dimensions) where known[letter] == nil { known[letter] = dimension }
    }
    return zip(sides[1], shape.dimensions).map { letter, extent in
      known[letter] ?? Dimension(.channels, extent)
    }
  }

  /// Every other operator keeps its dimensions; where extents change, indices count anew.
  private func keeping(_ node: Node, _ shape: Shape) -> [Dimension] {
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
    // An operator that drops reduced dimensions keeps the others in order.
    if let axes = reducedAxes(node), let before = source(node, 0) {
      let kept = before.indices.filter { !axes.contains($0) && !axes.contains($0 - before.count) }
      if kept.count == shape.rank { return kept.map { before[$0] } }
    }
    // Feature maps that come out of anything else are taken for channels first, as nearly all are.
    return shape.rank == 4
      ? zip([.batch, .channels, .height, .width], shape.dimensions).map(Dimension.init) : unknown(shape)
  }

  private func reducedAxes(_ node: Node) -> [Int]? {
    guard node.operatorName.type.hasPrefix("Reduce") else { return nil }
    return integers(node, "axes", 1)
  }

  /// Integers that an operator takes as an attribute in old opsets and as an input in new ones.
  private func integers(_ node: Node, _ attribute: String, _ input: Int) -> [Int]? {
    if case .ints(let values)? = node.attributes[attribute] { return values.map { Int($0) } }
    guard input < node.inputs.count, let constant = node.inputs[input].flatMap({ info($0)?.constant }) else {
      return nil
    }
    return constant.integers.map { Int(clamping: $0) }
  }
}

/// The axis that a Gather picks from.
func gatherAxis(_ node: Node, rank: Int) -> Int {
  guard case .int(let axis)? = node.attributes["axis"] else { return 0 }
  return Int(axis) < 0 ? Int(axis) + rank : Int(axis)
}
