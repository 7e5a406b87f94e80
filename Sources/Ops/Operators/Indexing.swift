import CKernels
import Graph

let indexingOperators: [OperatorEntry] = [
  OperatorEntry("Gather", inputs: 2...2) { reader in Gather(indexing: .slices(axis: try reader.int("axis", default: 0)))
  },
  OperatorEntry("GatherElements", since: 11, inputs: 2...2) { reader in
    Gather(indexing: .elements(axis: try reader.int("axis", default: 0)))
  },
  OperatorEntry("GatherND", since: 11, inputs: 2...2) { reader in
    Gather(indexing: .tuples(batchRank: try reader.int("batch_dims", default: 0)))
  },
  OperatorEntry("Scatter", since: 9, inputs: 3...3) { reader in
    Scatter(indexing: .elements(axis: try reader.int("axis", default: 0)), reduction: .none)
  },
  OperatorEntry("ScatterElements", since: 11, inputs: 3...3) { reader in
    Scatter(
      indexing: .elements(axis: try reader.int("axis", default: 0)),
      reduction: try reader.choice("reduction", default: .none))
  },
  OperatorEntry("ScatterND", since: 11, inputs: 3...3) { reader in
    Scatter(indexing: .tuples(batchRank: 0), reduction: try reader.choice("reduction", default: .none))
  },
  OperatorEntry("OneHot", since: 9, inputs: 3...3) { reader in OneHot(axis: try reader.int("axis", default: -1)) },
  OperatorEntry("ReverseSequence", since: 10, inputs: 2...2) { reader in
    ReverseSequence(
      batchAxis: try reader.int("batch_axis", default: 1), timeAxis: try reader.int("time_axis", default: 0))
  },
]

/// How an index tensor points into another tensor.
enum Indexing: Sendable {
  /// Every index selects a slice along the axis: Gather.
  case slices(axis: Int)
  /// Every index replaces its own position along the axis: GatherElements, ScatterElements.
  case elements(axis: Int)
  /// The last axis of the index tensor holds the leading coordinates of a block: GatherND, ScatterND.
  case tuples(batchRank: Int)

  /// The blocks of a tensor that an index tensor selects, and their combined shape.
  ///
  /// Throws `badData` if the shapes do not fit.
  func blocks(of data: Shape, indices: Shape) throws -> (table: BlockTable, shape: Shape) {
    switch self {
    case .slices(let axis):
      let axis = try data.axis(axis)
      let inner = data.count(axis + 1..<data.rank)
      let extents = data.dimensions
      let shape = try Shape(checked: extents[..<axis] + indices.dimensions + extents[(axis + 1)...])
      let outer = shape.count > 0 ? data.count(0..<axis) : 0
      let table = BlockTable(
        box: [.init(extent: outer, stride: data[axis] * inner), .init(extent: indices.count, stride: 0)],
        tupleCount: indices.count, coordinates: [.init(extent: data[axis], stride: inner)], blockCount: inner)
      return (table, shape)
    case .elements(let axis):
      let axis = try data.axis(axis)
      guard indices.rank == data.rank,
        data.dimensions.indices.allSatisfy({ $0 == axis || indices[$0] <= data[$0] })
      else { throw GradCAMError(.badData, problem: "indices of shape \(indices) do not fit a tensor of shape \(data)") }
      var strides = data.strides
      let stride = strides[axis]
      strides[axis] = 0
      let table = BlockTable(
        box: box(indices, strides: strides), tupleCount: indices.count,
        coordinates: [.init(extent: data[axis], stride: stride)], blockCount: 1)
      return (table, indices)
    case .tuples(let batchRank):
      guard let length = indices.dimensions.last, length >= 1, batchRank >= 0, batchRank < indices.rank,
        batchRank + length <= data.rank,
        data.dimensions[..<batchRank] == indices.dimensions[..<batchRank]
      else { throw GradCAMError(.badData, problem: "indices of shape \(indices) do not fit a tensor of shape \(data)") }
      let inner = data.dimensions[(batchRank + length)...]
      let tuples = Shape(indices.dimensions.dropLast())
      let strides = data.strides
      let still = tuples.dimensions.indices.map { $0 < batchRank ? strides[$0] : 0 }
      let table = BlockTable(
        box: box(tuples, strides: still), tupleCount: tuples.count,
        coordinates: (batchRank..<batchRank + length).map { .init(extent: data[$0], stride: strides[$0]) },
        blockCount: Shape(Array(inner)).count)
      return (table, try Shape(checked: tuples.dimensions + inner))
    }
  }

