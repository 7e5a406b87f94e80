import CKernels
import Graph

let normalizationOperators: [OperatorEntry] = [
  OperatorEntry("BatchNormalization", inputs: 5...5, isDifferentiable: true, making: BatchNormalization.make),
  OperatorEntry("InstanceNormalization", inputs: 3...3) { reader in
    reader.ignore("consumed_inputs")
    return RowNormalization(rows: .instances, epsilon: try reader.float("epsilon", default: 1e-5))
  },
  // Standard from opset 17 on; ONNX Runtime's optimiser writes it into files of any opset.
  OperatorEntry("LayerNormalization", inputs: 2...3) { reader in
    reader.ignore("stash_type")  // the precision of the sums, never below float32 here
    return RowNormalization(
      rows: .trailing(from: try reader.int("axis", default: -1)), epsilon: try reader.float("epsilon", default: 1e-5))
  },
  OperatorEntry("RMSNormalization", since: 23, inputs: 2...2) { reader in
    reader.ignore("stash_type")  // the precision of the sums, never below float32 here
    return RowNormalization(
      rows: .trailing(from: try reader.int("axis", default: -1)), epsilon: try reader.float("epsilon", default: 1e-5),
      isCentred: false)
  },
  OperatorEntry("GroupNormalization", since: 18, inputs: 3...3) { reader in
    reader.ignore("stash_type")  // the precision of the sums, never below float32 here
    guard let count = try reader.int("num_groups"), count > 0 else {
      throw GradCAMError(.badData, at: "attribute 'num_groups'", problem: "is missing or not above 0")
    }
    return RowNormalization(rows: .groups(count), epsilon: try reader.float("epsilon", default: 1e-5))
  },
  OperatorEntry("MeanVarianceNormalization", since: 9, inputs: 1...1) { reader in
    MeanVarianceNormalization(axes: try reader.ints("axes") ?? [0, 2, 3])
  },
  OperatorEntry("LpNormalization", inputs: 1...1) { reader in try LpNormalization(&reader) },
  OperatorEntry("LRN", inputs: 1...1) { reader in try LocalResponseNormalization(&reader) },
]

/// Normalises rows of contiguous elements to mean 0 (if centred) and mean square 1, then scales and shifts them.
struct RowNormalization: DifferentiableOperator {
  /// What a row is, and hence how scale and shift broadcast.
  enum Rows: Sendable {
    /// All elements from an axis on; scale and shift broadcast as usual.
    case trailing(from: Int)
    /// The elements of one channel of one image; scale and shift are given for each channel.
    case instances
    /// The elements of a group of channels of one image; scale and shift are given for each channel or each group.
    case groups(Int)
  }

  private struct Form {
    var rowCount, rowSize: Int
    /// The shape of the result; for `instances` and `groups`, its channels are split into groups.
    var shape: Shape
    /// The shapes of scale and shift, which broadcast to it.
    var parameters: [Shape]
    var statistics: Shape
  }

  let rows: Rows
  let epsilon: Float
  var isCentred = true
  /// Whether the gradient takes each row's deviation for a constant.
  var holdsDeviation = false

  var role: OperatorRole { .normalization }

