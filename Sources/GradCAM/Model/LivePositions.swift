import Graph

extension ComputeGraph {
  /// For each value that some results depend on, the indices along every axis outside of which nothing can change the
  /// results.
  ///
  /// A network that reads its score from the class token alone ignores the other tokens after its last attention:
  /// their gradient is zero there. The ranges are followed back from the result by the operators' axis mappings, and
  /// may be too large, never too small, where an operator mixes indices.
  /// - Parameter info: type and extents of a value, and its contents if they do not depend on the image.
  func liveRanges(before results: [ValueID], info: (ValueID) -> ValueInfo?) -> [ValueID: [Range<Int>]] {
    let parts = results.compactMap { result in info(result).map { (result, $0.shape.dimensions.map { 0..<$0 }) } }
    return liveRanges(before: Dictionary(parts) { first, _ in first }, info: info)
  }

  /// The same for parts of several results, by the indices along every axis.
  func liveRanges(
    before parts: [ValueID: [Range<Int>]], info: (ValueID) -> ValueInfo?
  ) -> [ValueID: [Range<Int>]] {
    var live = parts
    func add(_ ranges: [Range<Int>], to value: ValueID) {
      guard !ranges.contains(where: \.isEmpty) else { return }
      live[value] = live[value].map { zip($0, ranges).map { $0.hull(with: $1) } } ?? ranges
    }
    for node in nodes.reversed() where node.results.contains(where: { live[$0] != nil }) {
      let axes = node.axes(info)
      var offset = 0
      for output in node.outputs.compactMap({ $0 }) {
        guard let shape = info(output)?.shape else { continue }
        if let ranges = live[output] {
          for (index, input) in node.inputs.enumerated() {
            guard let input, let known = info(input), known.constant == nil, known.elementType.carriesGradients else {
              continue
            }
            let part = PartOfNode(node: node, axes: axes, input: index, shape: known.shape, result: shape)
            add(part.needed(for: ranges, offset: offset) { info($0)?.shape }, to: input)
          }
        }
        if case .split(let axis) = axes { offset += shape[axis] }
      }
      for value in node.captures.values {
        if let shape = info(value)?.shape { add(shape.dimensions.map { 0..<$0 }, to: value) }
      }
    }
    return live
  }
}

extension ElementType {
  /// Whether a number of this type may have a gradient: quantised ones do.
  fileprivate var carriesGradients: Bool { self != .bool }
}

extension Range<Int> {
  fileprivate func hull(with other: Range<Int>) -> Range<Int> {
    Swift.min(lowerBound, other.lowerBound)..<Swift.max(upperBound, other.upperBound)
  }

  /// The range moved and cut to 0 ..< count.
  fileprivate func moved(by distance: Int, in count: Int) -> Range<Int> {
    Range<Int>(uncheckedBounds: (lowerBound + distance, upperBound + distance)).clamped(to: 0..<count)
  }
}

extension Shape {
  /// Whether a convolution's weights of this shape have one position.
  var hasOnePosition: Bool { rank > 2 && dimensions.dropFirst(2).allSatisfy { $0 == 1 } }
}

/// How one result of a node depends on one input.
private struct PartOfNode {
  let node: Node
  let axes: AxisMapping
  let input: Int
  /// The extents of the input and of the result.
  let shape, result: Shape

  /// The indices of the input that some indices of the result depend on.
  ///
  /// - Parameters:
  ///   - offset: where the result starts if the node splits its input.
  ///   - shapeOf: the extents of other inputs.
  func needed(
    for ranges: [Range<Int>], offset: Int, shapeOf: (ValueID) -> Shape?
  ) -> [Range<Int>] {
    let all = shape.dimensions.map { 0..<$0 }
    switch axes {
    case .elementwise, .resampled:
      let missing = shape.rank - result.rank, mixesLast = [.softmax, .normalization].contains(node.role)
      let mixed = node.operation?.mixedAxes(of: shape) ?? (mixesLast ? [shape.rank - 1] : [])
      return all.indices.map { axis in
        let place = axis - missing
        guard place >= 0, result[place] == shape[axis], !mixed.contains(axis) else { return all[axis] }
        return ranges[place]
      }
    case .channelsFirst, .windows:
      guard input == 0 else { return all }
      let weights = node.inputs.count > 1 ? node.inputs[1].flatMap(shapeOf) : nil
      let isPointwise = node.role == .convolution && weights?.hasOnePosition == true && shape.rank == result.rank
      return all.indices.map { axis in
        let keepsAxis = axis == 0 || axis > 1 && isPointwise
        return keepsAxis && result[axis] == shape[axis] ? ranges[axis] : all[axis]
      }
    case .reshaped:
      return all.indices.map { axis in
        let before = shape.dimensions[..<axis].reduce(1, *)
        let same = result.dimensions.indices.first { place in
          result[place] == shape[axis] && result.dimensions[..<place].reduce(1, *) == before
        }
        return same.map { ranges[$0] } ?? all[axis]
      }
    case .labelled(let labels, let ofResult):
      guard input < labels.count, labels[input].count == shape.rank, ofResult.count == result.rank else { return all }
      return all.indices.map { axis in
        ofResult.firstIndex(of: labels[input][axis]).flatMap { result[$0] == shape[axis] ? ranges[$0] : nil }
          ?? all[axis]
      }
    case .joined(let axis):
      let start = node.inputs[..<input].reduce(0) { $0 + ($1.flatMap(shapeOf)?[axis] ?? 0) }
      return all.indices.map { $0 == axis ? ranges[$0].moved(by: -start, in: shape[axis]) : ranges[$0] }
    case .split(let axis):
      return all.indices.map { $0 == axis ? ranges[$0].moved(by: offset, in: shape[axis]) : ranges[$0] }
    case .sliced(let starts, let steps):
      return all.indices.map { axis in
        guard steps[axis] > 0 else { return all[axis] }
        let first = starts[axis] + ranges[axis].lowerBound * steps[axis]
        let last = starts[axis] + (ranges[axis].upperBound - 1) * steps[axis]
        return Range<Int>(uncheckedBounds: (first, last + 1)).clamped(to: all[axis])
      }
    case .gathered(let axis, let indices, let indexShape):
      guard let first = indices.min(), let last = indices.max() else { return all }
      return all.indices.map { place in
        place == axis ? first..<last + 1 : ranges[place < axis ? place : place + indexShape.rank - 1]
      }
    case .written(let starts):
      guard input != 1 else { return all }
      return input == 0 ? ranges : all.indices.map { ranges[$0].moved(by: -starts[$0], in: shape[$0]) }
    case .unknown: return all
    }
  }
}