  private func box(_ shape: Shape, strides: [Int]) -> [BlockTable.Coordinate] {
    zip(shape.dimensions, strides).map { BlockTable.Coordinate(extent: $0, stride: $1) }
  }
}

/// The offsets of equal-sized blocks of a tensor, to which an index tensor adds.
struct BlockTable: Sendable {
  struct Coordinate: Sendable { let extent, stride: Int }

  /// The axes along which the blocks lie before an index is added to their offsets, in row-major order.
  let box: [Coordinate]
  /// The number of index tuples: block `k` takes tuple `k % tupleCount`.
  let tupleCount: Int
  /// The axes that the numbers of a tuple index.
  let coordinates: [Coordinate]
  /// The number of elements per block.
  let blockCount: Int

  /// The number of blocks.
  var count: Int { box.reduce(1) { $0 * $1.extent } }

  /// Writes the offsets of the blocks; a negative index counts from the end.
  ///
  /// Throws `badData` if an index is out of range.
  func resolve(_ indices: UnsafePointer<Int64>, into offsets: UnsafeMutablePointer<Int>) throws {
    let length = coordinates.count
    var tuple = 0, base = 0, place = [Int](repeating: 0, count: box.count)
    for block in 0..<count {
      var offset = base
      for (position, coordinate) in coordinates.enumerated() {
        let index = Int(indices[tuple * length + position])
        guard index >= -coordinate.extent, index < coordinate.extent else {
          throw GradCAMError(.badData, problem: "index \(index) lies outside an axis of \(coordinate.extent)")
        }
        offset += (index < 0 ? index + coordinate.extent : index) * coordinate.stride
      }
      offsets[block] = offset
      tuple = tuple + 1 == tupleCount ? 0 : tuple + 1
      for axis in box.indices.reversed() {
        place[axis] += 1
        base += box[axis].stride
        if place[axis] < box[axis].extent { break }
        base -= place[axis] * box[axis].stride
        place[axis] = 0
      }
    }
  }

  /// The offsets, nil if the indices are not known.
  func resolved(_ indices: ValueInfo) throws -> [Int]? {
    guard let integers = indices.constant?.integers else { return nil }
    var offsets = [Int](repeating: 0, count: count)
    try integers.withUnsafeBufferPointer { integers in
      guard let base = integers.baseAddress else { return }
      try offsets.withUnsafeMutableBufferPointer { try resolve(base, into: $0.baseAddress!) }
    }
    return offsets
  }

  /// The scratch memory for offsets that are not known before the run.
  var byteCount: Int { count * MemoryLayout<Int>.size }

  /// Calls `body` with the offsets, computed in scratch memory if they are not known.
  func withOffsets(
    _ known: [Int]?, _ indices: @autoclosure () -> UnsafePointer<Int64>, scratch: UnsafeMutableRawPointer,
    _ body: (UnsafePointer<Int>) throws -> Void
  ) throws {
    if let known {
      try known.withUnsafeBufferPointer { if let base = $0.baseAddress { try body(base) } }
    } else {
      let offsets = scratch.assumingMemoryBound(to: Int.self)
      try resolve(indices(), into: offsets)
      try body(offsets)
    }
  }

  /// The number of blocks per task.
  var grain: Int { max(1, movementGrain / max(1, blockCount)) }

  /// Copies the blocks at the given offsets one after another.
  func gather(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, at offsets: UnsafePointer<Int>,
    storage: ElementType.Storage, pool: ThreadPool
  ) {
    let size = storage.byteCount
    pool.parallelRanges(count, grain: grain) { range in
      gather_blocks(
        source, target + range.lowerBound * blockCount * size, offsets + range.lowerBound, range.count, blockCount, size
      )
    }
  }
}

func requireIntegers(_ info: ValueInfo) throws {
  guard info.elementType.storage == .int64 else {
    throw GradCAMError(.badData, problem: "the indices are of type \(info.elementType)")
  }
}

/// Gather, GatherElements and GatherND.
struct Gather: DifferentiableOperator {
  let indexing: Indexing

