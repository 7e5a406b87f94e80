import CKernels
import Graph

/// ConvTranspose: the data gradient of a convolution, with this operator's input as the gradient of its result.
struct ConvTranspose: DifferentiableOperator {
  private let attributes: WindowAttributes
  private let groups: Int
  private let outputPadding, outputShape: [Int]?

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    groups = try reader.int("group", default: 1)
    outputPadding = try reader.ints("output_padding")
    outputShape = try reader.ints("output_shape")
  }

  var role: OperatorRole { .convolution }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  func channelBias(_ inputs: NodeInputs) -> [Float]? { inputs[2]?.constant?.floats }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let problem = try problem(inputs)
    let x = try inputs.required(0)
    return [
      ValueInfo(x.elementType, try Shape(checked: [problem.batch, problem.inputChannels] + window(inputs).extents))
    ]
  }

  /// The convolution from the result's extents to the input's.
  private func problem(_ inputs: NodeInputs) throws -> ConvolutionProblem {
    let x = try inputs.required(0).shape, weights = try inputs.required(1).shape
    let window = try window(inputs).window
    guard groups > 0, x[1] > 0, x[1] == weights[0], weights[0] % groups == 0 else {
      throw GradCAMError(
        .badData, problem: "input \(x) does not have the channels of weights \(weights) in \(groups) groups")
    }
    let channels = weights[1] * groups
    if let bias = inputs[2], bias.shape.count != channels {
      throw GradCAMError(.badData, problem: "bias \(bias.shape) does not have \(channels) elements")
    }
    return ConvolutionProblem(
      batch: x[0], groups: groups, inputChannels: channels, outputChannels: x[1], window: window)
  }

  /// The window of that convolution, and the spatial extents of this operator's result.
  private func window(_ inputs: NodeInputs) throws -> (window: SpatialWindow, extents: [Int]) {
    let x = try inputs.required(0).shape, weights = try inputs.required(1).shape
    guard x.rank >= 3, weights.rank == x.rank else {
      throw GradCAMError(.badData, problem: "input \(x) and weights \(weights) do not fit a convolution")
    }
    let rank = x.rank - 2, kernel = Array(weights.dimensions[2...])
    if let declared = attributes.kernel, declared != kernel {
      throw GradCAMError(.badData, problem: "kernel_shape \(declared) does not match the weights \(weights)")
    }
    let strides = attributes.strides ?? Array(repeating: 1, count: rank)
    let dilations = attributes.dilations ?? Array(repeating: 1, count: rank)
    let more = outputPadding ?? Array(repeating: 0, count: rank)
    var pads = attributes.pads ?? Array(repeating: 0, count: 2 * rank)
    // Some exporters write the extents of batch and channels too.
    let wanted = outputShape.map { $0.count == rank + 2 ? Array($0[2...]) : $0 }
    let limit = 1 << 24
    guard strides.count == rank, dilations.count == rank, more.count == rank, pads.count == 2 * rank,
      wanted.map({ $0.count == rank }) ?? true, (kernel + strides + dilations).allSatisfy((1...limit).contains),
      (more + (wanted ?? [])).allSatisfy((0...limit).contains), pads.allSatisfy((-limit...limit).contains)
    else {
      throw GradCAMError(
        .badData, problem: "kernel, strides, dilations, pads, output_padding or output_shape do not fit the input \(x)")
    }
    var extents: [Int] = []
    for axis in 0..<rank {
      let reach = (x[axis + 2] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1
      let isSame = attributes.autoPad == .sameUpper || attributes.autoPad == .sameLower
      if let extent = wanted?[axis] ?? (isSame ? x[axis + 2] * strides[axis] : nil) {
        let total = max(0, reach + more[axis] - extent)
        pads[axis] = attributes.autoPad == .sameUpper ? total / 2 : total - total / 2
        extents.append(extent)
      } else {
        if attributes.autoPad == .valid { (pads[axis], pads[axis + rank]) = (0, 0) }
        extents.append(reach + more[axis] - pads[axis] - pads[axis + rank])
      }
      guard extents[axis] > 0 else {
        throw GradCAMError(.badData, problem: "the result would have no elements along a spatial axis")
      }
      pads[axis + rank] = reach - extents[axis] - pads[axis]
    }
    let window = try SpatialWindow(
      input: extents, output: Array(x.dimensions[2...]), kernel: kernel, strides: strides, dilations: dilations,
      pads: pads)
    return (window, extents)
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let problem = try problem(inputs)
    let algorithm = problem.backward(weights: inputs[1]?.constant, request)
    let hasBias = inputs[2] != nil, channels = problem.inputChannels, plane = problem.window.inputVolume
    return Kernel(
      "transposed " + algorithm.name, scratchByteCount: algorithm.scratchByteCount,
      workerScratchByteCount: algorithm.workerScratchByteCount, operationCount: problem.operationCount
    ) { run in
      let y = run.output(0)
      algorithm.run(
        ConvolutionArguments(
          x: run.input(0), weights: run.input(1), y: y, epilogue: .none, scratch: run.scratchFloats,
          workerScratch: run.workerScratch, pool: run.pool))
      guard hasBias else { return }
      let bias = run.input(2)
      run.pool.parallelRanges(problem.batch * channels, grain: max(1, elementwiseGrain / max(plane, 1))) { range in
        for index in range {
          add_bias_and_clamp(
            y + index * plane, 1, Int64(plane), Int64(plane), bias + index % channels, -.infinity, .infinity)
        }
      }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .ofProduct(wanted) }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let problem = try problem(inputs)
    let algorithm = wanted.contains(0) ? problem.forward(weights: inputs[1]?.constant, request) : nil
    let weights = wanted.contains(1) ? problem.weightGradient : nil
    let products = [algorithm != nil, weights != nil].count { $0 }
    return GradientRule(
      algorithm?.name ?? "weights", readsInputs: Set((algorithm == nil ? [] : [1]) + (weights == nil ? [] : [0])),
      scratchByteCount: algorithm?.scratchByteCount ?? 0,
      workerScratchByteCount: max(algorithm?.workerScratchByteCount ?? 0, weights?.workerScratchByteCount ?? 0),
      operationCount: Double(products) * problem.operationCount
    ) { run in
      let dy = run.outputGradient
      algorithm?.run(
        ConvolutionArguments(
          x: dy, weights: run.input(1), y: run.inputGradient(0), epilogue: .none, scratch: run.scratchFloats,
          workerScratch: run.workerScratch, pool: run.pool))
      weights?.run(dy, run.input(0), run.inputGradient(1), run.workerScratch, run.pool)
      guard wanted.contains(2) else { return }
      sumChannels(
        dy, batch: problem.batch, channels: problem.inputChannels, area: problem.window.inputVolume,
        into: run.inputGradient(2), on: run.pool)
    }
  }
}
