import CKernels
import Graph

/// ScatterElements and ScatterND.
struct Scatter: DifferentiableOperator {
  enum Reduction: String, CaseIterable { case none, add, mul, min, max }

  let indexing: Indexing
  let reduction: Reduction

  var locatingInputs: Set<Int> { [1] }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    switch reduction {
    case .none: .moved
    case .add: .linear
    case .mul, .min, .max: nil
    }
  }

  /// Those of the data; the updates have the same, but for where they are written.
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let data = inputs[0]?.shape, let indices = inputs[1]?.shape, let updates = inputs[2]?.shape else {
      return .unknown
    }
    if let starts = runStarts(inputs) { return .written(starts: starts) }
    let labels = Array(0..<data.rank)
    switch indexing {
    case .elements(let axis):
      guard let axis = try? data.axis(axis) else { return .unknown }
      return .labelled([labels, [], labels.map { $0 == axis ? data.rank : $0 }], result: labels)
    case .tuples, .slices:
      let written = indices.dimensions.last ?? 0
      guard written <= data.rank, updates.rank == indices.rank - 1 + data.rank - written else {
        return .kept(rank: data.rank)
      }
      let places = (0..<indices.rank - 1).map { data.rank + $0 }
      return .labelled([labels, [], places + labels[written...]], result: labels)
    }
  }

  /// Where the updates start along each axis of the data, if known indices write them side by side as they are.
  private func runStarts(_ inputs: NodeInputs) -> [Int]? {
    guard reduction == .none, let data = inputs[0]?.shape, let indices = inputs[1], let updates = inputs[2]?.shape,
      updates.rank == data.rank, data.count > 0, updates.count > 0,
      let (table, shape) = try? indexing.blocks(of: data, indices: indices.shape),
      shape == updates, let offsets = try? table.resolved(indices), let first = offsets.first
    else { return nil }
    let starts = zip(data.strides, data.dimensions).map { first / $0 % $1 }
    guard zip(zip(starts, updates.dimensions), data.dimensions).allSatisfy({ $0.0 + $0.1 <= $1 }) else { return nil }
    let strides = zip(updates.strides, zip(updates.dimensions, data.strides))
    let isRun = offsets.indices.allSatisfy { block in
      let place = block * table.blockCount
      return offsets[block] == strides.reduce(first) { $0 + place / $1.0 % $1.1.0 * $1.1.1 }
    }
    return isRun ? starts : nil
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let data = try inputs.required(0), indices = try inputs.required(1), updates = try inputs.required(2)
    try requireIntegers(indices)
    let shape = try indexing.blocks(of: data.shape, indices: indices.shape).shape
    guard updates.shape == shape, updates.elementType.storage == data.elementType.storage else {
      throw GradCAMError(
        .badData, problem: "updates of shape \(updates.shape) do not fit indices of shape \(indices.shape)")
    }
    return [ValueInfo(data.elementType, data.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let indices = try inputs.required(1)
    let table = try indexing.blocks(of: outputs[0].shape, indices: indices.shape).table
    let known = try table.resolved(indices)
    let storage = outputs[0].elementType.storage
    let whole = StridedMap(axes: [.init(extent: outputs[0].shape.count, source: 1, target: 1)])
    let reduction = reduction
    return Kernel("scatter", scratchByteCount: known == nil ? table.byteCount : 0) { run in
      whole.copy(from: run.inputs[0]!, to: run.outputs[0]!, storage: storage, pool: run.pool)
      try table.withOffsets(known, run.input(1, as: Int64.self), scratch: run.scratch) { offsets in
        if reduction == .none {
          scatter_blocks(
            run.inputs[2]!, run.outputs[0]!, offsets, table.count, table.blockCount, storage.byteCount)
          return
        }
        switch storage {
        case .float32: table.combine(run.input(2), run.output(0), at: offsets, reduction.floatFunction)
        case .int64:
          table.combine(
            run.input(2, as: Int64.self), run.output(0, as: Int64.self), at: offsets, reduction.integerFunction)
        case .bool:
          table.combine(
            run.input(2, as: UInt8.self), run.output(0, as: UInt8.self), at: offsets, reduction.boolFunction)
        case .string: throw unsupportedType(.string)
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard reduction == .none || reduction == .add else { return try reducedGradient(inputs, outputs) }
    let indices = try inputs.required(1)
    let table = try indexing.blocks(of: outputs[0].shape, indices: indices.shape).table
    let known = try table.resolved(indices)
    let passes: Set<Int> = reduction == .add ? wanted.intersection([0]) : []
    let whole = StridedMap(axes: [.init(extent: outputs[0].shape.count, source: 1, target: 1)])
    return GradientRule(
      "scatter", readsInputs: known == nil ? [1] : [], passes: passes,
      scratchByteCount: known == nil ? table.byteCount : 0
    ) { run in
      try table.withOffsets(known, run.input(1, as: Int64.self), scratch: run.scratch) { offsets in
        let dy = run.outputGradient
        if let dData = run.inputGradients[0] {
          whole.copy(from: dy, to: dData, storage: .float32, pool: run.pool)
          for block in 0..<table.count { (dData + offsets[block]).update(repeating: 0, count: table.blockCount) }
        }
        if let dUpdates = run.inputGradients[2] {
          table.gather(from: dy, to: dUpdates, at: offsets, storage: .float32, pool: run.pool)
        }
      }
    }
  }
}

extension Scatter {
  /// The gradient of products and extrema; equal extrema share theirs evenly, as in PyTorch.
  private func reducedGradient(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> GradientRule {
    let indices = try inputs.required(1), count = outputs[0].shape.count
    let table = try indexing.blocks(of: outputs[0].shape, indices: indices.shape).table
    let known = try table.resolved(indices), isProduct = reduction == .mul
    return GradientRule(
      "scatter", readsInputs: [0, 1, 2], readsOutputs: [0], scratchByteCount: known == nil ? table.byteCount : 0
    ) { run in
      try table.withOffsets(known, run.input(1, as: Int64.self), scratch: run.scratch) { offsets in
        let data = run.input(0), updates = run.input(2), y = run.output(0), dy = run.outputGradient
        func forEachUpdate(_ body: (_ update: Int, _ place: Int) -> Void) {
          for block in 0..<table.count {
            for index in 0..<table.blockCount { body(block * table.blockCount + index, Int(offsets[block]) + index) }
          }
        }
        // Of each element, the product of its factors other than 0, and how many are 0 or equal the extremum.
        var products = [Double](repeating: 1, count: isProduct ? count : 0),
          counts = [Float](repeating: 0, count: count)
        func add(_ value: Float, _ place: Int) {
          if value == (isProduct ? 0 : y[place]) {
            counts[place] += 1
          } else if isProduct {
            products[place] *= Double(value)
          }
        }
        for place in 0..<count { add(data[place], place) }
        forEachUpdate { add(updates[$0], $1) }
        func slope(_ value: Float, _ place: Int) -> Float {
          guard isProduct else { return value == y[place] ? dy[place] / counts[place] : 0 }
          let others = counts[place] == (value == 0 ? 1 : 0) ? products[place] / (value == 0 ? 1 : Double(value)) : 0
          return dy[place] * Float(others)
        }
        if let dData = run.inputGradients[0] { for place in 0..<count { dData[place] = slope(data[place], place) } }
        if let dUpdates = run.inputGradients[2] { forEachUpdate { dUpdates[$0] = slope(updates[$0], $1) } }
      }
    }
  }
}

extension Scatter.Reduction {
  fileprivate var floatFunction: (Float, Float) -> Float {
    switch self {
    case .none: { $1 }
    case .add: { $0 + $1 }
    case .mul: { $0 * $1 }
    case .min: { $0.isNaN || $0 < $1 ? $0 : $1 }
    case .max: { $0.isNaN || $0 > $1 ? $0 : $1 }
    }
  }

  fileprivate var integerFunction: (Int64, Int64) -> Int64 {
    switch self {
    case .none: { $1 }
    case .add: { $0 &+ $1 }
    case .mul: { $0 &* $1 }
    case .min: { Swift.min($0, $1) }
    case .max: { Swift.max($0, $1) }
    }
  }

  fileprivate var boolFunction: (UInt8, UInt8) -> UInt8 {
    switch self {
    case .none: { $1 }
    case .add, .max: { $0 | $1 }
    case .mul, .min: { $0 & $1 }
    }
  }
}

extension BlockTable {
  /// Combines the blocks of `source` with those of `target` at the given offsets, in order.
  fileprivate func combine<Element>(
    _ source: UnsafePointer<Element>, _ target: UnsafeMutablePointer<Element>, at offsets: UnsafePointer<Int>,
    _ function: (Element, Element) -> Element
  ) {
    for block in 0..<count {
      let s = source + block * blockCount, t = target + offsets[block]
      for index in 0..<blockCount { t[index] = function(t[index], s[index]) }
    }
  }
}