  var role: OperatorRole { .selection }
  var locatingInputs: Set<Int> { [1] }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .moved : nil }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    if case .elements(let index) = indexing, let data = inputs[0]?.shape, let axis = try? data.axis(index) {
      return sharedIndices(inputs, axis).map { .gathered(axis: axis, indices: $0, shape: [$0.count]) }
        ?? .kept(rank: data.rank, except: [axis])
    }
    guard let data = inputs[0]?.shape, let indices = inputs[1]?.shape else { return .unknown }
    if case .tuples(0) = indexing, indices.dimensions.last == 1, data.rank > 0,
      let known = inputs[1]?.constant?.integers
    {
      return .gathered(axis: 0, indices: places(known, of: data[0]), shape: Shape(indices.dimensions.dropLast()))
    }
    guard case .slices(let index) = indexing, let axis = try? data.axis(index) else { return .unknown }
    if let known = inputs[1]?.constant?.integers {
      return .gathered(axis: axis, indices: places(known, of: data[axis]), shape: indices)
    }
    let labels = Array(0..<data.rank)
    // What the axes of the index tensor stand for is not known.
    return .labelled(
      [labels, []], result: labels[..<axis] + (0..<indices.rank).map { -1 - $0 } + labels[(axis + 1)...])
  }

  /// The indices along an axis, if they are known and the same at all other positions of the data.
  private func sharedIndices(_ inputs: NodeInputs, _ axis: Int) -> [Int]? {
    guard let data = inputs[0]?.shape, let indices = inputs[1]?.shape, let known = inputs[1]?.constant?.integers,
      indices.count > 0, indices.reduced(over: [axis]) == data.reduced(over: [axis])
    else { return nil }
    let stride = indices.strides[axis], count = indices[axis]
    let shared = (0..<count).map { known[$0 * stride] }
    guard known.indices.allSatisfy({ known[$0] == shared[$0 / stride % count] }) else { return nil }
    return places(shared, of: data[axis])
  }

  /// Indices along an axis of an extent, of which negative ones count from its end.
  private func places(_ indices: [Int64], of extent: Int) -> [Int] {
    indices.map { Int($0).asPosition + ($0 < 0 ? extent : 0) }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let data = try inputs.required(0), indices = try inputs.required(1)
    try requireIntegers(indices)
    return [ValueInfo(data.elementType, try indexing.blocks(of: data.shape, indices: indices.shape).shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let indices = try inputs.required(1)
    let table = try indexing.blocks(of: inputs.required(0).shape, indices: indices.shape).table
    let known = try table.resolved(indices)
    let storage = outputs[0].elementType.storage
    return Kernel("gather", scratchByteCount: known == nil ? table.byteCount : 0) { run in
      try table.withOffsets(known, run.input(1, as: Int64.self), scratch: run.scratch) { offsets in
        table.gather(from: run.inputs[0]!, to: run.outputs[0]!, at: offsets, storage: storage, pool: run.pool)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let data = try inputs.required(0), indices = try inputs.required(1)
    let table = try indexing.blocks(of: data.shape, indices: indices.shape).table
    let known = try table.resolved(indices)
    let byteCount = data.shape.count * MemoryLayout<Float>.size
    return GradientRule(
      "gather", readsInputs: known == nil ? [1] : [], scratchByteCount: known == nil ? table.byteCount : 0
    ) { run in
      clear(run.inputGradient(0), byteCount: byteCount, pool: run.pool)
      try table.withOffsets(known, run.input(1, as: Int64.self), scratch: run.scratch) { offsets in
        scatter_add_blocks(run.outputGradient, run.inputGradient(0), offsets, table.count, table.blockCount)
      }
    }
  }
}

struct OneHot: Operator {
  let axis: Int

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  private func geometry(_ inputs: NodeInputs) throws -> (axis: Int, shape: Shape) {
    let indices = try inputs.required(0).shape
    let axis = try Shape([1] + indices.dimensions).axis(axis)
    var extents = indices.dimensions
    extents.insert(try inputs.requiredInteger(1), at: axis)
    return (axis, try Shape(checked: extents))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let values = try inputs.required(2)
    let indices = try inputs.required(0).elementType
    guard indices.isNumeric else { throw unsupportedType(indices) }
    guard values.shape.count == 2 else {
      throw GradCAMError(.badData, problem: "the values have shape \(values.shape), not two elements")
    }
    return [ValueInfo(values.elementType, try geometry(inputs).shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let (axis, shape) = try geometry(inputs)
    let (depth, inner) = (shape[axis], shape.count(axis + 1..<shape.rank))
    let count = try inputs.required(0).shape.count
    let isFloat = try inputs.required(0).elementType.isFloatingPoint
    let storage = outputs[0].elementType.storage
    let size = storage.byteCount
    let fill = StridedMap(axes: [.init(extent: shape.count, source: 0, target: 1)])
    return Kernel("one-hot") { run in
      let values = run.inputs[2]!, output = run.outputs[0]!
      fill.copy(from: values, to: output, storage: storage, pool: run.pool)
      for position in 0..<count {
        let index =
          isFloat
          ? Int(exactly: run.input(0)[position].rounded(.towardZero)) ?? depth
          : Int(run.input(0, as: Int64.self)[position])
        guard index >= -depth, index < depth else { continue }
        let hot = index < 0 ? index + depth : index
        let place = (position / inner * depth + hot) * inner + position % inner
        (output + place * size).copyMemory(from: values + size, byteCount: size)
      }
    }
  }
}

struct ReverseSequence: DifferentiableOperator {
  let batchAxis, timeAxis: Int

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .moved : nil }

  func axes(_ inputs: NodeInputs) -> AxisMapping { .kept(rank: inputs[0]?.shape.rank ?? 0, except: [timeAxis]) }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), lengths = try inputs.required(1)
    guard x.shape.rank >= 2, Set([batchAxis, timeAxis]) == [0, 1] else {
      throw GradCAMError(
        .badData, problem: "batch axis \(batchAxis) and time axis \(timeAxis) do not fit a tensor of shape \(x.shape)")
    }
    try requireIntegers(lengths)
    guard lengths.shape == [x.shape[batchAxis]] else {
      throw GradCAMError(.badData, problem: "lengths of shape \(lengths.shape) do not fit a tensor of shape \(x.shape)")
    }
    return [ValueInfo(x.elementType, x.shape)]
  }

  /// Writes the offset in the input of each block of the output.
  private func resolve(_ lengths: UnsafePointer<Int64>, shape: Shape, into offsets: UnsafeMutablePointer<Int>) throws {
    let strides = shape.strides
    for batch in 0..<shape[batchAxis] {
      let length = Int(lengths[batch])
      guard (0...shape[timeAxis]).contains(length) else {
        throw GradCAMError(.badData, problem: "a sequence of \(length) does not fit an axis of \(shape[timeAxis])")
      }
      for time in 0..<shape[timeAxis] {
        let block = batchAxis == 0 ? batch * shape[1] + time : time * shape[1] + batch
        let source = time < length ? length - 1 - time : time
        offsets[block] = batch * strides[batchAxis] + source * strides[timeAxis]
      }
    }
  }

  /// The blocks that are exchanged; no index is added to them.
  private func table(_ shape: Shape) -> BlockTable {
    BlockTable(
      box: [.init(extent: shape[0] * shape[1], stride: 0)], tupleCount: 1, coordinates: [],
      blockCount: shape.count(2..<shape.rank))
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shape = outputs[0].shape
    let table = table(shape)
    let storage = outputs[0].elementType.storage
    return Kernel("reverse-sequence", scratchByteCount: table.byteCount) { run in
      let offsets = run.scratch.assumingMemoryBound(to: Int.self)
      try resolve(run.input(1, as: Int64.self), shape: shape, into: offsets)
      table.gather(from: run.inputs[0]!, to: run.outputs[0]!, at: offsets, storage: storage, pool: run.pool)
    }
  }

  // Reversing twice changes nothing, so the rule repeats the forward pass.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shape = outputs[0].shape
    let table = table(shape)
    return GradientRule("reverse-sequence", readsInputs: [1], scratchByteCount: table.byteCount) { run in
      let offsets = run.scratch.assumingMemoryBound(to: Int.self)
      try resolve(run.input(1, as: Int64.self), shape: shape, into: offsets)
      table.gather(from: run.outputGradient, to: run.inputGradient(0), at: offsets, storage: .float32, pool: run.pool)
    }
  }
}
