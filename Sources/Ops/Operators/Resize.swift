import Graph

let resizeOperators: [OperatorEntry] = [
  OperatorEntry("Upsample", inputs: 1...2, make: Resize.makeUpsample),
  OperatorEntry("Resize", since: 10, inputs: 1...4, make: Resize.make),
]

/// Resize and its predecessor Upsample: a sparse weighted sum along every axis that changes.
struct Resize: DifferentiableOperator {
  enum Mode: String, CaseIterable { case nearest, linear, cubic }

  enum Coordinates: String, CaseIterable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case tensorflowHalfPixel = "tf_half_pixel_for_nn"
    case crop = "tf_crop_and_resize"
  }

  enum Rounding: String, CaseIterable {
    case preferFloor = "round_prefer_floor"
    case preferCeiling = "round_prefer_ceil"
    case floor
    case ceiling = "ceil"
  }

  enum AspectRatio: String, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  var mode: Mode
  var coordinates = Coordinates.asymmetric
  /// Nil before opset 11: down if the axis grows, up if it shrinks, as other runtimes do.
  var rounding: Rounding?
  var cubicCoefficient = -0.75
  var excludesOutside = false
  var antialiases = false
  var extrapolation: Float = 0
  var aspectRatio = AspectRatio.stretch
  var axes: [Int]?
  /// The scales if they are attributes, before opset 9.
  var scales: [Float]?
  /// The positions of `roi`, `scales` and `sizes` among the inputs.
  var inputPlaces: (roi: Int?, scales: Int, sizes: Int?) = (nil, 1, nil)

  func axes(_ inputs: NodeInputs) -> AxisMapping { coordinates == .crop ? .unknown : .resampled }
  var role: OperatorRole { .resampling }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .linear : nil }

  static func makeUpsample(_ reader: inout AttributeReader) throws -> Self {
    let mode = try reader.string("mode", default: "nearest")
    guard ["nearest", "linear", "bilinear"].contains(mode) else {
      throw GradCAMError(.unsupported, at: "attribute 'mode'", problem: "'\(mode)' is not supported")
    }
    var resize = Resize(mode: mode == "nearest" ? .nearest : .linear)
    if reader.opset < 7 {
      resize.scales = [1, 1, try reader.float("height_scale", default: 1), try reader.float("width_scale", default: 1)]
    } else if reader.opset < 9 {
      resize.scales = try reader.floats("scales") ?? []
    }
    return resize
  }

  static func make(_ reader: inout AttributeReader) throws -> Self {
    var resize = Resize(mode: try reader.choice("mode", default: .nearest))
    guard reader.opset >= 11 else { return resize }
    resize.inputPlaces = (1, 2, 3)
    resize.coordinates = try reader.choice("coordinate_transformation_mode", default: .halfPixel)
    resize.rounding = try reader.choice("nearest_mode", default: Rounding.preferFloor)
    resize.cubicCoefficient = Double(try reader.float("cubic_coeff_a", default: -0.75))
    resize.excludesOutside = try reader.flag("exclude_outside")
    resize.extrapolation = try reader.float("extrapolation_value", default: 0)
    resize.antialiases = try reader.flag("antialias")
    resize.aspectRatio = try reader.choice("keep_aspect_ratio_policy", default: .stretch)
    resize.axes = try reader.ints("axes")
    guard !resize.antialiases || resize.mode != .nearest else {
      throw GradCAMError(.badData, at: "attribute 'antialias'", problem: "does not apply to the mode 'nearest'")
    }
    return resize
  }

  /// The longest axis whose weights are built.
  private static let extentLimit = 1 << 26

  /// How one axis changes.
  private struct Change {
    let axis, inputs: Int
    var outputs: Int
    var scale: Float
    var roi: (start: Double, end: Double) = (0, 1)
  }

  private func changes(_ inputs: NodeInputs) throws -> [Change] {
    let shape = try inputs.required(0).shape
    guard shape.count > 0 else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(shape) has nothing to interpolate")
    }
    let axes = try axes.map(shape.axes) ?? Array(shape.dimensions.indices)
    let scales = try self.scales ?? inputs.contents(inputPlaces.scales)?.floats ?? []
    let sizes = try inputPlaces.sizes.flatMap { try inputs.integers($0) } ?? []
    var changes: [Change]
    if !scales.isEmpty {
      guard scales.count == axes.count, scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw GradCAMError(.badData, problem: "scales \(scales) do not fit a tensor of shape \(shape)")
      }
      changes = try zip(axes, scales).map { axis, scale in
        let extent = (Float(shape[axis]) * scale).rounded(.down)
        guard extent <= Float(Shape.elementLimit) else {
          throw GradCAMError(.badData, problem: "scale \(scale) is too large")
        }
        return Change(axis: axis, inputs: shape[axis], outputs: Int(extent), scale: scale)
      }
    } else {
      guard sizes.count == axes.count, sizes.allSatisfy({ (0...Shape.elementLimit).contains($0) }) else {
        throw GradCAMError(.badData, problem: "sizes \(sizes) do not fit a tensor of shape \(shape)")
      }
      changes = zip(axes, sizes).map { axis, size in
        Change(axis: axis, inputs: shape[axis], outputs: size, scale: Float(size) / Float(shape[axis]))
      }
      if aspectRatio != .stretch {
        let scales = changes.map(\.scale)
        let scale = (aspectRatio == .notLarger ? scales.min() : scales.max()) ?? 1
        for index in changes.indices {
          changes[index].scale = scale
          let extent = (Float(changes[index].inputs) * scale).rounded(.toNearestOrAwayFromZero)
          changes[index].outputs = Int(min(extent, Float(Shape.elementLimit)))
        }
      }
    }
    for change in changes where max(change.inputs, change.outputs) > Self.extentLimit {
      throw GradCAMError(.badData, problem: "axis \(change.axis) would have \(change.outputs) elements")
    }
    if coordinates == .crop {
      let roi = try inputs.contents(inputPlaces.roi!)?.floats ?? []
      guard roi.count == 2 * axes.count, roi.allSatisfy({ abs($0) <= 1e6 }) else {
        throw GradCAMError(.badData, problem: "the region \(roi) does not fit a tensor of shape \(shape)")
      }
      for index in changes.indices { changes[index].roi = (Double(roi[index]), Double(roi[axes.count + index])) }
    }
    return changes
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.isFloatingPoint else {
      throw GradCAMError(.unsupported, problem: "elements of type \(x.elementType) cannot be interpolated")
    }
    var extents = x.shape.dimensions
    for change in try changes(inputs) { extents[change.axis] = change.outputs }
    return [ValueInfo(x.elementType, try Shape(checked: extents))]
  }

  /// The position of an output element on the input axis, in input elements.
  private func position<Real: BinaryFloatingPoint>(of index: Int, _ change: Change) -> Real {
    let x = Real(index), scale = Real(change.scale)
    let inputs = Real(change.inputs), outputs = Real(change.outputs)
    switch coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let exact = scale * inputs
      return inputs / 2 * (1 - outputs / exact) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return change.outputs > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return change.outputs > 1 ? x * (inputs - 1) / (outputs - 1) : 0
    case .asymmetric: return x / scale
    case .tensorflowHalfPixel: return (x + 0.5) / scale
    case .crop:
      let start = Real(change.roi.start), end = Real(change.roi.end)
      return change.outputs > 1
        ? start * (inputs - 1) + x * (end - start) * (inputs - 1) / (outputs - 1)
        : (start + end) * (inputs - 1) / 2
    }
  }

  private func weights(_ change: Change) -> AxisWeights {
    let rows = (0..<change.outputs).map { mode == .nearest ? nearest($0, change) : weighted($0, change) }
    return AxisWeights(inputs: change.inputs, rows: rows, empty: extrapolation)
  }

  // In float32, so that a scale such as 1/3 gives integer positions as in other runtimes.
  private func nearest(_ index: Int, _ change: Change) -> [AxisWeights.Tap] {
    let x: Float = position(of: index, change)
    if coordinates == .crop, x < 0 || x > Float(change.inputs - 1) { return [] }
    let rounded =
      switch rounding {
      case .preferFloor: (x - 0.5).rounded(.up)
      case .preferCeiling: (x + 0.5).rounded(.down)
      case .floor: x.rounded(.down)
      case .ceiling: x.rounded(.up)
      case nil: x.rounded(change.scale < 1 ? .up : .down)
      }
    let last = Float(change.inputs - 1)
    return [.init(index: Int(max(0, min(last, rounded))), weight: 1)]
  }

  private func weighted(_ index: Int, _ change: Change) -> [AxisWeights.Tap] {
    let x: Double = position(of: index, change)
    let last = change.inputs - 1
    if coordinates == .crop, x < 0 || x > Double(last) { return [] }
    let stretch = antialiases ? min(1, Double(change.scale)) : 1
    let radius = (mode == .linear ? 1 : 2) / stretch
    var taps: [(index: Int, weight: Double)] = []
    for index in Int((x - radius).rounded(.up))...Int((x + radius).rounded(.down)) {
      let distance = (Double(index) - x) * stretch
      let weight = mode == .linear ? max(0, 1 - abs(distance)) : keysKernel(distance, cubicCoefficient)
      let inside = max(0, min(last, index))
      if weight == 0 || (excludesOutside && inside != index) { continue }
      if taps.last?.index == inside { taps[taps.count - 1].weight += weight } else { taps.append((inside, weight)) }
    }
    let sum = antialiases || excludesOutside ? taps.reduce(0) { $0 + $1.weight } : 1
    return taps.map { .init(index: $0.index, weight: Float($0.weight / sum)) }
  }

  /// The axes that change, in the order that minimises the work.
  private func weights(_ inputs: NodeInputs) throws -> [(axis: Int, weights: AxisWeights)] {
    try changes(inputs).map { ($0.axis, weights($0)) }.filter { !$0.1.isIdentity }.sorted {
      let (a, b) = ($0.1.outputs * $1.1.inputs, $1.1.outputs * $0.1.inputs)
      return (a, $1.0) < (b, $0.0)
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let map = SeparableMap(try weights(inputs), shape: try inputs.required(0).shape)
    if map.isIdentity { return .view() }
    return Kernel("resize", scratchByteCount: map.byteCount) { run in
      map.apply(from: run.input(0), to: run.output(0), scratch: run.scratchFloats, pool: run.pool)
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let backwards = try weights(inputs).reversed().map { ($0.axis, $0.weights.transposed) }
    let map = SeparableMap(backwards, shape: outputs[0].shape)
    if map.isIdentity { return .passing(to: wanted) }
    return GradientRule("resize", scratchByteCount: map.byteCount) { run in
      map.apply(from: run.outputGradient, to: run.inputGradient(0), scratch: run.scratchFloats, pool: run.pool)
    }
  }
}
