import Graph

let padOperators: [OperatorEntry] = [
  OperatorEntry("Pad", inputs: 1...4, make: Pad.make),
  OperatorEntry("LegacyPadding", domain: microsoft, inputs: 1...1) { reader in
    let value = try reader.float("value", default: 0), pads = try reader.ints("pads") ?? []
    guard let window = try reader.ints("kernel_shape"), let strides = try reader.ints("strides") else {
      throw GradCAMError(.badData, problem: "attribute 'kernel_shape' or 'strides' is missing")
    }
    let begins = pads.isEmpty ? [Int](repeating: 0, count: window.count) : pads
    guard strides.count == window.count, begins.count == window.count,
      (window + strides).allSatisfy((1...Shape.elementLimit).contains),
      begins.allSatisfy((0...Shape.elementLimit).contains)
    else { throw GradCAMError(.badData, problem: "windows \(window) by \(strides) with pads \(pads) are impossible") }
    let axes = AxisMapping.sliced(
      starts: [0, 0] + begins.map { -$0 }, steps: [Int](repeating: 1, count: begins.count + 2))
    return Composite(axes: axes) {
      try legacyPadding($0, window: window, strides: strides, begins: begins, value: value)
    }
  },
]

/// The padding of Caffe's and Core ML's pooling, whose windows reach the last pixel: the number of windows is rounded up,
/// without windows that begin in the padding.
private func legacyPadding(
  _ inputs: NodeInputs, window: [Int], strides: [Int], begins: [Int], value: Float
) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let x = try inputs.required(0), count = window.count
  guard x.shape.rank == count + 2 else {
    throw GradCAMError(.badData, problem: "windows \(window) do not fit a tensor of shape \(x.shape)")
  }
  let ends = (0..<count).map { axis in
    let extent = x.shape[axis + 2], stride = strides[axis], begin = begins[axis]
    var last = max(0, extent + 2 * begin - window[axis] + stride - 1) / stride
    if begin > 0, last * stride >= extent + begin { last -= 1 }
    return max(0, last * stride + window[axis] - extent - begin)
  }
  let amounts = body.integers([0, 0] + begins + [0, 0] + ends)
  return body.returning(body("Pad", 0, amounts, body.number(value, type: x.elementType)))
}

struct Pad: MovementOperator {
  enum Mode: String, CaseIterable { case constant, reflect, edge, wrap }

  let mode: Mode
  /// The pads and the value if they are attributes, before opset 11.
  let attributes: (pads: [Int], value: Float)?

