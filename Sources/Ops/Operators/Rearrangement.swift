import Graph

let rearrangementOperators: [OperatorEntry] = [
  OperatorEntry("Transpose", inputs: 1...1) { reader in Transpose(permutation: try reader.ints("perm")) },
  OperatorEntry("Concat", inputs: 1...Int.max, make: Concat.make),
  OperatorEntry("Split", inputs: 1...2, make: Split.make),
  OperatorEntry("Slice", inputs: 1...5, make: StridedSlice.make),
  OperatorEntry("Crop", inputs: 1...1, make: StridedSlice.makeCrop),
  OperatorEntry("Expand", since: 8, inputs: 2...2) { _ in Expand() },
  OperatorEntry("Tile", inputs: 2...3) { reader in Tile(hasAxis: reader.opset < 6) },
  OperatorEntry("DepthToSpace", inputs: 1...1, make: BlockRearrangement.makeDepthToSpace),
  OperatorEntry("SpaceToDepth", inputs: 1...1, make: BlockRearrangement.makeSpaceToDepth),
  OperatorEntry("CenterCropPad", since: 18, inputs: 2...2) { reader in CenterCropPad(axes: try reader.ints("axes")) },
  OperatorEntry("Trilu", since: 14, inputs: 1...2) { reader in
    Triangle(isUpper: try reader.flag("upper", default: true))
  },
]

extension StridedMap {
  /// Maps all elements of a dense tensor to others with the given strides.
  init(fromDense shape: Shape, targetStrides: [Int], targetOffset: Int = 0) {
    let axes = zip(shape.dimensions, zip(shape.strides, targetStrides))
    self.init(axes: axes.map { Axis(extent: $0, source: $1.0, target: $1.1) }, targetOffset: targetOffset)
  }

  /// Maps elements with the given strides to all elements of a dense tensor.
  init(toDense shape: Shape, sourceStrides: [Int], sourceOffset: Int = 0) {
    let axes = zip(shape.dimensions, zip(sourceStrides, shape.strides))
    self.init(axes: axes.map { Axis(extent: $0, source: $1.0, target: $1.1) }, sourceOffset: sourceOffset)
  }
}

struct Transpose: MovementOperator {
  let permutation: [Int]?

  var role: OperatorRole { .rearrangement }

  private func axes(of shape: Shape) throws -> [Int] {
    guard let permutation else { return shape.dimensions.indices.reversed() }
    let axes = try shape.axes(permutation)
    guard axes.count == shape.rank else {
      throw GradCAMError(.badData, problem: "\(permutation) does not permute the axes of shape \(shape)")
    }
    return axes
  }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let shape = inputs[0]?.shape, let order = try? axes(of: shape) else { return .unknown }
    return .labelled([Array(order.indices)], result: order)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    return [ValueInfo(x.elementType, Shape(try axes(of: x.shape).map { x.shape[$0] }))]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let shape = try inputs.required(0).shape
    let strides = shape.strides
    return Movement(moves: [
      Move(map: StridedMap(toDense: outputs[0].shape, sourceStrides: try axes(of: shape).map { strides[$0] }))
    ])
  }
}

struct Concat: MovementOperator {
  let axis: Int

  static func make(_ reader: inout AttributeReader) throws -> Self {
    guard let axis = try reader.int("axis") ?? (reader.opset < 4 ? 1 : nil) else {
      throw GradCAMError(.badData, problem: "attribute 'axis' is missing")
    }
    return Concat(axis: axis)
  }

  var role: OperatorRole { .concatenation }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    (try? inputs.required(0).shape.axis(axis)).map { .joined(axis: $0) } ?? .unknown
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let parts = try inputs.all()
    var result = try inputs.required(0)
    let axis = try result.shape.axis(axis)
    for part in parts.dropFirst() {
      var matching = part.shape
      if matching.rank == result.shape.rank { matching.dimensions[axis] = result.shape[axis] }
      guard matching == result.shape, part.elementType.storage == result.elementType.storage else {
        throw GradCAMError(.badData, problem: "shapes \(parts.map(\.shape)) cannot be joined along axis \(axis)")
      }
    }
    result.shape.dimensions[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    return [ValueInfo(result.elementType, result.shape)]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let strides = outputs[0].shape.strides
    let axis = try outputs[0].shape.axis(axis)
    var offset = 0
    let moves = try inputs.all().enumerated().map { index, part in
      defer { offset += part.shape[axis] * strides[axis] }
      return Move(input: index, map: StridedMap(fromDense: part.shape, targetStrides: strides, targetOffset: offset))
    }
    return Movement(moves: moves)
  }
}

