import CKernels
import Graph

let poolingOperators: [OperatorEntry] = [
  OperatorEntry("MaxPool", inputs: 1...1) { reader in try MaxPool(&reader) },
  OperatorEntry("AveragePool", inputs: 1...1) { reader in try AveragePool(&reader) },
  OperatorEntry("GlobalAveragePool", inputs: 1...1) { _ in GlobalAveragePool() },
  OperatorEntry("GlobalMaxPool", inputs: 1...1) { _ in GlobalMaxPool() },
  OperatorEntry("LpPool", inputs: 1...1) { reader in try LpPool(&reader, isGlobal: false) },
  OperatorEntry("GlobalLpPool", inputs: 1...1) { reader in try LpPool(&reader, isGlobal: true) },
  OperatorEntry("MaxUnpool", since: 9, inputs: 2...3) { reader in try MaxUnpool(&reader) },
]

/// The window of a pool over an input, and its planes.
private struct PoolGeometry {
  let planes: Int
  let window: SpatialWindow
  let output: Shape

  init(_ attributes: WindowAttributes, _ inputs: NodeInputs, takesIntegers: Bool = false) throws {
    let x = try inputs.required(0)
    // Integers of up to 16 bits are pooled as float32, which holds them exactly.
    let isShort = [ElementType.int8, .uint8, .int16, .uint16].contains(x.elementType)
    guard x.elementType.isFloatingPoint || takesIntegers && isShort else {
      throw GradCAMError(.unsupported, problem: "a pool over \(x.elementType) is not supported")
    }
    guard x.shape.rank >= 3 else {
      throw GradCAMError(.badData, problem: "a pool needs an input of at least 3 dimensions, not \(x.shape)")
    }
    guard let kernel = attributes.kernel else { throw GradCAMError(.badData, problem: "kernel_shape is missing") }
    window = try attributes.resolve(input: x.shape, kernel: kernel)
    planes = x.shape[0] * x.shape[1]
    output = Shape([x.shape[0], x.shape[1]] + window.output)
  }

  /// A window over each whole plane.
  init(global inputs: NodeInputs) throws {
    let x = try inputs.required(0).shape
    guard x.rank >= 2 else { throw GradCAMError(.badData, problem: "a pool needs channels, but its input is \(x)") }
    // Pooled as one row, regardless of the number of spatial dimensions.
    let flat = Shape([x[0], x[1], x.count(2..<x.rank)])
    var window = WindowAttributes()
    window.kernel = [flat[2]]
    try self.init(window, NodeInputs([ValueInfo(.float32, flat)]))
  }

  var scratchCount: Int { (Int(withUnsafePointer(to: window.raw) { pooling_scratch($0) }) + 15) & ~15 }
}

extension WindowAttributes { init() {} }

private func globalOutput(_ inputs: NodeInputs) throws -> [ValueInfo] {
  try inputs.expectFloats()
  let x = try inputs.required(0)
  guard x.shape.rank >= 2 else {
    throw GradCAMError(.badData, problem: "a pool needs channels, but its input is \(x.shape)")
  }
  return [ValueInfo(x.elementType, Shape([x.shape[0], x.shape[1]] + Array(repeating: 1, count: x.shape.rank - 2)))]
}

struct MaxPool: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .chosen }
  var role: OperatorRole { .pooling }
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    (try? PoolGeometry(attributes, inputs).window.axes) ?? .channelsFirst
  }
  private var attributes: WindowAttributes
  private let columnMajor: Bool
  let integerGradients = IntegerGradients.passed

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    attributes.ceilMode = try reader.flag("ceil_mode")
    columnMajor = try reader.flag("storage_order")
  }

  private func geometry(_ inputs: NodeInputs) throws -> PoolGeometry {
    try PoolGeometry(attributes, inputs, takesIntegers: true)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let output = try geometry(inputs).output
    return [ValueInfo(try inputs.required(0).elementType, output), ValueInfo(.int64, output)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let geometry = try geometry(inputs), window = geometry.window
    let planes = MaxPoolPlanes(
      isInteger: try !inputs.required(0).elementType.isFloatingPoint, count: window.inputVolume)
    let scratch = geometry.scratchCount
    let perWorker = scratch + planes.scratchCount + (planes.isInteger ? window.outputVolume : 0)
    return Kernel("max pool", workerScratchByteCount: 4 * perWorker) { run in
      let offsets = run.outputs.count > 1 ? run.outputs[1]?.assumingMemoryBound(to: Int64.self) : nil
      run.pool.parallelFor(geometry.planes) { plane, worker in
        let memory = run.workerScratch[worker]
        let from = planes.floats(run.inputs[0]!, plane, memory + scratch)
        let start = plane * window.outputVolume
        withUnsafePointer(to: window.raw) { raw in
          if planes.isInteger {
            let y = run.output(0, as: Int64.self) + start, maxima = memory + scratch + planes.scratchCount
            max_pool(from, raw, maxima, memory)
            for index in 0..<window.outputVolume { y[index] = maxima[index].isFinite ? Int64(maxima[index]) : 0 }
          } else {
            max_pool(from, raw, run.output(0) + start, memory)
          }
          if let offsets {
            let to = offsets + start
            max_pool_offsets(from, raw, to)
            for index in 0..<window.outputVolume {
              to[index] = Int64(plane * window.inputVolume) + number(to[index], in: window.raw.input)
            }
          }
        }
      }
    }
  }

  /// The number in the second output of a position in a plane of extents `input`.
  private func number(_ offset: Int64, in input: (Int64, Int64, Int64)) -> Int64 {
    guard columnMajor else { return offset }
    let column = offset % input.2, row = offset / input.2 % input.1, depth = offset / (input.1 * input.2)
    return depth + input.0 * (row + input.1 * column)
  }

  // The first maximum of a window in row-major order receives the whole gradient, as in PyTorch.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    try maximumGradient(geometry(inputs), isInteger: !inputs.required(0).elementType.isFloatingPoint)
  }
}