  static func make(_ reader: inout AttributeReader) throws -> Self {
    let mode = try reader.choice("mode", default: Mode.constant)
    guard reader.opset < 11 else { return Pad(mode: mode, attributes: nil) }
    guard let pads = try reader.ints(reader.opset < 2 ? "paddings" : "pads") else {
      throw GradCAMError(.badData, problem: "attribute 'pads' is missing")
    }
    return Pad(mode: mode, attributes: (pads, try reader.float("value", default: 0)))
  }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let pads = try? pads(inputs) else { return .unknown }
    return .sliced(starts: pads.map { -$0.begin }, steps: pads.map { _ in 1 })
  }

  /// The maximum number of pieces of a padded tensor.
  private static let runLimit = 1 << 16

  /// Consecutive output indices of an axis whose input indices have a constant step.
  private struct Run {
    let target, source: Int
    var step = 1, extent = 1
  }

  /// The numbers of elements added, or removed if negative, at the two ends of every axis.
  private func pads(_ inputs: NodeInputs) throws -> [(begin: Int, end: Int)] {
    let shape = try inputs.required(0).shape
    let pads = try attributes?.pads ?? inputs.requiredIntegers(1)
    let axes = try attributes == nil ? inputs.integers(3).map(shape.axes) : nil
    let padded = axes ?? Array(shape.dimensions.indices)
    guard pads.count == 2 * padded.count, pads.allSatisfy({ abs(Double($0)) <= Double(Shape.elementLimit) }) else {
      throw GradCAMError(.badData, problem: "pads \(pads) do not fit a tensor of shape \(shape)")
    }
    var result = shape.dimensions.map { _ in (begin: 0, end: 0) }
    for (index, axis) in padded.enumerated() { result[axis] = (pads[index], pads[padded.count + index]) }
    return result
  }

  /// The padding before all axes, then after them, if only zeros are added; else nil.
  ///
  /// - Parameter constant: the contents of an input.
  func zeros(_ inputs: [ValueID?], constant: (ValueID) -> Tensor?) -> [Int]? {
    guard mode == .constant else { return nil }
    if let attributes { return attributes.value == 0 ? attributes.pads : nil }
    guard inputs.count > 1, let pads = inputs[1].flatMap(constant), inputs.dropFirst(3).allSatisfy({ $0 == nil }),
      inputs.dropFirst(2).allSatisfy({ $0 == nil || constant($0!)?.floats == [0] })
    else { return nil }
    return pads.integers.map { Int($0) }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let pads = try pads(inputs)
    let shape = try Shape(checked: zip(x.shape.dimensions, pads).map { $0 + $1.begin + $1.end })
    if mode != .constant {
      for (extent, pad) in zip(x.shape.dimensions, pads)
      where extent + min(0, pad.begin) + min(0, pad.end) <= 0 && (pad.begin > 0 || pad.end > 0) {
        throw GradCAMError(.badData, problem: "a tensor of shape \(x.shape) has no elements to pad from")
      }
    }
    if let value = inputs[2], value.shape.count != 1 || value.elementType.storage != x.elementType.storage {
      throw GradCAMError(.badData, problem: "the padding value is not one element of the input's type")
    }
    return [ValueInfo(x.elementType, shape)]
  }

  private func runs(extent: Int, pad: (begin: Int, end: Int)) -> [Run] {
    let first = max(0, -pad.begin)
    let kept = extent - first - max(0, -pad.end)
    let begin = max(0, pad.begin)
    if mode == .constant { return kept > 0 ? [Run(target: begin, source: first, extent: kept)] : [] }
    func source(_ target: Int) -> Int {
      let index = target - begin
      switch mode {
      case .edge, .constant: return max(0, min(kept - 1, index))
      case .wrap: return (index % kept + kept) % kept
      case .reflect:
        let period = max(1, 2 * (kept - 1))
        let phase = (index % period + period) % period
        return phase < kept ? phase : period - phase
      }
    }
    var runs: [Run] = []
    var previous = 0
    for target in 0..<extent + pad.begin + pad.end {
      let index = first + source(target)
      if let last = runs.indices.last {
        if runs[last].extent == 1, abs(index - previous) <= 1 { runs[last].step = index - previous }
        if index == previous + runs[last].step {
          runs[last].extent += 1
          previous = index
          continue
        }
      }
      runs.append(Run(target: target, source: index))
      previous = index
    }
    return runs
  }

  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement {
    let shape = try inputs.required(0).shape
    let axes = zip(zip(shape.dimensions, try pads(inputs)), zip(shape.strides, outputs[0].shape.strides))
    var maps = [StridedMap(axes: [])]
    for ((extent, pad), (source, target)) in axes {
      let runs = runs(extent: extent, pad: pad)
      guard maps.count * runs.count <= Self.runLimit else {
        throw GradCAMError(.unsupported, problem: "a tensor of shape \(shape) would be repeated too often")
      }
      maps = maps.flatMap { map in
        runs.map { run in
          StridedMap(
            axes: map.axes + [.init(extent: run.extent, source: run.step * source, target: target)],
            sourceOffset: map.sourceOffset + run.source * source,
            targetOffset: map.targetOffset + run.target * target)
        }
      }
    }
    let background: Movement.Background =
      if mode != .constant {
        .covered
      } else if let attributes, attributes.value != 0 {
        .element(Tensor([attributes.value], shape: []))
      } else if inputs[2] != nil, attributes == nil {
        .input(2)
      } else {
        .zeros
      }
    return Movement(moves: maps.map { Move(map: $0) }, background: background, isInjective: mode == .constant)
  }
}