struct Split: MovementOperator {
  var role: OperatorRole { .selection }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    (try? inputs.required(0).shape.axis(axis)).map { .split(axis: $0) } ?? .unknown
  }

  let axis: Int
  /// The extents if they are an attribute.
  let extents: [Int]?
  let partCount: Int

  static func make(_ reader: inout AttributeReader) throws -> Self {
    Split(
      axis: try reader.int("axis", default: 0), extents: try reader.ints("split"),
      partCount: try reader.int("num_outputs") ?? reader.node.outputs.count)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let axis = try x.shape.axis(axis)
    let whole = x.shape[axis]
    var parts: [Int]
    if let given = try extents ?? inputs.integers(1) {
      parts = given
    } else {
      guard partCount > 0, partCount <= max(1, whole) else {
        throw GradCAMError(.badData, problem: "an axis of \(whole) cannot be split into \(partCount) parts")
      }
      let extent = (whole + partCount - 1) / partCount
      parts = (0..<partCount).map { max(0, min(extent, whole - $0 * extent)) }
    }
    guard parts.allSatisfy({ (0...whole).contains($0) }), parts.reduce(0, &+) == whole else {
      throw GradCAMError(.badData, problem: "parts of \(parts) do not make up an axis of \(whole)")
    }
    return parts.map { part in
      var shape = x.shape
      shape.dimensions[axis] = part
      return ValueInfo(x.elementType, shape)
    }
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let strides = try inputs.required(0).shape.strides
    let axis = try inputs.required(0).shape.axis(axis)
    var offset = 0
    let moves = try infer(inputs).prefix(outputs.count).enumerated().map { index, part in
      defer { offset += part.shape[axis] * strides[axis] }
      return Move(output: index, map: StridedMap(toDense: part.shape, sourceStrides: strides, sourceOffset: offset))
    }
    return Movement(moves: moves)
  }
}

struct StridedSlice: MovementOperator {
  var role: OperatorRole { .selection }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let runs = try? runs(inputs) else { return .unknown }
    return .sliced(starts: runs.map(\.start), steps: runs.map(\.step))
  }

  /// The parameters if they are attributes, before opset 10.
  struct Bounds {
    var starts, ends: [Int]
    var axes: [Int]?
    var steps: [Int]?
  }

  let attributes: Bounds?

  static func make(_ reader: inout AttributeReader) throws -> Self {
    guard reader.opset < 10 else { return StridedSlice(attributes: nil) }
    guard let starts = try reader.positions("starts"), let ends = try reader.positions("ends") else {
      throw GradCAMError(.badData, problem: "attribute 'starts' or 'ends' is missing")
    }
    return StridedSlice(attributes: Bounds(starts: starts, ends: ends, axes: try reader.ints("axes")))
  }

  /// Crop, removed in opset 10: cuts off borders (left, top, right, bottom), or cuts out an extent (height, width).
  static func makeCrop(_ reader: inout AttributeReader) throws -> Self {
    guard let border = try reader.ints("border"), border.count == 4, border.allSatisfy({ $0 >= 0 }) else {
      throw GradCAMError(.badData, at: "attribute 'border'", problem: "is not four extents")
    }
    let starts = [border[1], border[0]]
    var ends = [border[3], border[2]].map { $0 == 0 ? Int.max : -$0 }
    if let extent = try reader.ints("scale") {
      guard extent.count == 2, (extent + starts).allSatisfy({ (0...1 << 24).contains($0) }) else {
        throw GradCAMError(.badData, at: "attribute 'scale'", problem: "is not two extents")
      }
      ends = zip(starts, extent).map(+)
    }
    return StridedSlice(attributes: Bounds(starts: starts, ends: ends, axes: [2, 3]))
  }

  /// Where an axis starts, how far it steps and how many elements it keeps.
  private struct Run {
    var start = 0, step = 1
    var extent: Int
  }

  private func runs(_ inputs: NodeInputs) throws -> [Run] {
    let shape = try inputs.required(0).shape
    let bounds =
      try attributes
      ?? Bounds(
        starts: inputs.requiredPositions(1), ends: inputs.requiredPositions(2), axes: inputs.integers(3),
        steps: inputs.positions(4))
    let axes = try shape.axes(bounds.axes ?? Array(bounds.starts.indices))
    let steps = bounds.steps ?? axes.map { _ in 1 }
    guard bounds.starts.count == axes.count, bounds.ends.count == axes.count, steps.count == axes.count else {
      throw GradCAMError(.badData, problem: "starts, ends, axes and steps differ in length")
    }
    var runs = shape.dimensions.map { Run(extent: $0) }
    for (index, axis) in axes.enumerated() {
      let extent = shape[axis]
      guard steps[index] != 0 else { throw GradCAMError(.badData, problem: "the step is zero") }
      let step = max(-max(extent, 1), min(max(extent, 1), steps[index]))
      let range = step > 0 ? 0...extent : -1...max(extent - 1, -1)
      func clamped(_ bound: Int) -> Int {
        max(range.lowerBound, min(range.upperBound, bound < 0 ? bound + extent : bound))
      }
      let start = clamped(bounds.starts[index]), end = clamped(bounds.ends[index])
      let distance = step > 0 ? end - start : start - end
      runs[axis] = Run(start: start, step: step, extent: max(0, (distance + abs(step) - 1) / abs(step)))
    }
    return runs
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    return [ValueInfo(x.elementType, Shape(try runs(inputs).map(\.extent)))]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let strides = try inputs.required(0).shape.strides
    let runs = try runs(inputs)
    let map = StridedMap(
      toDense: outputs[0].shape, sourceStrides: zip(runs, strides).map { $0.step * $1 },
      sourceOffset: zip(runs, strides).reduce(0) { $0 + $1.0.start * $1.1 })
    return Movement(moves: [Move(map: map)])
  }
}

