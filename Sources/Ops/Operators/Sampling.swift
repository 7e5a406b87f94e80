import Graph

let samplingOperators: [OperatorEntry] = [
  OperatorEntry("GridSample", since: 16, inputs: 2...2, make: GridSample.make),
  OperatorEntry("GridSample", domain: microsoft, inputs: 2...2, make: GridSample.make),
  OperatorEntry("RoiAlign", since: 10, inputs: 3...3, make: RoiAlign.make),
  OperatorEntry("AffineGrid", since: 20, inputs: 2...2) { reader in
    AffineGrid(alignsCorners: try reader.flag("align_corners"))
  },
]

/// An operator that computes every output plane as weighted sums over one input plane, with weights that come from
/// its locating inputs and are the same for all channels.
protocol SamplingOperator: DifferentiableOperator {
  /// The number of items in the output, each of all channels.
  func itemCount(_ inputs: NodeInputs) throws -> Int
  /// The batch item that one item of the output samples, and the weights over its plane.
  func sample(_ item: Int, of x: Shape, _ output: Shape, _ parameters: [UnsafeRawPointer?]) throws -> ItemSample
}

typealias ItemSample = (source: Int, weights: AxisWeights)

extension SamplingOperator {
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    try samplingKernel(inputs, outputs)
  }

  fileprivate func samplingKernel(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Kernel {
    let x = try inputs.required(0).shape, output = outputs[0].shape
    let items = try itemCount(inputs)
    return Kernel("sample") { run in
      for item in 0..<items {
        let (source, weights) = try sample(item, of: x, output, run.inputs)
        weights.apply(
          from: run.input(0) + source * x.count(1..<x.rank), to: run.output(0) + item * output.count(1..<output.rank),
          outer: x[1], inner: 1, pool: run.pool)
      }
    }
  }

  /// The gradient of the planes alone.
  fileprivate func samplingGradient(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> GradientRule {
    GradientRule("sample", readsInputs: locatingInputs, run: try spreading(inputs, outputs[0]))
  }

  /// Writes the gradient of the planes, for given weights.
  fileprivate func spreading(
    _ inputs: NodeInputs, _ output: ValueInfo
  ) throws -> @Sendable (GradientArguments) throws -> Void {
    let x = try inputs.required(0).shape, output = output.shape
    let items = try itemCount(inputs)
    return { run in
      clear(run.inputGradient(0), byteCount: x.count * MemoryLayout<Float>.size, pool: run.pool)
      for item in 0..<items {
        let (source, weights) = try sample(item, of: x, output, run.inputs)
        weights.spread(
          from: run.outputGradient + item * output.count(1..<output.rank),
          to: run.inputGradient(0) + source * x.count(1..<x.rank), outer: x[1], pool: run.pool)
      }
    }
  }
}

/// The taps of a sampling position along one axis.
private typealias AxisTaps = [AxisWeights.Tap]

/// The taps over a plane: the products of the taps along each of its axes.
private func product(_ taps: [AxisTaps], strides: [Int]) -> AxisTaps {
  zip(taps, strides).reduce([.init(index: 0, weight: 1)]) { product, axis in
    product.flatMap { tap in
      axis.0.map { .init(index: tap.index + $0.index * axis.1, weight: tap.weight * $0.weight) }
    }
  }
}

struct GridSample: SamplingOperator {
  /// Where a position of the result lies is up to the grid.
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    let rank = inputs[0]?.shape.rank ?? 0
    return .kept(rank: rank, except: Set(2..<max(2, rank)))
  }

  enum Mode { case nearest, linear, cubic }

  enum Padding: String, CaseIterable { case zeros, border, reflection }

  let mode: Mode
  let padding: Padding
  let alignsCorners: Bool
  let locatingInputs: Set<Int> = [1]

  static func make(_ reader: inout AttributeReader) throws -> Self {
    let name = try reader.string("mode", default: "linear")
    let modes: [String: Mode] = [
      "nearest": .nearest, "linear": .linear, "bilinear": .linear, "cubic": .cubic, "bicubic": .cubic,
    ]
    guard let mode = modes[name] else {
      throw GradCAMError(.unsupported, at: "attribute 'mode'", problem: "'\(name)' is not supported")
    }
    return GridSample(
      mode: mode, padding: try reader.choice("padding_mode", default: .zeros),
      alignsCorners: try reader.flag("align_corners"))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), grid = try inputs.required(1)
    guard x.shape.rank >= 3, grid.shape.rank == x.shape.rank, grid.shape[0] == x.shape[0],
      grid.shape.dimensions.last == x.shape.rank - 2, x.shape.count > 0, x.elementType.isFloatingPoint,
      grid.elementType.isFloatingPoint
    else {
      throw GradCAMError(.badData, problem: "a grid of shape \(grid.shape) does not fit a tensor of shape \(x.shape)")
    }
    let shape = try Shape(checked: x.shape.dimensions[..<2] + grid.shape.dimensions[1...].dropLast())
    return [ValueInfo(x.elementType, shape)]
  }

  func itemCount(_ inputs: NodeInputs) throws -> Int { try inputs.required(0).shape[0] }

  func sample(_ item: Int, of x: Shape, _ output: Shape, _ parameters: [UnsafeRawPointer?]) throws -> ItemSample {
    let plane = Shape(Array(x.dimensions[2...]))
    let strides = plane.strides
    let grid = GridPoints(item, of: output, plane, parameters[1]!)
    let rows = (0..<grid.count).map { point in
      product(
        plane.dimensions.indices.map { axis in
          taps(grid[point, axis], extent: plane[axis]).map { .init(index: $0.index, weight: $0.weight) }
        }, strides: strides)
    }
    return (item, AxisWeights(inputs: plane.count, rows: rows))
  }

  /// The grid's gradient is that of the interpolation; it is 0 for the nearest element, and where the border's element
  /// is repeated.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard wanted.contains(1) else { return try samplingGradient(inputs, outputs) }
    let x = try inputs.required(0).shape, output = outputs[0].shape
    let plane = Shape(Array(x.dimensions[2...])), strides = plane.strides
    let spreading = wanted.contains(0) ? try spreading(inputs, outputs[0]) : nil
    return GradientRule("sample", readsInputs: [0, 1]) { run in
      try spreading?(run)
      for item in 0..<x[0] {
        let grid = GridPoints(item, of: output, plane, run.inputs[1]!)
        let planes = run.input(0) + item * x[1] * plane.count, dy = run.outputGradient + item * x[1] * grid.count
        let dGrid = run.inputGradient(1) + item * grid.count * plane.rank
        run.pool.parallelRanges(grid.count, grain: 64) { points in
          for point in points {
            let axes = plane.dimensions.indices.map { taps(grid[point, $0], extent: plane[$0]) }
            var slopes = [Double](repeating: 0, count: plane.rank)
            GridTap.forEach(of: axes, strides: strides) { taps, offset in
              var dot = 0.0
              for channel in 0..<x[1] {
                dot += Double(dy[channel * grid.count + point]) * Double(planes[channel * plane.count + offset])
              }
              for axis in slopes.indices {
                slopes[axis] += taps.indices.reduce(dot) {
                  $0 * Double($1 == axis ? axes[$1][taps[$1]].slope : axes[$1][taps[$1]].weight)
                }
              }
            }
            for axis in slopes.indices { dGrid[point * plane.rank + plane.rank - 1 - axis] = Float(slopes[axis]) }
          }
        }
      }
    }
  }

  /// The elements along one axis that a coordinate lies between, with their weights.
  private func taps(_ coordinate: Float, extent: Int) -> [GridTap] {
    let last = Float(extent - 1)
    let low: Float = alignsCorners ? 0 : -0.5, high = last - low
    let exact = alignsCorners ? (coordinate + 1) / 2 * last : ((coordinate + 1) * Float(extent) - 1) / 2
    var x = exact.isNaN ? -Self.farthest : max(-Self.farthest, min(Self.farthest, exact))
    // The derivative of x with respect to the coordinate.
    var speed = x == exact ? (alignsCorners ? last : Float(extent)) / 2 : 0
    if mode == .nearest { x.round(.toNearestOrEven) }
    if x < low || x > high {
      switch padding {
      case .zeros: break
      case .border: (x, speed) = (max(0, min(last, x)), 0)
      case .reflection:
        let (place, isTurned) = reflected(x, low, high)
        x = place
        if isTurned { speed = -speed }
      }
    }
    let base = x.rounded(.down)
    let t = x - base
    let weights: [(offset: Float, weight: Float, slope: Float)] =
      switch mode {
      case .nearest: [(x.rounded(.toNearestOrEven) - base, 1, 0)]
      case .linear: [(0, 1 - t, -1), (1, t, 1)]
      case .cubic:
        (-1...2).map { offset in
          let distance = Double(Float(offset) - t)
          return (Float(offset), Float(keysKernel(distance, -0.75)), Float(-keysSlope(distance, -0.75)))
        }
      }
    return weights.compactMap { offset, weight, slope in
      var index = base + offset
      if index < 0 || index > last {
        switch padding {
        case .zeros: return nil
        case .border: break
        case .reflection: index = reflected(index, low, high).place
        }
      }
      return GridTap(index: Int(max(0, min(last, index))), weight: weight, slope: slope * speed)
    }
  }

  /// Positions farther out are treated like this one.
  private static let farthest: Float = 0x1p24

  /// A place reflected at both ends until it lies between them, and whether it then moves against x.
  private func reflected(_ x: Float, _ low: Float, _ high: Float) -> (place: Float, isTurned: Bool) {
    let range = high - low
    guard range > 0 else { return (low, false) }
    let distance = x < low ? low - x : x > high ? x - high : 0
    guard distance > 0 else { return (x, false) }
    let turns = (distance / range).rounded(.down)
    let rest = distance - turns * range
    let startsLow = (x < low) == turns.truncatingRemainder(dividingBy: 2).isZero
    return (startsLow ? low + rest : high - rest, startsLow == (x < low))
  }
}

