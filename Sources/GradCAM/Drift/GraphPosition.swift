import Graph

/// The positions of a network's values: what is computed on the way from the image, without what exporters and
/// optimisers fold, fuse or round.
///
/// Two values have one position if the same layers lead to them. Linear layers, pooling, and whatever joins or mixes
/// values are such; functions of single elements, constant factors and terms, normalisations, rounding, and changes of
/// order are not, so that a chain of those and the layer before it have one position.
struct GraphPositions {
  /// Gives equal positions of two networks the same number.
  final class Numbering {
    private var numbers: [Key: Int] = [:]

    fileprivate func number(_ key: Key) -> Int {
      if let known = numbers[key] { return known }
      numbers[key] = numbers.count
      return numbers.count - 1
    }
  }

  fileprivate enum Key: Hashable {
    case input(Int)
    /// A value that is known to be the same in both networks.
    case anchor(Int)
    /// A layer, with what it reads, the elements of its weights, and those of its result.
    case layer(kind: String, output: Int, reads: [Int], weights: Int, count: Int)
  }

  /// The position of each value that depends on the image.
  private(set) var numbers: [ValueID: Int] = [:]
  /// How many layers have each position.
  private(set) var layerCounts: [Int: Int] = [:]

  /// - Parameters:
  ///   - anchors: the numbers of values that are known to be the same in both networks.
  ///   - infos: type and extents of the values that count.
  init(
    _ graph: ComputeGraph, images: [ValueID], anchors: [ValueID: Int], infos: [ValueID: ValueInfo],
    _ numbering: Numbering
  ) {
    for (index, image) in images.enumerated() { numbers[image] = numbering.number(.input(index)) }
    for node in graph.nodes {
      let read =
        node.inputs.enumerated().compactMap { position, value -> (position: Int, value: ValueID)? in
          value.map { (position, $0) }
        } + node.captures.values.sorted().map { (-1, $0) }
      let carried = read.filter { numbers[$0.value] != nil && infos[$0.value]?.constant == nil }
      // Numbers that scale a whole tensor are no layer's input.
      let large = carried.filter { (infos[$0.value]?.shape.count ?? 0) > 1 }
      let reads = (large.isEmpty ? carried : large).map { numbers[$0.value]! }
      guard let first = reads.first else { continue }
      let isTransparent = node.isTransparent(infos) && Set(reads).count == 1
      let weights = read.filter { numbers[$0.value] == nil }.map { infos[$0.value]?.shape.count ?? 0 }.max() ?? 0
      for (output, result) in node.outputs.enumerated() {
        guard let result, let info = infos[result] else { continue }
        if let anchor = anchors[result] {
          numbers[result] = numbering.number(.anchor(anchor))
        } else if isTransparent {
          numbers[result] = first
        } else {
          let isSum = node.role == .sum
          let number = numbering.number(
            .layer(
              kind: node.layerKind(infos), output: output, reads: isSum ? reads.sorted() : reads, weights: weights,
              count: info.shape.count))
          numbers[result] = number
          layerCounts[number, default: 0] += 1
        }
      }
    }
  }
}

extension Node {
  /// Whether it only changes elements one by one, rounds them, or puts them in another order.
  func isTransparent(_ infos: [ValueID: ValueInfo]) -> Bool {
    switch role {
    case .identity, .rearrangement, .quantization, .dequantization, .normalization: return true
    case .convolution, .product, .attention, .concatenation, .selection, .ranking, .pooling, .resampling, .softmax:
      return false
    case .sum, .sigmoid, .other:
      if case .elementwise = axes({ infos[$0] }) { return true }
      return false
    }
  }

  /// What kind of layer it is, however the file spells it.
  fileprivate func layerKind(_ infos: [ValueID: ValueInfo]) -> String {
    let inputs = NodeInputs(self.inputs.map { $0.flatMap { infos[$0] } })
    switch role {
    case .convolution, .product: return "linear"
    case .pooling: return "pooling"
    case .sum: return "sum"
    default: return operation?.averagedAxes(inputs) == nil ? "\(operatorName)" : "pooling"
    }
  }
}
