import CKernels
import Graph

/// BatchNormalization in inference mode: y = x·scale/√(var + epsilon) + shift, for each channel, then clamped if a Relu
/// or Clip was fused into it.
struct BatchNormalization: DifferentiableOperator {
  let epsilon: Float
  var clamp = Clamp.none

  init(_ reader: inout AttributeReader) throws {
    reader.ignore("consumed_inputs", "is_test", "momentum", "training_mode")
    epsilon = try reader.float("epsilon", default: 1e-5)
    guard try reader.flag("spatial", default: true) else {
      throw GradCAMError(.unsupported, at: "attribute 'spatial'", problem: "only normalisation by channel is supported")
    }
  }

  /// The operator of a node: in training mode, which before opset 14 its further outputs ask for, that of the
  /// statistics of its own input.
  static func make(_ reader: inout AttributeReader) throws -> any GraphOperator {
    let momentum = try reader.float("momentum", default: 0.9)
    let hasFurtherOutputs = reader.node.outputs.dropFirst().contains { $0 != nil }
    let isTraining = try reader.opset < 14 ? hasFurtherOutputs : reader.flag("training_mode")
    let normalization = try BatchNormalization(&reader)
    return isTraining
      ? BatchStatisticsNormalization(epsilon: normalization.epsilon, momentum: momentum) : normalization
  }

  var role: OperatorRole { .normalization }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    wanted == [0] && clamp == .none ? .elementwise : nil
  }

  func channelBias(_ inputs: NodeInputs) -> [Float]? {
    let parameters = (1...4).compactMap { inputs[$0]?.constant?.floats }
    guard parameters.count == 4 else { return nil }
    return parameters[0].indices.map { channel in
      let deviation = (parameters[3][channel] + epsilon).squareRoot()
      return parameters[1][channel] - parameters[2][channel] * parameters[0][channel] / deviation
    }
  }

  func scaling(_ inputs: NodeInputs) -> ConstantScaling? {
    guard let shift = channelBias(inputs), let scale = inputs[1]?.constant?.floats,
      let variance = inputs[4]?.constant?.floats
    else { return nil }
    return ConstantScaling(
      of: 0, by: zip(scale, variance).map { $0 / ($1 + epsilon).squareRoot() }, plus: shift, along: 1)
  }

  private func channels(_ inputs: NodeInputs) throws -> Shape {
    let x = try inputs.required(0).shape, channels = x.rank > 1 ? x[1] : 1
    for index in 1...4 where try inputs.required(index).shape.count != channels {
      throw GradCAMError(
        .badData, problem: "input \(index) has shape \(try inputs.required(index).shape) for \(channels) channels")
    }
    return Shape([channels] + [Int](repeating: 1, count: max(0, x.rank - 2)))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    for info in try inputs.all() where !info.elementType.isFloatingPoint { throw unsupportedType(info.elementType) }
    _ = try channels(inputs)
    let x = try inputs.required(0)
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shape = outputs[0].shape, planes = try planes(inputs), clamp = clamp
    return Kernel("batch normalization", placement: .inPlace([0]), scratchByteCount: planes.channels * 8) { run in
      let x = run.input(0), y = run.output(0), factor = run.scratchFloats, shift = factor + planes.channels
      for channel in 0..<planes.channels {
        factor[channel] = run.input(1)[channel] / (run.input(4)[channel] + epsilon).squareRoot()
        shift[channel] = run.input(2)[channel] - run.input(3)[channel] * factor[channel]
      }
      run.pool.parallelRanges(shape.count, grain: elementwiseGrain) { range in
        scale_channels(x, y, range.lowerBound, range.upperBound, planes, factor, shift, clamp.low, clamp.high)
      }
    }
  }

  private func planes(_ inputs: NodeInputs) throws -> channel_planes {
    let shape = try inputs.required(0).shape
    return channel_planes(channels: try channels(inputs).count, area: shape.rank > 2 ? shape.count(2..<shape.rank) : 1)
  }

  func rectifies(_ inputs: NodeInputs) -> Bool { clamp == .rectifier }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shape = outputs[0].shape, channels = try channels(inputs), count = channels.count
    let space = BroadcastSpace(shape, [shape, channels]), planes = try planes(inputs)
    let unbroadcast = Unbroadcast(channels, from: shape)
    let needsSums = wanted != [0], clamp = clamp, isClamped = clamp != .none
    let sumCount = unbroadcast.scratchCount + shape.count + (isClamped ? shape.count : 0)
    return GradientRule(
      "batch normalization", readsInputs: needsSums ? [0, 1, 3, 4] : [1, 4], readsOutputs: isClamped ? [0] : [],
      inPlace: wanted == [0], scratchByteCount: (2 * count + (needsSums ? sumCount : 0)) * 4
    ) { run in
      var dy = run.outputGradient
      let scale = run.input(1), variance = run.input(4)
      let dot = run.scratchFloats, sum = dot + count, scratch = sum + count
      func deviation(_ channel: Int) -> Float { (variance[channel] + epsilon).squareRoot() }
      if needsSums {
        let product = scratch + unbroadcast.scratchCount
        if isClamped {
          let masked = product + shape.count
          clamp_gradient(run.output(0), dy, clamp.low, clamp.high, masked, Int64(shape.count))
          dy = UnsafePointer(masked)
        }
        // Σ dy·x and Σ dy for each channel.
        BroadcastSpace(shape, [shape, shape]).run(multiply_tile, dy, run.input(0), into: product, on: run.pool)
        unbroadcast.run(summing: product, into: dot, scratch: scratch, on: run.pool)
        unbroadcast.run(summing: dy, into: sum, scratch: scratch, on: run.pool)
        for channel in 0..<count {
          let deviation = deviation(channel), total = sum[channel]
          let centred = dot[channel] - run.input(3)[channel] * total
          if wanted.contains(1) { run.inputGradient(1)[channel] = centred / deviation }
          if wanted.contains(2) { run.inputGradient(2)[channel] = total }
          if wanted.contains(3) { run.inputGradient(3)[channel] = -scale[channel] / deviation * total }
          if wanted.contains(4) {
            run.inputGradient(4)[channel] = -scale[channel] * centred / (2 * deviation * deviation * deviation)
          }
        }
      }
      guard wanted.contains(0) else { return }
      let dx = run.inputGradient(0)
      for channel in 0..<count { sum[channel] = scale[channel] / deviation(channel) }
      guard isClamped else { return space.run(multiply_tile, dy, sum, into: dx, on: run.pool) }
      let y = run.output(0), gradient = dy
      run.pool.parallelRanges(shape.count, grain: elementwiseGrain) { range in
        scale_channels_gradient(y, gradient, dx, range.lowerBound, range.upperBound, planes, sum, clamp.low, clamp.high)
      }
    }
  }
}

