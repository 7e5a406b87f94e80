import Graph

/// Where the dimensions of feature maps lie: channels first, unless transpositions have moved them.
struct SpatialLayouts: Sendable {
  /// What each dimension of a value holds: 0 batch, 1 channels, 2 height, 3 width.
  private var roles: [ValueID: [Int]] = [:]

  private static let channelsFirst = [0, 1, 2, 3]
  private static let channelsLast = [0, 2, 3, 1]

  /// Follows the dimensions of an image input through a graph.
  ///
  /// An operator keeps the order of what it reads, except that Transpose permutes it, and that the operators which
  /// ONNX defines for channels first yield that. Nothing is known behind a change of rank: channels first is assumed.
  init(_ graph: ComputeGraph, image: ValueID, layout: ImageShape.Layout, rank: (ValueID) -> Int?) {
    roles[image] = layout == .nchw ? Self.channelsFirst : Self.channelsLast
    for node in graph.nodes {
      let order = order(of: node)
      for output in node.outputs.compactMap({ $0 }) where rank(output) == 4 { roles[output] = order }
    }
  }

  /// The order of a value's dimensions; nil where it is neither of the two.
  func layout(of value: ValueID) -> ImageShape.Layout? {
    switch roles[value] ?? Self.channelsFirst {
    case Self.channelsFirst: .nchw
    case Self.channelsLast: .nhwc
    default: nil
    }
  }

  private func order(of node: Node) -> [Int] {
    let source = node.inputs.compactMap { $0.flatMap { roles[$0] } }.first ?? Self.channelsFirst
    guard node.operatorName.domain.isEmpty else { return source }
    switch node.operatorName.type {
    case "Transpose":
      guard case .ints(let permutation)? = node.attributes["perm"] else { return source.reversed() }
      guard permutation.sorted() == [0, 1, 2, 3] else { return Self.channelsFirst }
      return permutation.map { source[Int($0)] }
    case "Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool",
      "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth",
      "Reshape":
      return Self.channelsFirst
    default: return source
    }
  }
}
