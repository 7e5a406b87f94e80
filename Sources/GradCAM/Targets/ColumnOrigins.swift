import Graph

/// What made the numbers of a value along one of its axes, followed back through what only moves them.
final class ColumnOrigins {
  /// What made a number.
  enum Origin: Equatable {
    /// A Sigmoid, by its result: a score of its own.
    case sigmoid(ValueID)
    /// A Softmax, by its result: a score that competes.
    case softmax(ValueID)
    /// A count or an index, and the least and the greatest that it can be, as far as they are known.
    case integer(least: Int?, greatest: Int?)
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

    var isInteger: Bool { if case .integer = self { true } else { false } }

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

    /// The same plus a number.
    fileprivate func shifted(by shift: Float) -> Origin {
      guard case .integer(let least, let greatest) = self, let shift = Int(exactly: shift) else { return .other }
      return .integer(least: least.map { $0 &+ shift }, greatest: greatest.map { $0 &+ shift })
    }
  }

  private struct Question: Hashable {
    let value: ValueID
    let axis: Int?
  }

  private let graph: ComputeGraph
  private let infos: [ValueID: ValueInfo]
  private let producers: [ValueID: Int]
  private var known: [Question: [Origin]] = [:]
  /// How many values have been followed, one before the other.
  private var depth = 0

