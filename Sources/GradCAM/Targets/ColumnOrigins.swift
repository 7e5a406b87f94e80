import Graph

/// What made the numbers of a value along one of its axes, followed back through what only moves them.
struct ColumnOrigins {
  /// What made a number.
  enum Origin: Equatable {
    /// A Sigmoid, by its result: a score of its own.
    case sigmoid(ValueID)
    /// A Softmax, by its result: a score that competes.
    case softmax(ValueID)
    /// A count or an index.
    case integer
    /// What was kept between two constants.
    case limited(ClosedRange<Float>)
    /// Anything else.
    case other

    var isScore: Bool {
      switch self {
      case .sigmoid, .softmax: true
      case .integer, .limited, .other: false
      }
    }

    /// The same without limits.
    var unlimited: Origin { if case .limited = self { .other } else { self } }

    /// The same, kept between two constants.
    fileprivate func limited(to range: ClosedRange<Float>) -> Origin {
      guard case .limited(let own) = self, own.overlaps(range) else { return .limited(range) }
      return .limited(own.clamped(to: range))
    }

    /// The same times a number.
    fileprivate func scaled(by scale: Float) -> Origin {
      guard case .limited(let range) = self, scale > 0, scale.isFinite else { return .other }
      return .limited(range.lowerBound * scale...range.upperBound * scale)
    }
  }

  private let graph: ComputeGraph
  private let infos: [ValueID: ValueInfo]
  private let producers: [ValueID: Int]

  init(_ graph: ComputeGraph, infos: [ValueID: ValueInfo]) {
    (self.graph, self.infos, producers) = (graph, infos, graph.producers)
  }