struct Expand: MovementOperator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let shape = try Shape(checked: inputs.requiredIntegers(1))
    return [ValueInfo(x.elementType, try Shape(checked: x.shape.broadcast(with: shape).dimensions))]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let shape = try inputs.required(0).shape
    let strides = zip(shape.dimensions, shape.strides).map { $0 == 1 ? 0 : $1 }
    let added = [Int](repeating: 0, count: outputs[0].shape.rank - shape.rank)
    let map = StridedMap(toDense: outputs[0].shape, sourceStrides: added + strides)
    return Movement(moves: [Move(map: map)], isInjective: false)
  }
}

struct Tile: MovementOperator {
  /// Whether the inputs are a number of tiles and an axis, before opset 6.
  let hasAxis: Bool

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let repeats = try? repeats(inputs) else { return .unknown }
    return .labelled(
      [Array(repeats.indices), []], result: repeats.enumerated().map { $1 == 1 ? $0 : repeats.count + $0 })
  }

  private func repeats(_ inputs: NodeInputs) throws -> [Int] {
    let shape = try inputs.required(0).shape
    if hasAxis {
      var repeats = shape.dimensions.map { _ in 1 }
      repeats[try shape.axis(inputs.requiredInteger(2))] = try inputs.requiredInteger(1)
      return repeats
    }
    let repeats = try inputs.requiredIntegers(1)
    guard repeats.count == shape.rank, repeats.allSatisfy({ $0 >= 0 }) else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(shape) cannot be repeated \(repeats) times")
    }
    return repeats
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let extents = try zip(x.shape.dimensions, repeats(inputs)).map { try Shape(checked: [$0, $1]).count }
    return [ValueInfo(x.elementType, try Shape(checked: extents))]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let shape = try inputs.required(0).shape
    let split = Shape(zip(try repeats(inputs), shape.dimensions).flatMap { [$0, $1] })
    let map = StridedMap(toDense: split, sourceStrides: shape.strides.flatMap { [0, $0] })
    return Movement(moves: [Move(map: map)], isInjective: false)
  }
}

