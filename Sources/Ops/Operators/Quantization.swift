import CKernels
import Graph

let quantizationOperators: [OperatorEntry] = [
  OperatorEntry("QuantizeLinear", inputs: 2...3) { reader in try QuantizeLinear(&reader) },
  OperatorEntry("QuantizeLinear", domain: "com.microsoft", inputs: 2...3) { reader in try QuantizeLinear(&reader) },
  OperatorEntry("DequantizeLinear", inputs: 2...3) { reader in try DequantizeLinear(&reader) },
  OperatorEntry("DequantizeLinear", domain: "com.microsoft", inputs: 2...3) { reader in try DequantizeLinear(&reader) },
  OperatorEntry("DynamicQuantizeLinear", inputs: 1...1) { _ in DynamicQuantizeLinear() },
]

/// Which scale and zero point belong to which elements: one pair for all, one for each index along an axis, or one for
/// each block.
private struct QuantizationGrid: Sendable {
  private struct Axis { let extent, block, stride: Int }

  /// Consecutive elements that share a pair, or each have the next one.
  struct Row<ZeroPoint: BitwiseCopyable & Numeric> {
    let elements: Range<Int>
    /// Whether all elements share a pair.
    let isUniform: Bool
    fileprivate let scales: UnsafeRawPointer
    fileprivate let zeroPoints: UnsafeRawPointer?
    fileprivate let scaleStep, zeroPointStep: Int

    /// The scale of the element at a place in the row.
    func scale(_ place: Int) -> Float { scales.loadUnaligned(fromByteOffset: place * scaleStep, as: Float.self) }

    /// The zero point of the element at a place in the row.
    func zeroPoint(_ place: Int) -> ZeroPoint {
      zeroPoints?.loadUnaligned(fromByteOffset: place * zeroPointStep, as: ZeroPoint.self) ?? 0
    }
  }

  /// The number of elements of a row.
  private let length: Int
  /// The number of rows of the tensor.
  private let count: Int
  /// Whether the elements of a row share a pair.
  private let isUniform: Bool
  /// The axes that number the rows.
  private let axes: [Axis]
  private let scaleCount, zeroPointCount: Int

  init(_ x: Shape, scale: Shape, zeroPoint: Shape?, axis: Int, blockSize: Int) throws {
    scaleCount = scale.count
    zeroPointCount = zeroPoint?.count ?? 0
    let pairs = scale.count > 1 ? scale : zeroPoint ?? scale
    guard zeroPointCount <= 1 || scaleCount == 1 || zeroPointCount == scaleCount else {
      throw GradCAMError(.badData, problem: "scale \(scale) and zero point \(zeroPoint!) differ in shape")
    }
    var extents = [Int](repeating: 1, count: x.rank)
    let ownAxis = pairs.count > 1 ? try x.axis(axis) : nil
    if pairs.count > 1, pairs.rank == 1, x.rank != 1 || blockSize == 0 {
      extents[ownAxis!] = pairs[0]
    } else if pairs.count > 1 {
      guard pairs.rank == x.rank else {
        throw GradCAMError(.badData, problem: "scales of shape \(pairs) do not fit a tensor of shape \(x)")
      }
      extents = pairs.dimensions
    }
    let strides = Shape(extents).strides
    var axes: [Axis] = []
    for index in 0..<x.rank {
      let isBlocked = index == ownAxis && blockSize > 0
      let block = isBlocked ? blockSize : (x[index] + extents[index] - 1) / max(extents[index], 1)
      guard extents[index] == (x[index] + block - 1) / max(block, 1) || x.count == 0 else {
        throw GradCAMError(.badData, problem: "scales of shape \(pairs) do not fit a tensor of shape \(x)")
      }
      axes.append(Axis(extent: x[index], block: max(block, 1), stride: extents[index] == 1 ? 0 : strides[index]))
    }
    let inner = axes.reversed().prefix { $0.stride == 0 }
    if inner.isEmpty, let last = axes.last, last.block == 1, last.stride == 1 {
      isUniform = false
      length = max(1, last.extent)
      axes.removeLast()
    } else {
      isUniform = true
      length = max(1, inner.reduce(1) { $0 * $1.extent })
      axes.removeLast(inner.count)
    }
    count = x.count / length
    self.axes = axes
  }

  /// Calls `body` with every row, or a part of it.
  func forEachRow<ZeroPoint: BitwiseCopyable & Numeric>(
    _ scales: UnsafeRawPointer, _ zeroPoints: UnsafeRawPointer?, on pool: ThreadPool, _ body: (Row<ZeroPoint>) -> Void
  ) {
    let part = min(length, elementwiseGrain), parts = (length + part - 1) / part
    let scaleSize = scaleCount == 1 ? 0 : MemoryLayout<Float>.size
    let zeroPointSize = zeroPointCount == 1 ? 0 : MemoryLayout<ZeroPoint>.size
    pool.parallelRanges(count * parts, grain: max(1, elementwiseGrain / part)) { range in
      for index in range {
        var rest = index / parts, pair = 0
        for axis in axes.reversed() {
          pair += rest % axis.extent / axis.block * axis.stride
          rest /= axis.extent
        }
        let offset = index % parts * part, start = index / parts * length + offset
        if !isUniform { pair += offset }
        body(
          Row(
            elements: start..<start + min(part, length - offset), isUniform: isUniform,
            scales: scales + pair * scaleSize, zeroPoints: zeroPoints.map { $0 + pair * zeroPointSize },
            scaleStep: isUniform ? 0 : scaleSize, zeroPointStep: isUniform ? 0 : zeroPointSize))
      }
    }
  }