/// An element along one axis that a grid's point lies at, its weight, and the weight's derivative with respect to the
/// grid's coordinate.
private struct GridTap {
  let index: Int
  let weight, slope: Float

  /// Calls `body` with the position of each combination of taps, one for each axis, and the offset of its element.
  static func forEach(of axes: [[GridTap]], strides: [Int], _ body: (_ taps: [Int], _ offset: Int) -> Void) {
    var taps = [Int](repeating: 0, count: axes.count)
    guard axes.allSatisfy({ !$0.isEmpty }) else { return }
    while true {
      body(taps, taps.indices.reduce(0) { $0 + axes[$1][taps[$1]].index * strides[$1] })
      var axis = 0
      while axis < axes.count {
        taps[axis] += 1
        if taps[axis] < axes[axis].count { break }
        taps[axis] = 0
        axis += 1
      }
      if axis == axes.count { return }
    }
  }
}

/// The points of one item's grid.
private struct GridPoints: @unchecked Sendable {
  let count: Int
  private let rank: Int
  private let coordinates: UnsafePointer<Float>

  init(_ item: Int, of output: Shape, _ plane: Shape, _ grids: UnsafeRawPointer) {
    count = output.count(2..<output.rank)
    rank = plane.rank
    coordinates = grids.assumingMemoryBound(to: Float.self) + item * count * rank
  }