  func axes(_ inputs: NodeInputs) -> AxisMapping { if case .trailing = rows { .elementwise } else { .channelsFirst } }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    guard wanted == [0] else { return nil }
    var held = self
    held.holdsDeviation = true
    return .scaled(held: held)
  }

  func mixedAxes(of shape: Shape) -> Set<Int>? {
    guard case .trailing(let index) = rows, let axis = try? shape.axis(index) else { return nil }
    return Set(axis..<shape.rank)
  }

  private func form(_ inputs: NodeInputs) throws -> Form {
    let shape = try inputs.required(0).shape,
      given = try ([inputs.required(1)] + [inputs[2]].compactMap { $0 }).map(\.shape)
    switch rows {
    case .trailing(let index):
      let axis = try shape.axis(index)
      for parameter in given {
        guard try parameter.broadcast(with: shape) == shape else {
          throw GradCAMError(.badData, problem: "scale or bias of shape \(parameter) does not broadcast to \(shape)")
        }
      }
      return Form(
        rowCount: shape.count(0..<axis), rowSize: shape.count(axis..<shape.rank), shape: shape, parameters: given,
        statistics: shape.reduced(over: Set(axis..<shape.rank)))
    case .instances: return try channelForm(shape, given, groups: shape.rank > 1 ? shape[1] : 0)
    case .groups(let count): return try channelForm(shape, given, groups: count)
    }
  }

  private func channelForm(_ shape: Shape, _ given: [Shape], groups: Int) throws -> Form {
    guard shape.rank > 1, given.count == 2 else {
      throw GradCAMError(.badData, problem: "an input of shape \(shape) with \(given.count) parameters does not fit")
    }
    let channels = shape[1], area = shape.count(2..<shape.rank)
    guard groups > 0, channels.isMultiple(of: groups) else {
      throw GradCAMError(.badData, problem: "\(channels) channels cannot be split into \(groups) groups")
    }
    let split = Shape([shape[0], groups, channels / groups, area])
    let parameters = try given.map { parameter in
      switch parameter {
      case [channels]: Shape([groups, channels / groups, 1])
      case [groups]: Shape([groups, 1, 1])
      default: throw GradCAMError(.badData, problem: "scale or bias has shape \(parameter) for \(channels) channels")
      }
    }
    return Form(
      rowCount: shape[0] * groups, rowSize: channels / groups * area, shape: split, parameters: parameters,
      statistics: Shape([]))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    try inputs.expectFloats()
    let form = try form(inputs), y = ValueInfo(x.elementType, x.shape)
    guard case .trailing = rows, isCentred else { return [y] }
    return [y, ValueInfo(.float32, form.statistics), ValueInfo(.float32, form.statistics)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let form = try form(inputs), size = form.rowSize, hasBias = form.parameters.count > 1
    let space = BroadcastSpace(form.shape, [form.shape] + form.parameters)
    return Kernel("normalize", placement: .inPlace([0])) { run in
      let x = run.input(0), scale = run.input(1), bias = hasBias ? run.input(2) : nil, y = run.output(0)
      let mean: FloatOutput? = run.outputs.count > 1 && run.outputs[1] != nil ? run.output(1) : nil
      let factor: FloatOutput? = run.outputs.count > 2 && run.outputs[2] != nil ? run.output(2) : nil
      run.pool.parallelRanges(form.rowCount, grain: max(1, elementwiseGrain / max(size, 1))) { rows in
        for row in rows {
          let start = row * size
          let statistics = normalization_statistics(x + start, size, epsilon, isCentred ? 1 : 0)
          normalize_row(x + start, y + start, size, statistics)
          mean?[row] = statistics.mean
          factor?[row] = statistics.factor
          space.forEachTile(in: start..<start + size) { tile in
            let target = y + tile.start, own = UnsafePointer(target)
            if let bias {
              multiply_add_tile(own, scale + tile.offsets[1], bias + tile.offsets[2], target, tile.form)
            } else {
              multiply_tile(own, scale + tile.offsets[1], target, tile.form)
            }
          }
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let form = try form(inputs), size = form.rowSize, count = form.rowCount * size
    let scaling = BroadcastSpace(form.shape, [form.shape, form.parameters[0]])
    let unbroadcasts = form.parameters.map { Unbroadcast($0, from: form.shape) }
    let scratchCount = wanted.subtracting([0]).map { unbroadcasts[$0 - 1].scratchCount }.max() ?? 0
    return GradientRule(
      "normalize", readsInputs: [0, 1], inPlace: wanted == [0], scratchByteCount: scratchCount * 4
    ) { run in
      let x = run.input(0), scale = run.input(1), dy = run.outputGradients[0]
      let dMean = run.outputGradients.count > 1 ? run.outputGradients[1] : nil
      let dFactor = run.outputGradients.count > 2 ? run.outputGradients[2] : nil
      func forEachRow(_ body: (_ row: Int, _ start: Int, row_statistics) -> Void) {
        run.pool.parallelRanges(form.rowCount, grain: max(1, elementwiseGrain / max(size, 1))) { rows in
          for row in rows {
            body(row, row * size, normalization_statistics(x + row * size, size, epsilon, isCentred ? 1 : 0))
          }
        }
      }
      // The parameters first: the gradient of x may overwrite dy.
      if wanted.contains(1) {
        unbroadcasts[0].run(into: run.inputGradient(1), scratch: run.scratchFloats, on: run.pool) { target in
          guard let dy else { return target.update(repeating: 0, count: count) }
          forEachRow { _, start, statistics in
            normalize_row(x + start, target + start, size, statistics)
            multiply_tile(target + start, dy + start, target + start, .dense(size))
          }
        }
      }
      if wanted.contains(2) {
        let target = run.inputGradient(2)
        if let dy {
          unbroadcasts[1].run(summing: dy, into: target, scratch: run.scratchFloats, on: run.pool)
        } else {
          target.update(repeating: 0, count: form.parameters[1].count)
        }
      }
      guard wanted.contains(0) else { return }
      let dx = run.inputGradient(0)
      forEachRow { row, start, statistics in
        if let dy {
          scaling.forEachTile(in: start..<start + size) { tile in
            multiply_tile(dy + tile.start, scale + tile.offsets[1], dx + tile.start, tile.form)
          }
        } else {
          (dx + start).update(repeating: 0, count: size)
        }
        if holdsDeviation {
          let sum = (0..<size).reduce(0.0) { $0 + Double(dx[start + $1]) }
          let mean = isCentred ? Float(sum / Double(size)) : 0
          for index in start..<start + size { dx[index] = (dx[index] - mean) * statistics.factor }
          return
        }
        normalization_gradient_row(
          x + start, dx + start, dx + start, size, statistics, isCentred ? 1 : 0, dMean?[row] ?? 0, dFactor?[row] ?? 0)
      }
    }
  }
}

extension broadcast_tile {
  /// One row of operands that do not broadcast.
  static func dense(_ count: Int) -> broadcast_tile {
    broadcast_tile(rows: 1, columns: count, row: (0, 0, 0), column: (1, 1, 1))
  }
}

/// Subtracts the mean over some axes and divides by the standard deviation.
struct MeanVarianceNormalization: DifferentiableOperator {
  var role: OperatorRole { .normalization }
  let axes: [Int]

  private static let epsilon: Float = 1e-9

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    _ = try x.shape.axes(axes)
    return [ValueInfo(x.elementType, x.shape)]
  }

  /// Writes −mean and 1/deviation of every group; `full` holds as many elements as x.
  private func statistics(
    _ x: FloatInput, _ shape: Shape, _ reduction: Reduction, into negativeMean: FloatOutput, _ factor: FloatOutput,
    _ full: FloatOutput, scratch: FloatOutput, on pool: ThreadPool
  ) throws {
    let kept = shape.reduced(over: Set(try shape.axes(axes))), size = Float(shape.count / max(kept.count, 1))
    reduction.run(.sum, x, into: negativeMean, scratch: scratch, on: pool)
    for index in 0..<kept.count { negativeMean[index] /= -size }
    BroadcastSpace(shape, [shape, kept]).run(add_tile, x, negativeMean, into: full, on: pool)
    reduction.run(.sumSquare, full, into: factor, scratch: scratch, on: pool)
    for index in 0..<kept.count { factor[index] = 1 / ((factor[index] / size).squareRoot() + Self.epsilon) }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shape = outputs[0].shape, axes = Set(try shape.axes(axes)), kept = shape.reduced(over: axes)
    let reduction = Reduction(shape, over: axes)
    return Kernel("normalize", scratchByteCount: (2 * kept.count + reduction.scratchCount) * 4) { run in
      let mean = run.scratchFloats, factor = mean + kept.count, y = run.output(0)
      try statistics(run.input(0), shape, reduction, into: mean, factor, y, scratch: factor + kept.count, on: run.pool)
      BroadcastSpace(shape, [shape, kept]).run(multiply_tile, y, factor, into: y, on: run.pool)
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shape = outputs[0].shape, axes = Set(try shape.axes(axes)), kept = shape.reduced(over: axes)
    let reduction = Reduction(shape, over: axes), size = Float(shape.count / max(kept.count, 1))
    return GradientRule(
      "normalize", readsInputs: [0], readsOutputs: [0],
      scratchByteCount: (4 * kept.count + reduction.scratchCount) * 4
    ) { run in
      let y = run.output(0), dy = run.outputGradient, dx = run.inputGradient(0)
      let mean = run.scratchFloats, factor = mean + kept.count, slope = factor + kept.count
      let constant = slope + kept.count, scratch = constant + kept.count
      try statistics(run.input(0), shape, reduction, into: mean, factor, dx, scratch: scratch, on: run.pool)
      // dx = factor·(dy − mean dy − y·mean(y·dy))
      BroadcastSpace(shape, [shape, shape]).run(multiply_tile, y, dy, into: dx, on: run.pool)
      reduction.run(.sum, dx, into: slope, scratch: scratch, on: run.pool)
      reduction.run(.sum, dy, into: constant, scratch: scratch, on: run.pool)
      for index in 0..<kept.count {
        slope[index] *= -factor[index] / size
        constant[index] *= -factor[index] / size
      }
      BroadcastSpace(shape, [shape, kept, kept]).run(multiply_add_tile, y, slope, constant, into: dx, on: run.pool)
      BroadcastSpace(shape, [shape, kept, shape]).run(multiply_add_tile, dy, factor, dx, into: dx, on: run.pool)
    }
  }
}

/// Divides by the sum of magnitudes, or the root of the sum of squares, along an axis; gives 0 where that is 0.
struct LpNormalization: DifferentiableOperator {
  var role: OperatorRole { .normalization }
  private let axis: Int
  private let isL1: Bool

  init(_ reader: inout AttributeReader) throws {
    axis = try reader.int("axis", default: -1)
    let p = try reader.int("p", default: 2)
    guard p == 1 || p == 2 else {
      throw GradCAMError(.unsupported, at: "attribute 'p'", problem: "is \(p), not 1 or 2")
    }
    isL1 = p == 1
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    _ = try x.shape.axis(axis)
    return [ValueInfo(x.elementType, x.shape)]
  }

  private func rows(_ shape: Shape) throws -> StridedRows {
    let (outer, count, inner) = shape.split(at: try shape.axis(axis))
    return StridedRows(outer: outer, count: count, inner: inner)
  }

  private func norm(_ row: FloatInput, _ count: Int) -> Float {
    var norm: Float = 0
    if isL1 { reduce_l1(row, &norm, count, 1, 1) } else { reduce_sum_square(row, &norm, count, 1, 1) }
    return isL1 ? norm : norm.squareRoot()
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let rows = try rows(outputs[0].shape)
    return Kernel("norm", workerScratchByteCount: rows.workerScratchCount(tensors: 2) * 4) { run in
      rows.forEachRow([run.input(0)], into: run.output(0), scratch: run.workerScratch, on: run.pool) { x, y in
        let norm = norm(x[0], rows.count)
        for index in 0..<rows.count { y[index] = norm == 0 ? 0 : x[0][index] / norm }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let rows = try rows(outputs[0].shape)
    return GradientRule("norm", readsInputs: [0], workerScratchByteCount: rows.workerScratchCount(tensors: 3) * 4) {
      run in
      rows.forEachRow(
        [run.input(0), run.outputGradient], into: run.inputGradient(0), scratch: run.workerScratch, on: run.pool
      ) { sources, dx in
        let x = sources[0], dy = sources[1], norm = norm(x, rows.count)
        var dot = 0.0
        for index in 0..<rows.count { dot += Double(x[index]) * Double(dy[index]) }
        // The norm's gradient times x·dy, over the norm's square.
        let share = Float(dot) / (norm * norm)
        for index in 0..<rows.count {
          let sign: Float = x[index] > 0 ? 1 : x[index] < 0 ? -1 : 0
          let normGradient = isL1 ? sign : x[index] / norm
          dx[index] = norm == 0 ? 0 : dy[index] / norm - share * normGradient
        }
      }
    }
  }
}

/// Divides by a power of the sum of squares over neighbouring channels.
struct LocalResponseNormalization: DifferentiableOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  private let size: Int
  private let alpha, beta, bias: Float

  init(_ reader: inout AttributeReader) throws {
    guard let size = try reader.int("size"), size > 0 else {
      throw GradCAMError(.badData, at: "attribute 'size'", problem: "is missing or not above 0")
    }
    self.size = size
    alpha = try reader.float("alpha", default: 1e-4)
    beta = try reader.float("beta", default: 0.75)
    bias = try reader.float("bias", default: 1)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    guard x.shape.rank > 1 else {
      throw GradCAMError(.badData, problem: "an input of shape \(x.shape) has no channels")
    }
    return [ValueInfo(x.elementType, x.shape)]
  }

  private func window(_ shape: Shape) -> response_window {
    response_window(
      channels: shape[1], area: shape.count(2..<shape.rank), before: (size - 1) / 2, after: size / 2,
      scale: alpha / Float(size), beta: beta, bias: bias)
  }

  private func forEachPart(_ shape: Shape, on pool: ThreadPool, _ body: (_ image: Int, Range<Int>) -> Void) {
    let area = shape.count(2..<shape.rank), size = shape[1] * area
    let width = 256, parts = (area + width - 1) / width
    pool.parallelFor(shape[0] * parts) { index, _ in
      let (image, part) = index.quotientAndRemainder(dividingBy: parts)
      body(image * size, part * width..<min(area, (part + 1) * width))
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shape = outputs[0].shape, window = window(shape)
    return Kernel("local response") { run in
      let x = run.input(0), y = run.output(0)
      forEachPart(shape, on: run.pool) { local_response(x + $0, y + $0, $1.lowerBound, $1.upperBound, window) }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shape = outputs[0].shape, window = window(shape)
    return GradientRule("local response", readsInputs: [0]) { run in
      let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
      forEachPart(shape, on: run.pool) {
        local_response_gradient(x + $0, dy + $0, dx + $0, $1.lowerBound, $1.upperBound, window)
      }
    }
  }
}