  /// Calls `body` with the elements, the scale and the zero point of every run of elements that share them.
  func forEach<ZeroPoint: BitwiseCopyable & Numeric>(
    _ scales: UnsafeRawPointer, _ zeroPoints: UnsafeRawPointer?, on pool: ThreadPool,
    _ body: (Range<Int>, Float, ZeroPoint) -> Void
  ) {
    forEachRow(scales, zeroPoints, on: pool) { (row: Row<ZeroPoint>) in
      if row.isUniform { return body(row.elements, row.scale(0), row.zeroPoint(0)) }
      for (place, element) in row.elements.enumerated() {
        body(element..<element + 1, row.scale(place), row.zeroPoint(place))
      }
    }
  }
}

/// The attributes of QuantizeLinear and DequantizeLinear.
private struct QuantizationAttributes {
  private let axis, blockSize: Int
  let type: ElementType?

  init(_ reader: inout AttributeReader) throws {
    axis = try reader.int("axis", default: 1)
    blockSize = try reader.int("block_size", default: 0)
    let code = try reader.int("output_dtype", default: 0)
    type = code == 0 ? nil : try ElementType(onnx: code)
  }

  func grid(_ inputs: NodeInputs) throws -> QuantizationGrid {
    try QuantizationGrid(
      inputs.required(0).shape, scale: inputs.required(1).shape, zeroPoint: inputs[2]?.shape, axis: axis,
      blockSize: blockSize)
  }
}

/// Writes zeros for scales and zero points: the straight-through estimate holds them fixed.
private func clearParameterGradients(_ run: GradientArguments, _ wanted: Set<Int>, _ counts: [Int]) {
  for input in wanted where input > 0 { run.inputGradient(input).update(repeating: 0, count: counts[input]) }
}

private func checkQuantizable(_ type: ElementType) throws {
  guard type.storage == .int64 && type.bitCount < 64 || NarrowFloat(type) != nil else { throw unsupportedType(type) }
}

