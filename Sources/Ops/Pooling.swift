import CKernels
import Graph

let poolingOperators: [OperatorEntry] = [
  OperatorEntry("MaxPool") { reader in try MaxPool(&reader) },
  OperatorEntry("AveragePool") { reader in try AveragePool(&reader) },
  OperatorEntry("GlobalAveragePool") { _ in GlobalAveragePool() },
  OperatorEntry("GlobalMaxPool") { _ in GlobalMaxPool() },
]

/// The window of a pool over an input, and its planes.
private struct PoolGeometry {
  let planes: Int
  let window: SpatialWindow
  let output: Shape

  init(_ attributes: WindowAttributes, _ inputs: NodeInputs) throws {
    let x = try inputs.required(0)
    guard x.elementType.isFloatingPoint else {
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

  /// A window over the whole of each plane.
  init(global inputs: NodeInputs) throws {
    let x = try inputs.required(0).shape
    guard x.rank >= 2 else { throw GradCAMError(.badData, problem: "a pool needs channels, but its input is \(x)") }
    // Pooled as one row, whatever the number of spatial dimensions.
    let flat = Shape([x[0], x[1], x.count(2..<x.rank)])
    var window = WindowAttributes()
    window.kernel = [flat[2]]
    try self.init(window, NodeInputs([ValueInfo(.float32, flat)]))
  }

  var scratchCount: Int { (Int(withUnsafePointer(to: window.raw) { pooling_scratch($0) }) + 15) & ~15 }
}

extension WindowAttributes {
  init() {}
}

private func globalOutput(_ inputs: NodeInputs) throws -> [ValueInfo] {
  try inputs.expectFloats()
  let x = try inputs.required(0)
  guard x.shape.rank >= 2 else {
    throw GradCAMError(.badData, problem: "a pool needs channels, but its input is \(x.shape)")
  }
  return [
    ValueInfo(x.elementType, Shape([x.shape[0], x.shape[1]] + Array(repeating: 1, count: x.shape.rank - 2)))
  ]
}

struct MaxPool: DifferentiableOperator {
  private var attributes: WindowAttributes
  private let columnMajor: Bool

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    attributes.ceilMode = try reader.flag("ceil_mode")
    columnMajor = try reader.flag("storage_order")
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let geometry = try PoolGeometry(attributes, inputs)
    return [ValueInfo(try inputs.required(0).elementType, geometry.output), ValueInfo(.int64, geometry.output)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let geometry = try PoolGeometry(attributes, inputs), window = geometry.window, scratch = geometry.scratchCount
    let indices = IndexOrder(window, columnMajor: columnMajor)
    return Kernel("max pool", scratchByteCount: 4 * scratch * request.threadCount) { run in
      let x = run.input(0), y = run.output(0)
      let offsets = run.outputs.count > 1 ? run.outputs[1]?.assumingMemoryBound(to: Int64.self) : nil
      run.pool.parallelFor(geometry.planes) { plane, worker in
        let from = x + plane * window.inputVolume
        withUnsafePointer(to: window.raw) { raw in
          max_pool(from, raw, y + plane * window.outputVolume, run.scratchFloats + worker * scratch)
          if let offsets {
            let to = offsets + plane * window.outputVolume
            max_pool_offsets(from, raw, to)
            for index in 0..<window.outputVolume {
              to[index] = Int64(plane * window.inputVolume) + indices.ordered(to[index])
            }
          }
        }
      }
    }
  }

  // The first maximum of a window in row-major order takes all of the gradient, as in PyTorch.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientKernel {
    let geometry = try PoolGeometry(attributes, inputs)
    return maximumGradient(geometry, request)
  }
}

private func maximumGradient(_ geometry: PoolGeometry, _ request: KernelRequest) -> GradientKernel {
  let window = geometry.window
  return GradientKernel(
    "max pool", readsInputs: [0], scratchByteCount: 8 * window.outputVolume * request.threadCount
  ) { run in
    let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
    run.pool.parallelFor(geometry.planes) { plane, worker in
      let offsets = run.scratch.assumingMemoryBound(to: Int64.self) + worker * window.outputVolume
      withUnsafePointer(to: window.raw) { max_pool_offsets(x + plane * window.inputVolume, $0, offsets) }
      let from = dy + plane * window.outputVolume, to = dx + plane * window.inputVolume
      to.update(repeating: 0, count: window.inputVolume)
      for index in 0..<window.outputVolume where offsets[index] >= 0 { to[Int(offsets[index])] += from[index] }
    }
  }
}

/// How MaxPool numbers the positions of a plane in its second output.
private struct IndexOrder {
  private let input: (Int64, Int64, Int64)
  private let columnMajor: Bool

  init(_ window: SpatialWindow, columnMajor: Bool) {
    input = window.raw.input
    self.columnMajor = columnMajor
  }

  func ordered(_ offset: Int64) -> Int64 {
    guard columnMajor else { return offset }
    let column = offset % input.2, row = offset / input.2 % input.1, depth = offset / (input.1 * input.2)
    return depth + input.0 * (row + input.1 * column)
  }
}

struct AveragePool: DifferentiableOperator {
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
    averageKernel(try PoolGeometry(attributes, inputs), includesPad: includesPad, request)
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientKernel {
    averageGradient(try PoolGeometry(attributes, inputs), includesPad: includesPad)
  }
}

private func averageKernel(_ geometry: PoolGeometry, includesPad: Bool, _ request: KernelRequest) -> Kernel {
  let window = geometry.window, scratch = geometry.scratchCount
  return Kernel("average pool", scratchByteCount: 4 * scratch * request.threadCount) { run in
    let x = run.input(0), y = run.output(0)
    run.pool.parallelFor(geometry.planes) { plane, worker in
      withUnsafePointer(to: window.raw) { raw in
        average_pool(
          x + plane * window.inputVolume, raw, includesPad ? 1 : 0, y + plane * window.outputVolume,
          run.scratchFloats + worker * scratch)
      }
    }
  }
}

private func averageGradient(_ geometry: PoolGeometry, includesPad: Bool) -> GradientKernel {
  let window = geometry.window
  return GradientKernel("average pool") { run in
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

struct GlobalAveragePool: DifferentiableOperator {
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
  ) throws -> GradientKernel {
    let x = try inputs.required(0).shape
    let planes = x[0] * x[1], plane = x.count / max(planes, 1)
    return GradientKernel("global average pool") { run in
      let dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(planes, grain: 64) { range in
        for index in range { (dx + index * plane).update(repeating: dy[index] / Float(plane), count: plane) }
      }
    }
  }
}

struct GlobalMaxPool: DifferentiableOperator {
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
  ) throws -> GradientKernel { maximumGradient(try PoolGeometry(global: inputs), request) }
}