/// The planes of a max pool's input as float32.
private struct MaxPoolPlanes {
  let isInteger: Bool
  let count: Int

  /// The number of floats that a conversion needs.
  var scratchCount: Int { isInteger ? (count + 15) & ~15 : 0 }

  func floats(_ x: UnsafeRawPointer, _ plane: Int, _ scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
    guard isInteger else { return x.assumingMemoryBound(to: Float.self) + plane * count }
    dequantize(x.assumingMemoryBound(to: Int64.self) + plane * count, scratch, count, 1, 0)
    return UnsafePointer(scratch)
  }
}

private func maximumGradient(_ geometry: PoolGeometry, isInteger: Bool = false) -> GradientRule {
  let window = geometry.window, planes = MaxPoolPlanes(isInteger: isInteger, count: window.inputVolume)
  let perWorker = 8 * window.outputVolume + 4 * planes.scratchCount
  return GradientRule("max pool", readsInputs: [0], workerScratchByteCount: perWorker) { run in
    let dy = run.outputGradients[0], dx = run.inputGradient(0)
    run.pool.parallelFor(geometry.planes) { plane, worker in
      let to = dx + plane * window.inputVolume
      to.update(repeating: 0, count: window.inputVolume)
      guard let dy else { return }
      let memory = UnsafeMutableRawPointer(run.workerScratch[worker])
      let offsets = memory.assumingMemoryBound(to: Int64.self)
      let x = planes.floats(
        run.inputs[0]!, plane, (memory + 8 * window.outputVolume).assumingMemoryBound(to: Float.self))
      withUnsafePointer(to: window.raw) { max_pool_offsets(x, $0, offsets) }
      let from = dy + plane * window.outputVolume
      for index in 0..<window.outputVolume where offsets[index] >= 0 { to[Int(offsets[index])] += from[index] }
    }
  }
}