/// BatchNormalization in training mode: normalises each channel by the mean and variance that it has over the batch and
/// all positions of this input.
///
/// Weights that are standardised so, as NFNets', are constants like any others. Over one picture it is an
/// InstanceNormalization; over several, each one's result depends on all, and so do the gradients.
struct BatchStatisticsNormalization: CompositeOperator {
  let epsilon, momentum: Float

  var role: OperatorRole { .normalization }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }

  /// Returns the result, then the running mean and variance after this batch, then the batch's own.
  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let x = try inputs.required(0), batch = x.shape.rank > 0 ? x.shape[0] : 1,
      channels = x.shape.rank > 1 ? x.shape[1] : 1
    for index in 1...4 where try inputs.required(index).shape.count != channels {
      throw GradCAMError(
        .badData, problem: "input \(index) has shape \(try inputs.required(index).shape) for \(channels) channels")
    }
    let area = x.shape.rank > 2 ? x.shape.count(2..<x.shape.rank) : 1
    // One row for each channel.
    var rows = body.reshape(0, [batch, channels, area])
    if batch > 1 { rows = body.reshape(body.transpose(rows, [1, 0, 2]), [1, channels, batch * area]) }
    var y = body("InstanceNormalization", rows, 1, 2, with: ["epsilon": .float(epsilon)])
    if batch > 1 { y = body.transpose(body.reshape(y, [channels, batch, area]), [1, 0, 2]) }

    let mean = body("ReduceMean", rows, body.integers([-1]))
    let centred = body("Sub", rows, mean)
    let variance = body.reshape(body("ReduceMean", body("Mul", centred, centred), body.integers([-1])), [channels])
    func running(_ old: ValueID, _ new: ValueID) -> ValueID {
      let kept = body("Mul", old, body.number(momentum, type: x.elementType))
      return body("Add", kept, body("Mul", new, body.number(1 - momentum, type: x.elementType)))
    }
    let flatMean = body.reshape(mean, [channels])
    return body.returning(
      body.reshape(y, x.shape.dimensions), running(body.reshape(3, [channels]), flatMean),
      running(body.reshape(4, [channels]), variance), flatMean, variance)
  }
}
