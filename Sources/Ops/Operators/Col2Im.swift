import Graph

let col2ImOperators: [OperatorEntry] = [OperatorEntry("Col2Im", since: 18, inputs: 3...3, make: Col2Im.make)]

/// Sums sliding blocks, one per column, back into the image that they were taken from.
struct Col2Im: DifferentiableOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  let strides, dilations, pads: [Int]?

  static func make(_ reader: inout AttributeReader) throws -> Self {
    Col2Im(strides: try reader.ints("strides"), dilations: try reader.ints("dilations"), pads: try reader.ints("pads"))
  }

  /// One axis of the image.
  private struct Axis {
    let extent, kernel, stride, dilation, padBegin, padEnd: Int

    /// The number of block positions.
    var positions: Int { (extent + padBegin + padEnd - dilation * (kernel - 1) - 1) / stride + 1 }

    /// The block positions at which one of its elements lies inside the image.
    func positions(_ element: Int) -> Range<Int> {
      let offset = element * dilation - padBegin
      let first = offset >= 0 ? 0 : (-offset + stride - 1) / stride
      let end = extent > offset ? min(positions, (extent - 1 - offset) / stride + 1) : 0
      return first..<max(first, end)
    }
  }

  private func positionAxes(_ inputs: NodeInputs) throws -> [Axis] {
    let image = try inputs.requiredIntegers(1), block = try inputs.requiredIntegers(2)
    let rank = image.count
    let strides = strides ?? image.map { _ in 1 }, dilations = dilations ?? image.map { _ in 1 }
    let pads = pads ?? [Int](repeating: 0, count: 2 * rank)
    let limit = 1...1 << 24
    guard rank > 0, block.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 * rank,
      (image + block + strides + dilations).allSatisfy(limit.contains), pads.allSatisfy({ (0...1 << 24).contains($0) })
    else { throw GradCAMError(.badData, problem: "blocks \(block) do not fit an image \(image)") }
    let axes = (0..<rank).map {
      Axis(
        extent: image[$0], kernel: block[$0], stride: strides[$0], dilation: dilations[$0], padBegin: pads[$0],
        padEnd: pads[rank + $0])
    }
    guard axes.allSatisfy({ $0.extent + $0.padBegin + $0.padEnd > $0.dilation * ($0.kernel - 1) }) else {
      throw GradCAMError(.badData, problem: "blocks \(block) do not fit an image \(image)")
    }
    return axes
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let axes = try positionAxes(inputs)
    let elements = try Shape(checked: axes.map(\.kernel)).count
    guard x.shape.rank == 3, x.elementType.isFloatingPoint, x.shape[1] > 0, x.shape[1] % elements == 0,
      try x.shape[2] == Shape(checked: axes.map(\.positions)).count
    else { throw GradCAMError(.badData, problem: "columns of shape \(x.shape) do not fit the image and its blocks") }
    return [ValueInfo(x.elementType, try Shape(checked: [x.shape[0], x.shape[1] / elements] + axes.map(\.extent)))]
  }

  /// For every element of a block, the map from its columns to the image.
  private func maps(_ inputs: NodeInputs, _ image: Shape) throws -> [StridedMap] {
    let axes = try positionAxes(inputs)
    let x = try inputs.required(0).shape
    let block = Shape(axes.map(\.kernel)), columns = Shape(axes.map(\.positions))
    let channels = StridedMap.Axis(
      extent: image[0] * image[1], source: block.count * columns.count, target: image.count(2..<image.rank))
    return (0..<block.count).map { element in
      var map = StridedMap(axes: [channels], sourceOffset: element * x[2])
      for (index, axis) in axes.enumerated() {
        let place = element / block.strides[index] % axis.kernel
        let positions = axis.positions(place)
        let target = image.strides[index + 2]
        map.axes.append(.init(extent: positions.count, source: columns.strides[index], target: axis.stride * target))
        map.sourceOffset += positions.lowerBound * columns.strides[index]
        map.targetOffset += (positions.lowerBound * axis.stride + place * axis.dilation - axis.padBegin) * target
      }
      return map
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let maps = try maps(inputs, outputs[0].shape)
    let byteCount = outputs[0].shape.count * MemoryLayout<Float>.size
    return Kernel("col2im") { run in
      clear(run.output(0), byteCount: byteCount, pool: run.pool)
      for map in maps { map.add(from: run.input(0), to: run.output(0), pool: run.pool) }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let maps = try maps(inputs, outputs[0].shape)
    let byteCount = try inputs.required(0).shape.count * MemoryLayout<Float>.size
    return GradientRule("im2col") { run in
      let dx = run.inputGradient(0)
      clear(dx, byteCount: byteCount, pool: run.pool)
      for map in maps { map.reversed.copy(from: run.outputGradient, to: dx, storage: .float32, pool: run.pool) }
    }
  }
}
