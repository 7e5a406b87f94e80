import Graph

/// Follows single elements of values back to what computed them, through nodes that only move elements or change each on
/// its own.
struct ElementOrigins {
  private let graph: ComputeGraph
  private let infos: [ValueID: ValueInfo]
  private let producers: [ValueID: Int]
  /// How values that were met are followed.
  private var steps: [ValueID: Step] = [:]

  /// How an element of a node's result is found among its inputs.
  private enum Step {
    case end
    /// The element at the same place of an input, of any extents.
    case same(ValueID)
    /// By coordinates: a coordinate of the input is one of the result times a factor plus a shift, or 0.
    case moved(ValueID, [(axis: Int?, factor: Int, shift: Int)])
    case joined(axis: Int, [(input: ValueID, start: Int)])
    case gathered(ValueID, axis: Int, indices: [Int], rank: Int)
    /// That of the part from some coordinates on; elsewhere, the one at the same place of the rest, if that counts.
    case written(part: ValueID, starts: [Int], rest: ValueID?)
  }

  init(_ graph: ComputeGraph, infos: [ValueID: ValueInfo], producers: [ValueID: Int]) {
    (self.graph, self.infos, self.producers) = (graph, infos, producers)
  }

  /// The value that an element was computed in, and its coordinates there.
  mutating func origin(of element: Int, in value: ValueID) -> (value: ValueID, coordinates: [Int]) {
    var (value, element) = (value, element)
    while let node = producers[value], let next = follow(element, of: value, node) { (value, element) = next }
    return (value, infos[value]!.shape.coordinates(of: element))
  }

  private mutating func follow(_ element: Int, of value: ValueID, _ node: Int) -> (ValueID, Int)? {
    let step = steps[value] ?? self.step(to: value, from: graph.nodes[node])
    steps[value] = step
    switch step {
    case .end: return nil
    case .same(let input): return (input, element)
    case .moved(let input, let axes):
      let place = infos[value]!.shape.coordinates(of: element), shape = infos[input]!.shape
      let coordinates = axes.map { axis, factor, shift in (axis.map { place[$0] } ?? 0) * factor + shift }
      guard zip(coordinates, shape.dimensions).allSatisfy({ (0..<$1).contains($0) }) else { return nil }
      return (input, shape.element(at: coordinates))
    case .joined(let axis, let parts):
      var place = infos[value]!.shape.coordinates(of: element)
      guard let part = parts.last(where: { $0.start <= place[axis] }) else { return nil }
      place[axis] -= part.start
      return (part.input, infos[part.input]!.shape.element(at: place))
    case .gathered(let input, let axis, let indices, let rank):
      let place = infos[value]!.shape.coordinates(of: element), shape = infos[input]!.shape
      let extents = infos[value]!.shape.dimensions[axis..<axis + rank]
      let own = zip(place[axis..<axis + rank], extents).reduce(0) { $0 * $1.1 + $1.0 }
      guard indices.indices.contains(own), (0..<shape[axis]).contains(indices[own]) else { return nil }
      return (input, shape.element(at: place[..<axis] + [indices[own]] + place[(axis + rank)...]))
    case .written(let part, let starts, let rest):
      let place = zip(infos[value]!.shape.coordinates(of: element), starts).map { $0 - $1 }, shape = infos[part]!.shape
      guard zip(place, shape.dimensions).allSatisfy({ (0..<$1).contains($0) }) else {
        return rest.map { ($0, element) }
      }
      return (part, shape.element(at: place))
    }
  }

  private func step(to value: ValueID, from node: Node) -> Step {
    guard let result = infos[value]?.shape else { return .end }
    /// The inputs with gradients that depend on the image.
    let inputs = node.inputs.compactMap { $0 }.filter { input in
      infos[input].map { $0.constant == nil && $0.elementType.isFloatingPoint && $0.shape.count > 0 } ?? false
    }
    guard let first = inputs.first, let shape = infos[first]?.shape else { return .end }
    switch node.axes({ infos[$0] }) {
    case .reshaped: return shape.count == result.count ? .same(first) : .end
    case .elementwise:
      // Of several factors, one that has all extents.
      let input = inputs.first { infos[$0]!.shape.count == result.count } ?? first, own = infos[input]!.shape
      guard node.role != .normalization, own.rank <= result.rank else { return .end }
      if own.count == result.count { return .same(input) }
      return .moved(input, own.dimensions.indices.map { (own[$0] == 1 ? nil : $0 + result.rank - own.rank, 1, 0) })
    case .labelled(let labels, let ofResult):
      guard [.rearrangement, .identity, .selection].contains(node.role), let own = labels.first,
        node.inputs.first == first, own.count == shape.rank, ofResult.count == result.rank
      else { return .end }
      let axes = own.map { ofResult.firstIndex(of: $0) }
      guard
        zip(axes, shape.dimensions).allSatisfy({ axis, extent in axis.map { result[$0] == extent } ?? (extent == 1) })
      else { return .end }
      return .moved(first, axes.map { ($0, 1, 0) })
    case .joined(let axis):
      var start = 0, parts: [(input: ValueID, start: Int)] = []
      for input in node.inputs {
        guard let input, let extent = infos[input]?.shape[axis] else { return .end }
        parts.append((input, start))
        start += extent
      }
      return .joined(axis: axis, parts)
    case .split(let axis):
      var start = 0
      for output in node.outputs.prefix(while: { $0 != value }) {
        guard let output, let extent = infos[output]?.shape[axis] else { return .end }
        start += extent
      }
      return .moved(first, shape.dimensions.indices.map { ($0, 1, $0 == axis ? start : 0) })
    case .sliced(let starts, let steps):
      guard starts.count == shape.rank, steps.count == shape.rank, shape.rank == result.rank else { return .end }
      return .moved(first, shape.dimensions.indices.map { ($0, steps[$0], starts[$0]) })
    case .gathered(let axis, let indices, let indexShape):
      guard result.rank == shape.rank + indexShape.rank - 1 else { return .end }
      return .gathered(first, axis: axis, indices: indices, rank: indexShape.rank)
    case .written(let starts):
      guard let part = node.inputs[2], infos[part] != nil else { return .end }
      return .written(part: part, starts: starts, rest: inputs.first { $0 == node.inputs[0] })
    case .resampled, .channelsFirst, .windows, .unknown: return .end
    }
  }
}

extension Shape {
  /// The coordinates of an element, row-major.
  func coordinates(of element: Int) -> [Int] {
    var rest = element
    var coordinates = [Int](repeating: 0, count: rank)
    for axis in dimensions.indices.reversed() {
      coordinates[axis] = rest % dimensions[axis]
      rest /= dimensions[axis]
    }
    return coordinates
  }

  /// Where the element at some coordinates lies, row-major.
  func element(at coordinates: some Sequence<Int>) -> Int {
    zip(coordinates, dimensions).reduce(0) { $0 * $1.1 + $1.0 }
  }
}