/// DepthToSpace and its inverse.
struct BlockRearrangement: MovementOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  enum Mode: String, CaseIterable {
    case depthFirst = "DCR"
    case columnFirst = "CRD"
  }

  let blockSize: Int
  let mode: Mode
  let toSpace: Bool

  static func makeDepthToSpace(_ reader: inout AttributeReader) throws -> Self { try make(&reader, toSpace: true) }

  static func makeSpaceToDepth(_ reader: inout AttributeReader) throws -> Self { try make(&reader, toSpace: false) }

  private static func make(_ reader: inout AttributeReader, toSpace: Bool) throws -> Self {
    let blockSize = try reader.int("blocksize", default: 0)
    guard (1...1 << 15).contains(blockSize) else {
      throw GradCAMError(.badData, at: "attribute 'blocksize'", problem: "is \(blockSize), not a valid block size")
    }
    return BlockRearrangement(
      blockSize: blockSize, mode: try reader.choice("mode", default: .depthFirst), toSpace: toSpace)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let (shape, size) = (x.shape, blockSize)
    guard shape.rank == 4, toSpace ? shape[1] % (size * size) == 0 : shape[2] % size == 0 && shape[3] % size == 0 else {
      throw GradCAMError(.badData, problem: "shape \(shape) does not divide into blocks of \(size)×\(size)")
    }
    return [
      ValueInfo(
        x.elementType,
        toSpace
          ? [shape[0], shape[1] / (size * size), shape[2] * size, shape[3] * size]
          : [shape[0], shape[1] * size * size, shape[2] / size, shape[3] / size])
    ]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let input = try inputs.required(0).shape
    let deep = toSpace ? input : outputs[0].shape, wide = toSpace ? outputs[0].shape : input
    // Axes: batch, channel, row, row in the block, column, column in the block.
    let extents = [wide[0], wide[1], deep[2], blockSize, deep[3], blockSize]
    let area = deep[2] * deep[3]
    let (channel, blockRow, blockColumn) =
      mode == .depthFirst
      ? (area, wide[1] * blockSize * area, wide[1] * area)
      : (blockSize * blockSize * area, blockSize * area, area)
    let map = StridedMap(
      toDense: Shape(extents), sourceStrides: [deep[1] * area, channel, deep[3], blockRow, 1, blockColumn])
    return Movement(moves: [Move(map: toSpace ? map : map.reversed)])
  }
}

/// The operator Trilu: the part of matrices on one side of a diagonal, zero elsewhere.
struct Triangle: MovementOperator {
  let isUpper: Bool

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.shape.rank >= 2 else {
      throw GradCAMError(.badData, problem: "the input has shape \(x.shape) and holds no matrices")
    }
    _ = try inputs.position(1)
    return [ValueInfo(x.elementType, x.shape)]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let shape = outputs[0].shape
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    let diagonal = max(-rows, min(columns, try inputs.position(1) ?? 0))
    let batch = StridedMap.Axis(extent: shape.count(0..<shape.rank - 2), source: rows * columns, target: rows * columns)
    let moves = (0..<rows).compactMap { row -> Move? in
      let edge = max(0, min(columns, row + diagonal + (isUpper ? 0 : 1)))
      let kept = isUpper ? edge..<columns : 0..<edge
      guard !kept.isEmpty else { return nil }
      let offset = row * columns + kept.lowerBound
      return Move(
        map: StridedMap(
          axes: [batch, .init(extent: kept.count, source: 1, target: 1)], sourceOffset: offset, targetOffset: offset))
    }
    return Movement(moves: moves, background: .zeros)
  }
}

struct CenterCropPad: MovementOperator {
  let axes: [Int]?

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let before = inputs[0]?.shape, let after = try? infer(inputs).first?.shape else { return .unknown }
    let starts = zip(before.dimensions, after.dimensions).map { $0 > $1 ? ($0 - $1) / 2 : -(($1 - $0) / 2) }
    return .sliced(starts: starts, steps: starts.map { _ in 1 })
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let axes = try axes.map(x.shape.axes) ?? Array(x.shape.dimensions.indices)
    let sizes = try inputs.requiredIntegers(1)
    guard sizes.count == axes.count else {
      throw GradCAMError(.badData, problem: "sizes \(sizes) do not fit a tensor of shape \(x.shape)")
    }
    var extents = x.shape.dimensions
    for (axis, size) in zip(axes, sizes) { extents[axis] = size }
    return [ValueInfo(x.elementType, try Shape(checked: extents))]
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let input = try inputs.required(0).shape, output = outputs[0].shape
    var map = StridedMap(axes: [])
    for (extents, strides) in zip(zip(input.dimensions, output.dimensions), zip(input.strides, output.strides)) {
      map.axes.append(.init(extent: min(extents.0, extents.1), source: strides.0, target: strides.1))
      map.sourceOffset += max(0, extents.0 - extents.1) / 2 * strides.0
      map.targetOffset += max(0, extents.1 - extents.0) / 2 * strides.1
    }
    return Movement(moves: [Move(map: map)], background: .zeros)
  }
}