  /// A point's coordinate along an axis of the plane; the grid holds that of the innermost axis first.
  subscript(_ point: Int, _ axis: Int) -> Float { coordinates[point * rank + rank - 1 - axis] }
}

struct RoiAlign: SamplingOperator {
  /// The first axis of the result counts boxes.
  func axes(_ inputs: NodeInputs) -> AxisMapping { .kept(rank: 4, except: [0, 2, 3]) }

  enum Mode: String, CaseIterable {
    case average = "avg"
    case maximum = "max"
  }

  let mode: Mode
  let height, width, samplingRatio: Int
  let scale: Float
  /// The number subtracted from every coordinate.
  let shift: Float
  let locatingInputs: Set<Int> = [1, 2]

  /// Regions are taken as they are, as in PyTorch.
  func passesGradients(to input: Int) -> Bool { input == 0 }

  static func make(_ reader: inout AttributeReader) throws -> Self {
    let coordinates = try reader.string(
      "coordinate_transformation_mode", default: reader.opset < 16 ? "output_half_pixel" : "half_pixel")
    guard ["half_pixel", "output_half_pixel"].contains(coordinates) else {
      throw GradCAMError(
        .unsupported, at: "attribute 'coordinate_transformation_mode'", problem: "'\(coordinates)' is not supported")
    }
    let roi = RoiAlign(
      mode: try reader.choice("mode", default: .average),
      height: try reader.int("output_height", default: 1), width: try reader.int("output_width", default: 1),
      samplingRatio: try reader.int("sampling_ratio", default: 0),
      scale: try reader.float("spatial_scale", default: 1), shift: coordinates == "half_pixel" ? 0.5 : 0)
    guard roi.samplingRatio <= gridLimit, roi.height >= 1, roi.width >= 1 else {
      throw GradCAMError(
        .badData, problem: "\(roi.samplingRatio) samples in \(roi.height)×\(roi.width) bins are out of range")
    }
    return roi
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), rois = try inputs.required(1), items = try inputs.required(2)
    guard x.shape.rank == 4, x.shape.count > 0, rois.shape.rank == 2, rois.shape[1] == 4,
      items.shape == [rois.shape[0]], items.elementType.storage == .int64, x.elementType.isFloatingPoint,
      rois.elementType.isFloatingPoint
    else {
      throw GradCAMError(.badData, problem: "regions of shape \(rois.shape) do not fit a tensor of shape \(x.shape)")
    }
    return [ValueInfo(x.elementType, try Shape(checked: [rois.shape[0], x.shape[1], height, width]))]
  }

  func itemCount(_ inputs: NodeInputs) throws -> Int { try inputs.required(1).shape[0] }

  func sample(_ item: Int, of x: Shape, _ output: Shape, _ parameters: [UnsafeRawPointer?]) throws -> ItemSample {
    let (source, bins) = try bins(item, of: x, parameters)
    return (source, AxisWeights(inputs: x[2] * x[3], rows: bins))
  }

  /// The batch item that a region lies in, and the taps of every bin's samples.
  private func bins(_ item: Int, of x: Shape, _ parameters: [UnsafeRawPointer?]) throws -> (
    source: Int, taps: [AxisTaps]
  ) {
    let region = parameters[1]!.assumingMemoryBound(to: Float.self) + item * 4
    let source = Int(parameters[2]!.assumingMemoryBound(to: Int64.self)[item])
    guard (0..<x[0]).contains(source) else {
      throw GradCAMError(.badData, problem: "region \(item) lies in batch item \(source), which does not exist")
    }
    let columns = try taps(from: region[0], to: region[2], bins: width, extent: x[3])
    let rows = try taps(from: region[1], to: region[3], bins: height, extent: x[2])
    return (source, rows.flatMap { row in columns.map { product([row, $0], strides: [x[3], 1]) } })
  }

  // ONNX defines the maximum of a bin over the weighted neighbours of its samples, not over their sums.

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    guard mode == .maximum else { return try samplingKernel(inputs, outputs) }
    let x = try inputs.required(0).shape, items = try itemCount(inputs)
    return Kernel("sample maxima") { run in
      for item in 0..<items {
        let (source, bins) = try bins(item, of: x, run.inputs)
        for channel in 0..<x[1] {
          let plane = run.input(0) + (source * x[1] + channel) * x[2] * x[3]
          let y = run.output(0) + (item * x[1] + channel) * bins.count
          for (index, taps) in bins.enumerated() { y[index] = largest(taps, of: plane).value }
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard mode == .maximum else { return try samplingGradient(inputs, outputs) }
    let x = try inputs.required(0).shape, items = try itemCount(inputs)
    return GradientRule("sample maxima", readsInputs: [0, 1, 2]) { run in
      let dx = run.inputGradient(0)
      clear(dx, byteCount: x.count * MemoryLayout<Float>.size, pool: run.pool)
      for item in 0..<items {
        let (source, bins) = try bins(item, of: x, run.inputs)
        for channel in 0..<x[1] {
          let start = (source * x[1] + channel) * x[2] * x[3]
          let dy = run.outputGradient + (item * x[1] + channel) * bins.count
          for (index, taps) in bins.enumerated() {
            guard let tap = largest(taps, of: run.input(0) + start).tap else { continue }
            dx[start + tap.index] += tap.weight * dy[index]
          }
        }
      }
    }
  }

  /// The largest product of a weight and its element, the first of equal ones; 0 if there is none.
  private func largest(_ taps: AxisTaps, of plane: UnsafePointer<Float>) -> (value: Float, tap: AxisWeights.Tap?) {
    var largest: (value: Float, tap: AxisWeights.Tap?) = (0, nil)
    for tap in taps {
      let value = tap.weight * plane[tap.index]
      if largest.tap == nil || !(value <= largest.value) { largest = (value, tap) }
    }
    return largest
  }

  /// The maximum number of samples per bin along an axis.
  private static let gridLimit = 1 << 12

  /// The samples of each bin along one axis, weighted for their mean or, for the maximum, each in full.
  private func taps(from start: Float, to end: Float, bins: Int, extent: Int) throws -> [AxisTaps] {
    let first = start * scale - shift
    let length = end * scale - shift - first
    let size = (shift > 0 ? length : max(length, 1)) / Float(bins)
    let wanted = samplingRatio > 0 ? Float(samplingRatio) : size.rounded(.up)
    guard first.isFinite, wanted.isFinite, wanted <= Float(Self.gridLimit) else {
      throw GradCAMError(.badData, problem: "a region from \(start) to \(end) is out of range")
    }
    let samples = max(0, Int(wanted))
    return (0..<bins).map { bin in
      (0..<samples).flatMap { sample -> AxisTaps in
        var position = first + Float(bin) * size + (Float(sample) + 0.5) * size / Float(samples)
        guard position >= -1, position <= Float(extent) else {
          return mode == .average ? [] : [.init(index: 0, weight: 0)]
        }
        position = max(0, min(Float(extent - 1), position))
        let low = Int(position), t = position - Float(low), share = mode == .average ? 1 / Float(samples) : 1
        return [.init(index: low, weight: (1 - t) * share), .init(index: min(low + 1, extent - 1), weight: t * share)]
      }
    }
  }
}

/// The grid of an affine map, for GridSample: linear in the map's coefficients.
struct AffineGrid: DifferentiableOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  let alignsCorners: Bool

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let theta = try inputs.required(0)
    let size = try Shape(checked: inputs.requiredIntegers(1))
    guard size.rank >= 3, theta.shape == [size[0], size.rank - 2, size.rank - 1], theta.elementType.isFloatingPoint
    else {
      throw GradCAMError(.badData, problem: "a map of shape \(theta.shape) does not fit an image of shape \(size)")
    }
    let spatial = size.dimensions[2...]
    return [ValueInfo(theta.elementType, try Shape(checked: [size[0]] + spatial + [spatial.count]))]
  }

  /// The coordinates of a grid's points, the innermost axis first, each point followed by a one.
  private func points(_ grid: Shape) -> [Float] {
    let spatial = grid.dimensions[1...].dropLast()
    return spatial.reduce([[]]) { points, extent in
      points.flatMap { point in
        (0..<extent).map { index -> [Float] in
          let place =
            alignsCorners
            ? (extent > 1 ? 2 * Float(index) / Float(extent - 1) - 1 : 0)
            : (2 * Float(index) + 1) / Float(extent) - 1
          return [place] + point
        }
      }
    }.flatMap { $0 + [1] }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let grid = outputs[0].shape, points = points(grid)
    let rank = grid.rank - 2, count = points.count / (rank + 1)
    return Kernel("affine-grid") { run in
      points.withUnsafeBufferPointer { points in
        for item in 0..<grid[0] {
          multiply(
            MatrixOperand(pointer: points.baseAddress!, leading: rank + 1),
            MatrixOperand(pointer: run.input(0) + item * rank * (rank + 1), leading: rank + 1, transposed: true),
            into: run.output(0) + item * count * rank, leading: rank, rows: count, columns: rank, depth: rank + 1)
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let grid = outputs[0].shape, points = points(grid)
    let rank = grid.rank - 2, count = points.count / (rank + 1)
    return GradientRule("affine-grid") { run in
      points.withUnsafeBufferPointer { points in
        for item in 0..<grid[0] {
          multiply(
            MatrixOperand(pointer: run.outputGradient + item * count * rank, leading: rank, transposed: true),
            MatrixOperand(pointer: points.baseAddress!, leading: rank + 1),
            into: run.inputGradient(0) + item * rank * (rank + 1), leading: rank + 1, rows: rank, columns: rank + 1,
            depth: count)
        }
      }
    }
  }
}