/// QuantizeLinear, whose gradient passes straight through the rounding inside the range and is zero outside.
struct QuantizeLinear: DifferentiableOperator {
  private let attributes: QuantizationAttributes
  private let saturates: Bool
  let integerGradients = IntegerGradients.estimated
  let role = OperatorRole.quantization

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .elementwise : nil }

  init(_ reader: inout AttributeReader) throws {
    attributes = try QuantizationAttributes(&reader)
    saturates = try reader.flag("saturate", default: true)
    reader.ignore("precision")  // all divisions are in float32
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let type = inputs[2]?.elementType ?? attributes.type ?? .uint8
    let x = try inputs.required(0)
    guard x.elementType.isFloatingPoint, try inputs.required(1).elementType.isFloatingPoint else {
      throw unsupportedType(x.elementType)
    }
    try checkQuantizable(type)
    _ = try attributes.grid(inputs)
    return [ValueInfo(type, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let grid = try attributes.grid(inputs), hasZeroPoint = inputs[2] != nil
    if let format = NarrowFloat(outputs[0].elementType) {
      return Kernel("quantize") { [saturates] run in
        let x = run.input(0), y = run.output(0)
        grid.forEach(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) {
          (range: Range<Int>, scale: Float, zeroPoint: Float) in
          for index in range { y[index] = format.nearest(to: x[index] / scale + zeroPoint, saturates: saturates) }
        }
      }
    }
    let bounds = outputs[0].elementType.integerRange
    return Kernel("quantize") { run in
      let x = run.input(0), y = run.output(0, as: Int64.self)
      grid.forEach(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) { range, scale, zeroPoint in
        quantize(
          x + range.lowerBound, y + range.lowerBound, range.count, scale, zeroPoint, bounds.lowerBound,
          bounds.upperBound)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let grid = try attributes.grid(inputs), hasZeroPoint = inputs[2] != nil
    let bounds = outputs[0].elementType.integerRange
    let counts = (0..<inputs.count).map { inputs[$0]?.shape.count ?? 0 }
    if let format = NarrowFloat(outputs[0].elementType) {
      return GradientRule("quantize", readsInputs: [0, 1, 2]) { run in
        clearParameterGradients(run, wanted, counts)
        guard wanted.contains(0) else { return }
        let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
        grid.forEach(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) {
          (range: Range<Int>, scale: Float, zeroPoint: Float) in
          for index in range {
            dx[index] = abs(x[index] / scale + zeroPoint) <= format.largest ? dy[index] / scale : 0
          }
        }
      }
    }
    return GradientRule("quantize", readsInputs: [0, 1, 2]) { run in
      clearParameterGradients(run, wanted, counts)
      guard wanted.contains(0) else { return }
      let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
      grid.forEach(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) { range, scale, zeroPoint in
        let start = range.lowerBound
        quantize_gradient(
          x + start, dy + start, dx + start, range.count, scale, zeroPoint, bounds.lowerBound, bounds.upperBound)
      }
    }
  }
}

struct DequantizeLinear: DifferentiableOperator {
  private let attributes: QuantizationAttributes
  let role = OperatorRole.dequantization

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .elementwise : nil }

  init(_ reader: inout AttributeReader) throws { attributes = try QuantizationAttributes(&reader) }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), scale = try inputs.required(1)
    try checkQuantizable(x.elementType)
    guard scale.elementType.isFloatingPoint, inputs[2].map({ $0.elementType.storage == x.elementType.storage }) ?? true
    else {
      throw GradCAMError(.badData, problem: "scale or zero point has the wrong type")
    }
    _ = try attributes.grid(inputs)
    return [ValueInfo(attributes.type ?? scale.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let grid = try attributes.grid(inputs), hasZeroPoint = inputs[2] != nil
    if try inputs.required(0).elementType.isFloatingPoint {
      return Kernel("dequantize", placement: .inPlace([0])) { run in
        let x = run.input(0), y = run.output(0)
        grid.forEach(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) {
          (range: Range<Int>, scale: Float, zeroPoint: Float) in
          for index in range { y[index] = (x[index] - zeroPoint) * scale }
        }
      }
    }
    return Kernel("dequantize") { run in
      let x = run.input(0, as: Int64.self), y = run.output(0)
      grid.forEachRow(run.inputs[1]!, hasZeroPoint ? run.inputs[2] : nil, on: run.pool) {
        (row: QuantizationGrid.Row<Int64>) in
        let start = row.elements.lowerBound
        if row.isUniform {
          return dequantize(x + start, y + start, row.elements.count, row.scale(0), row.zeroPoint(0))
        }
        for place in 0..<row.elements.count {
          y[start + place] = Float(x[start + place] - row.zeroPoint(place)) * row.scale(place)
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let grid = try attributes.grid(inputs)
    let counts = (0..<inputs.count).map { inputs[$0]?.shape.count ?? 0 }
    return GradientRule("dequantize", readsInputs: [1]) { run in
      clearParameterGradients(run, wanted, counts)
      guard wanted.contains(0) else { return }
      let dy = run.outputGradient, dx = run.inputGradient(0)
      grid.forEach(run.inputs[1]!, nil, on: run.pool) { (range: Range<Int>, scale: Float, _: Float) in
        scale_floats(dy + range.lowerBound, dx + range.lowerBound, range.count, scale)
      }
    }
  }
}

/// Quantises to uint8 with a scale computed from the contents; the estimated gradient holds the scale fixed.
struct DynamicQuantizeLinear: DifferentiableOperator {
  let integerGradients = IntegerGradients.estimated
  let role = OperatorRole.quantization

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    return [ValueInfo(.uint8, x.shape), ValueInfo(.float32, []), ValueInfo(.uint8, [])]
  }

  private func parameters(_ x: UnsafePointer<Float>, _ count: Int) -> (scale: Float, zeroPoint: Int64) {
    var low: Float = 0, high: Float = 0
    for index in 0..<count {
      low = min(low, x[index])
      high = max(high, x[index])
    }
    guard high > low, (high - low).isFinite else { return (1, 0) }
    let scale = (high - low) / 255
    return (scale, scale > 0 ? Int64(min(max((-low / scale).rounded(.toNearestOrEven), 0), 255)) : 0)
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    return Kernel("quantize") { run in
      let x = run.input(0), (scale, zeroPoint) = parameters(x, count)
      if let y = run.outputs[0]?.assumingMemoryBound(to: Int64.self) {
        run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
          quantize(x + range.lowerBound, y + range.lowerBound, range.count, scale, zeroPoint, 0, 255)
        }
      }
      if run.outputs.count > 1 { run.outputs[1]?.storeBytes(of: scale, as: Float.self) }
      if run.outputs.count > 2 { run.outputs[2]?.storeBytes(of: zeroPoint, as: Int64.self) }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = outputs[0].shape.count
    return GradientRule("quantize", readsInputs: [0]) { run in
      let x = run.input(0), dx = run.inputGradient(0)
      guard let dy = run.outputGradients[0] else { return dx.update(repeating: 0, count: count) }
      let (scale, zeroPoint) = parameters(x, count)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        let start = range.lowerBound
        quantize_gradient(x + start, dy + start, dx + start, range.count, scale, zeroPoint, 0, 255)
      }
    }
  }
}