  /// What made each number along an axis.
  ///
  /// - Parameter axis: nil for a value whose elements all have the same meaning, which gives one origin.
  func origins(of value: ValueID, axis: Int?) -> [Origin] {
    guard let info = infos[value] else { return [] }
    // A single index is no axis: another of extent 1 could be taken for it.
    let axis = axis.flatMap { info.shape[$0] > 1 ? $0 : nil }
    func all(_ origin: Origin) -> [Origin] {
      [Origin](repeating: origin, count: axis.map { info.shape[$0] } ?? 1)
    }
    if info.elementType.storage == .int64 { return all(.integer) }
    guard let index = producers[value], info.constant == nil else { return all(.other) }
    let node = graph.nodes[index], computed = node.inputs.compactMap { $0 }.filter { infos[$0]?.constant == nil }
    /// The origins of an input that follow one another along this axis from a start on; if they were mixed, what they
    /// share.
    func passed(_ input: ValueID, _ source: Int?, from start: Int?) -> [Origin] {
      let found = origins(of: input, axis: source), count = axis.map { info.shape[$0] } ?? 1
      if axis != nil, source != nil, let start, start >= 0, start + count <= found.count {
        return Array(found[start..<start + count])
      }
      return all(shared(found))
    }
    let given = NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } })
    /// The same of the input at a position, changed.
    func followed(_ position: Int, _ change: (Origin) -> Origin) -> [Origin] {
      guard let input = node.inputs[position] else { return all(.other) }
      let (source, start) = sourceAxis(of: axis, value, node, input)
      return passed(input, source, from: start).map(change)
    }
    if let limits = node.operation?.limits(given) { return followed(limits.input) { $0.limited(to: limits.range) } }
    if let scaling = node.operation?.scaling(given), scaling.scale.count == 1, scaling.shift == [0] {
      return followed(scaling.input) { $0.scaled(by: scaling.scale[0]) }
    }
    switch node.role {
    case .sigmoid: return all(.sigmoid(value))
    case .softmax: return all(.softmax(value))
    case .identity, .selection, .rearrangement, .ranking, .pooling:
      guard let input = node.inputs.first ?? nil else { return all(.other) }
      if axis == nil, let cut = cut(value, node, input) {
        let found = origins(of: input, axis: cut.axis)
        return [found.count < cut.range.upperBound ? .other : shared(found[cut.range])]
      }
      if let inner = mergedAxis(into: axis, value, node, input) {
        let found = origins(of: input, axis: inner)
        return (0..<info.shape[axis!]).map { found[$0 % found.count] }
      }
      let (source, start) = sourceAxis(of: axis, value, node, input)
      return passed(input, source, from: start)
    case .concatenation: return joined(node, axis) ?? all(.other)
    default: break
    }
    // Scores multiplied are scores.
    let factors = computed.filter { infos[$0]?.elementType.isFloatingPoint == true }
    guard case .elementwise = axes(of: node), node.role == .other, factors.count > 1 else { return all(.other) }
    var product = all(.other)
    for (place, factor) in factors.enumerated() {
      let (source, start) = sourceAxis(of: axis, value, node, factor)
      let found = passed(factor, source, from: start)
      product = zip(product, found).map { before, own in place == 0 || before.isScore ? own : .other }
      guard product.contains(where: \.isScore) else { return all(.other) }
    }
    return product
  }

  /// The origin that all have in common.
  private func shared(_ origins: some Collection<Origin>) -> Origin {
    guard let first = origins.first, origins.allSatisfy({ $0 == first }) else { return .other }
    return first
  }

  private func axes(of node: Node) -> AxisMapping { node.axes { infos[$0] } }

  /// Those of values that are joined: one after another, or what they have in common.
  private func joined(_ node: Node, _ axis: Int?) -> [Origin]? {
    guard case .joined(let along) = axes(of: node) else { return nil }
    let filled = node.inputs.compactMap { $0 }.filter { infos[$0].map { $0.shape.count > 0 } ?? true }
    let parts = filled.map { origins(of: $0, axis: axis) }
    guard along != axis else { return parts.flatMap { $0 } }
    guard let first = parts.first, parts.allSatisfy({ $0.count == first.count }) else { return nil }
    return first.indices.map { number in
      // Each feature map of a detector has its own Sigmoid.
      let own = parts.map { $0[number] }
      return own.allSatisfy({ if case .sigmoid = $0 { true } else { false } }) ? own[0] : shared(own)
    }
  }

  /// The axis of an input that becomes an axis of a node's result, and where the result starts along it; nil if it is
  /// not known, or if the elements along it are mixed.
  private func sourceAxis(
    of axis: Int?, _ value: ValueID, _ node: Node, _ input: ValueID
  ) -> (axis: Int?, start: Int?) {
    guard let axis, let after = infos[value]?.shape, let before = infos[input]?.shape else { return (nil, nil) }
    switch axes(of: node) {
    case .reshaped:
      // The axis that counts the same: as many elements before it and along it.
      let same = before.dimensions.indices.first {
        before[$0] == after[axis] && before.count(0..<$0) == after.count(0..<axis)
      }
      return (same, 0)
    case .labelled(let inputs, let result):
      guard let position = node.inputs.firstIndex(of: input), inputs.indices.contains(position),
        result.indices.contains(axis)
      else { return (nil, nil) }
      return (inputs[position].firstIndex(of: result[axis]), 0)
    case .sliced(let starts, let steps): return (axis, steps[axis] == 1 ? starts[axis] : nil)
    case .gathered(let gathered, let indices, let shape):
      if axis < gathered { return (axis, 0) }
      if axis >= gathered + shape.rank { return (axis - shape.rank + 1, 0) }
      let isRun = shape.rank == 1 && zip(indices, indices.dropFirst()).allSatisfy { $1 == $0 + 1 }
      return (gathered, isRun ? indices.first : nil)
    case .written: return (axis, before[axis] == after[axis] ? 0 : nil)
    case .elementwise, .resampled, .channelsFirst, .windows, .joined, .split, .unknown:
      let source = axis - after.rank + before.rank
      guard before.dimensions.indices.contains(source) else { return (nil, nil) }
      if let cut = cut(value, node, input), cut.axis == source { return (source, cut.range.lowerBound) }
      return (source, before[source] == after[axis] ? 0 : nil)
    }
  }

  /// The innermost of several axes of an input that were merged into an axis of a node's result; nil if there are none.
  private func mergedAxis(into axis: Int?, _ value: ValueID, _ node: Node, _ input: ValueID) -> Int? {
    guard let axis, case .reshaped = axes(of: node), let after = infos[value]?.shape, let before = infos[input]?.shape,
      let first = before.dimensions.indices.first(where: {
        before.count(0..<$0) == after.count(0..<axis) && before[$0] > 1
      }),
      let last = (first..<before.rank).first(where: { before.count(first..<$0 + 1) == after[axis] }), last > first
    else { return nil }
    return last
  }

  /// The axis along which a result is cut out of an input, and its part of it; nil if it is not, or along several axes.
  private func cut(_ value: ValueID, _ node: Node, _ input: ValueID) -> (axis: Int, range: Range<Int>)? {
    guard node.role == .selection, let after = infos[value]?.shape, let before = infos[input]?.shape,
      after.rank == before.rank
    else { return nil }
    let changed = after.dimensions.indices.filter { after[$0] != before[$0] }
    guard changed.count == 1, let axis = changed.first else { return nil }
    if case .sliced(let starts, let steps) = axes(of: node) {
      let start = starts[axis], isInside = start >= 0 && start + after[axis] <= before[axis]
      return steps[axis] == 1 && isInside ? (axis, start..<start + after[axis]) : nil
    }
    let parts = node.outputs.map { $0.flatMap { infos[$0]?.shape[axis] } ?? 0 }
    guard parts.count > 1, parts.reduce(0, +) == before[axis], let position = node.outputs.firstIndex(of: value) else {
      return nil
    }
    let start = parts[..<position].reduce(0, +)
    return (axis, start..<start + after[axis])
  }
}