struct AveragePool: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .linear }
  var role: OperatorRole { .pooling }
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    (try? PoolGeometry(attributes, inputs).window.axes) ?? .channelsFirst
  }

  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? {
    guard let x = inputs[0]?.shape, let window = try? PoolGeometry(attributes, inputs).window, window.coversInput else {
      return nil
    }
    return Set(x.dimensions.indices.dropFirst(2))
  }

  private var attributes: WindowAttributes
  private let includesPad: Bool

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    attributes.ceilMode = try reader.flag("ceil_mode")
    includesPad = try reader.flag("count_include_pad")
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    [ValueInfo(try inputs.required(0).elementType, try PoolGeometry(attributes, inputs).output)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let geometry = try PoolGeometry(attributes, inputs), window = geometry.window
    return Kernel("average pool", workerScratchByteCount: 4 * geometry.scratchCount) { run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelFor(geometry.planes) { plane, worker in
        withUnsafePointer(to: window.raw) { raw in
          average_pool(
            x + plane * window.inputVolume, raw, includesPad ? 1 : 0, y + plane * window.outputVolume,
            run.workerScratch[worker])
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let geometry = try PoolGeometry(attributes, inputs), window = geometry.window
    return GradientRule("average pool") { run in
      let dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelFor(geometry.planes) { plane, _ in
        let to = dx + plane * window.inputVolume
        to.update(repeating: 0, count: window.inputVolume)
        withUnsafePointer(to: window.raw) { raw in
          average_pool_gradient(dy + plane * window.outputVolume, raw, includesPad ? 1 : 0, to)
        }
      }
    }
  }
}

struct GlobalAveragePool: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .linear }
  var role: OperatorRole { .pooling }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? {
    inputs[0].map { Set($0.shape.dimensions.indices.dropFirst(2)) }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try globalOutput(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0).shape
    let planes = x[0] * x[1], plane = x.count / max(planes, 1)
    return Kernel("global average pool") { run in
      let from = run.input(0), to = run.output(0)
      run.pool.parallelRanges(planes, grain: 64) { range in
        mean_of_rows(from + range.lowerBound * plane, Int64(range.count), Int64(plane), to + range.lowerBound)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let x = try inputs.required(0).shape
    let planes = x[0] * x[1], plane = x.count / max(planes, 1)
    return GradientRule("global average pool") { run in
      let dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(planes, grain: 64) { range in
        for index in range { (dx + index * plane).update(repeating: dy[index] / Float(plane), count: plane) }
      }
    }
  }
}

struct GlobalMaxPool: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .chosen }
  var role: OperatorRole { .pooling }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try globalOutput(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0).shape
    let planes = x[0] * x[1], plane = x.count / max(planes, 1)
    return Kernel("global max pool") { run in
      let from = run.input(0), to = run.output(0)
      run.pool.parallelRanges(planes, grain: 64) { range in
        for index in range {
          let values = from + index * plane
          var largest = -Float.infinity
          for position in 0..<plane where !(values[position] <= largest) { largest = values[position] }
          to[index] = largest
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule { maximumGradient(try PoolGeometry(global: inputs)) }
}

/// LpPool and GlobalLpPool: the p-norm of each window.
struct LpPool: DifferentiableOperator {
  var role: OperatorRole { .pooling }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  private var attributes: WindowAttributes?
  private let p: Float

  init(_ reader: inout AttributeReader, isGlobal: Bool) throws {
    p = try reader.opset < 2 ? reader.float("p", default: 2) : Float(reader.int("p", default: 2))
    guard p >= 1, p.isFinite else { throw GradCAMError(.badData, at: "attribute 'p'", problem: "is below 1") }
    guard !isGlobal else { return }
    attributes = try WindowAttributes(&reader)
    attributes?.ceilMode = try reader.flag("ceil_mode")
  }

  private func geometry(_ inputs: NodeInputs) throws -> PoolGeometry {
    if let attributes { try PoolGeometry(attributes, inputs) } else { try PoolGeometry(global: inputs) }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    guard attributes != nil else { return try globalOutput(inputs) }
    return [ValueInfo(try inputs.required(0).elementType, try geometry(inputs).output)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let geometry = try geometry(inputs), window = geometry.window, p = p
    return Kernel("lp pool") { run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelFor(geometry.planes) { plane, _ in
        withUnsafePointer(to: window.raw) { raw in
          lp_pool(x + plane * window.inputVolume, raw, p, y + plane * window.outputVolume)
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let geometry = try geometry(inputs), window = geometry.window, p = p
    return GradientRule("lp pool", readsInputs: [0], readsOutputs: [0]) { run in
      let x = run.input(0), y = run.output(0), dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelFor(geometry.planes) { plane, _ in
        let input = plane * window.inputVolume, output = plane * window.outputVolume
        (dx + input).update(repeating: 0, count: window.inputVolume)
        withUnsafePointer(to: window.raw) { raw in
          lp_pool_gradient(x + input, y + output, dy + output, raw, p, dx + input)
        }
      }
    }
  }
}

/// MaxUnpool: puts elements back at the positions that MaxPool's second output holds.
struct MaxUnpool: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .moved }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  private let kernel: [Int]
  private let strides, pads: [Int]?

  init(_ reader: inout AttributeReader) throws {
    guard let kernel = try reader.ints("kernel_shape") else {
      throw GradCAMError(.badData, problem: "kernel_shape is missing")
    }
    self.kernel = kernel
    strides = try reader.ints("strides")
    pads = try reader.ints("pads")
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), indices = try inputs.required(1)
    let rank = x.shape.rank - 2
    let strides = strides ?? kernel.map { _ in 1 }, pads = pads ?? kernel.flatMap { _ in [0, 0] }
    let limit = 1 << 24
    guard rank >= 1, indices.shape == x.shape, indices.elementType.storage == .int64, x.elementType.isFloatingPoint,
      kernel.count == rank, strides.count == rank, pads.count == 2 * rank,
      (kernel + strides).allSatisfy({ (1...limit).contains($0) }), pads.allSatisfy({ (-limit...limit).contains($0) })
    else { throw GradCAMError(.badData, problem: "input \(x.shape), indices \(indices.shape) and window do not fit") }
    if let wanted = try inputs.integers(2) { return [ValueInfo(x.elementType, try Shape(checked: wanted))] }
    let extents = (0..<rank).map { (x.shape[$0 + 2] - 1) * strides[$0] + kernel[$0] - pads[$0] - pads[$0 + rank] }
    return [ValueInfo(x.elementType, try Shape(checked: [x.shape[0], x.shape[1]] + extents))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = try inputs.required(0).shape.count, outputCount = outputs[0].shape.count
    return Kernel("unpool") { run in
      let x = run.input(0), indices = run.input(1, as: Int64.self), y = run.output(0)
      clear(y, byteCount: outputCount * MemoryLayout<Float>.size, pool: run.pool)
      for index in 0..<count {
        guard let place = Int(exactly: indices[index]), (0..<outputCount).contains(place) else {
          throw GradCAMError(.badData, problem: "index \(indices[index]) lies outside \(outputCount) elements")
        }
        y[place] = x[index]
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard wanted == [0] else { throw noGradient(ofInput: 1) }
    let count = try inputs.required(0).shape.count
    return GradientRule("unpool", readsInputs: [1]) { run in
      let indices = run.input(1, as: Int64.self), dy = run.outputGradient, dx = run.inputGradient(0)
      for index in 0..<count { dx[index] = dy[Int(indices[index])] }
    }
  }
}