  /// Values further back are not followed.
  private static let greatestDepth = 1_000
  /// Numbers of more elements, or greater ones, do not count anything.
  private static let greatestCount = 1 << 20

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
    let question = Question(value: value, axis: axis)
    if let known = known[question] { return known }
    depth += 1
    var found =
      depth > Self.greatestDepth
      ? [Origin](repeating: .other, count: axis.map { info.shape[$0] } ?? 1) : followed(value, axis, info)
    depth -= 1
    if info.elementType.storage == .int64 {
      found = found.map { $0.isInteger ? $0 : .integer(least: nil, greatest: nil) }
    }
    known[question] = found
    return found
  }

  private func followed(_ value: ValueID, _ axis: Int?, _ info: ValueInfo) -> [Origin] {
    func all(_ origin: Origin) -> [Origin] {
      [Origin](repeating: origin, count: axis.map { info.shape[$0] } ?? 1)
    }
    if let constant = info.constant { return all(Self.integers(constant) ?? .other) }
    guard let index = producers[value] else { return all(.other) }
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
    if let selection = node.operation?.boxSelection { return selected(by: selection, node, axis, info) ?? all(.other) }
    let given = NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } })
    /// The same of the input at a position, changed.
    func changed(_ position: Int, _ change: (Origin) -> Origin) -> [Origin] {
      guard let input = node.inputs[position] else { return all(.other) }
      let (source, start) = sourceAxis(of: axis, value, node, input)
      return passed(input, source, from: start).map(change)
    }
    if let limits = node.operation?.limits(given) { return changed(limits.input) { $0.limited(to: limits.range) } }
    if let scaling = node.operation?.scaling(given), let scale = scaling.scale.first, let shift = scaling.shift.first {
      if scaling.scale.count == 1, shift == 0 { return changed(scaling.input) { $0.scaled(by: scale) } }
      if scaling.scale.allSatisfy({ $0 == 1 }), scaling.shift.allSatisfy({ $0 == shift }) {
        return changed(scaling.input) { $0.shifted(by: shift) }
      }
    }
    switch node.role {
    case .sigmoid: return all(.sigmoid(value))
    case .softmax: return all(.softmax(value))
    case .ranking where info.elementType.storage == .int64: return all(.integer(least: 0, greatest: nil))
    case .identity, .selection, .rearrangement, .ranking, .pooling:
      guard let input = node.inputs.first ?? nil else { return all(.other) }
      if axis == nil, let part = part(value, node, input) {
        let found = origins(of: input, axis: part.axis)
        return [part.indices.allSatisfy(found.indices.contains) ? shared(part.indices.map { found[$0] }) : .other]
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
    guard case .elementwise = axes(of: node) else { return all(.other) }
    if let input = masked(node, info.shape) {
      let (source, start) = sourceAxis(of: axis, value, node, input)
      return passed(input, source, from: start)
    }
    // Scores multiplied are scores.
    let factors = computed.filter { infos[$0]?.elementType.isFloatingPoint == true }
    guard node.role == .other, factors.count > 1 else { return all(.other) }
    var product = all(.other)
    for (place, factor) in factors.enumerated() {
      let (source, start) = sourceAxis(of: axis, value, node, factor)
      let found = passed(factor, source, from: start)
      product = zip(product, found).map { before, own in place == 0 || before.isScore ? own : .other }
      guard product.contains(where: \.isScore) else { return all(.other) }
    }
    return product
  }

  /// What constants are, if they are whole numbers.
  private static func integers(_ tensor: Tensor) -> Origin? {
    guard (1...greatestCount).contains(tensor.shape.count) else { return nil }
    if tensor.elementType.storage == .int64 {
      return .integer(least: Int(tensor.integers.min()!), greatest: Int(tensor.integers.max()!))
    }
    guard tensor.elementType.isFloatingPoint else { return nil }
    let numbers = tensor.floats.map { Int(exactly: $0) }
    guard numbers.allSatisfy({ $0.map { (-greatestCount...greatestCount).contains($0) } ?? false }) else { return nil }
    return .integer(least: numbers.map { $0! }.min(), greatest: numbers.map { $0! }.max())
  }

  /// What an operator says of the boxes that it selects: the numbers of the picture, of the class and of the box.
  private func selected(by selection: BoxSelection, _ node: Node, _ axis: Int?, _ info: ValueInfo) -> [Origin]? {
    guard let axis, info.elementType.storage == .int64, info.shape.rank == 2, axis == 1, info.shape[1] == 3,
      node.inputs.indices.contains(selection.scores),
      let scores = node.inputs[selection.scores].flatMap({ infos[$0]?.shape }), scores.rank == 3
    else { return nil }
    return [scores[0], scores[selection.classAxis], scores[3 - selection.classAxis]].map {
      .integer(least: 0, greatest: $0 - 1)
    }
  }

  /// The only input of which a node passes on the elements, or a constant instead, as a mask says.
  private func masked(_ node: Node, _ shape: Shape) -> ValueID? {
    let computed = node.inputs.compactMap { $0 }.filter { infos[$0].map { $0.constant == nil } ?? false }
    let passed = computed.filter { infos[$0]!.elementType != .bool }
    guard node.role == .other, node.inputs.count == 3, passed.count == 1, computed.count == 2,
      infos[passed[0]]!.shape == shape
    else { return nil }
    return passed[0]
  }

  /// Where one number along an axis comes from: through a node that only moves elements, leaves some out or fills some
  /// in; nil if nothing or anything else computes it.
  func step(back value: ValueID, axis: Int, number: Int) -> (value: ValueID, axis: Int, number: Int)? {
    guard let index = producers[value], let info = infos[value], info.constant == nil else { return nil }
    let node = graph.nodes[index]
    var input: ValueID?, number = number
    switch node.role {
    case .identity, .selection, .rearrangement: input = node.inputs.first ?? nil
    case .concatenation:
      guard case .joined(let along) = axes(of: node) else { return nil }
      for part in node.inputs.compactMap({ $0 }) {
        guard let extent = infos[part]?.shape[axis] else { return nil }
        if along != axis ? infos[part]!.constant == nil : number < extent { return (part, axis, number) }
        if along == axis { number -= extent }
      }
    case .other: if case .elementwise = axes(of: node) { input = masked(node, info.shape) }
    default: break
    }
    guard let input, infos[input] != nil else { return nil }
    let (source, start) = sourceAxis(of: axis, value, node, input)
    return source.flatMap { source in start.map { (input, source, $0 + number) } }
  }

  /// The origin that all have in common.
  private func shared(_ origins: some Collection<Origin>) -> Origin {
    guard let first = origins.first else { return .other }
    if origins.allSatisfy({ $0 == first }) { return first }
    var (least, greatest): (Int?, Int?) = (.max, .min)
    for origin in origins {
      guard case .integer(let low, let high) = origin else { return .other }
      least = least.flatMap { least in low.map { min(least, $0) } }
      greatest = greatest.flatMap { greatest in high.map { max(greatest, $0) } }
    }
    return .integer(least: least, greatest: greatest)
  }

  private func axes(of node: Node) -> AxisMapping { node.axes { infos[$0] } }

  /// Those of values that are joined: one after another, or what they have in common.
  private func joined(_ node: Node, _ axis: Int?) -> [Origin]? {
    guard case .joined(let along) = axes(of: node) else { return nil }
    let all = node.inputs.compactMap { $0 }.filter { infos[$0].map { $0.shape.count > 0 } ?? true }
    // Constants only fill up.
    let computed = along == axis ? all : all.filter { infos[$0]?.constant == nil }
    let parts = (computed.isEmpty ? all : computed).map { origins(of: $0, axis: axis) }
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
      if let part = part(value, node, input), part.axis == source { return (source, part.indices.first) }
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

  /// The axis along which a result has only some indices of an input, and which; nil if it has all, or leaves out some
  /// along several axes.
  private func part(_ value: ValueID, _ node: Node, _ input: ValueID) -> (axis: Int, indices: [Int])? {
    guard node.role == .selection, let after = infos[value]?.shape, let before = infos[input]?.shape else { return nil }
    let axes = axes(of: node)
    if case .gathered(let axis, let indices, _) = axes { return (axis, indices) }
    guard after.rank == before.rank else { return nil }
    let changed = after.dimensions.indices.filter { after[$0] != before[$0] }
    guard changed.count == 1, let axis = changed.first else { return nil }
    if case .sliced(let starts, let steps) = axes {
      let start = starts[axis], isInside = start >= 0 && start + after[axis] <= before[axis]
      return steps[axis] == 1 && isInside ? (axis, Array(start..<start + after[axis])) : nil
    }
    let parts = node.outputs.map { $0.flatMap { infos[$0]?.shape[axis] } ?? 0 }
    guard parts.count > 1, parts.reduce(0, +) == before[axis], let position = node.outputs.firstIndex(of: value) else {
      return nil
    }
    let start = parts[..<position].reduce(0, +)
    return (axis, Array(start..<start + after[axis]))
  }
}
