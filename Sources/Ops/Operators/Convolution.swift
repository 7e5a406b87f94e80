import CKernels
import Graph

let convolutionOperators: [OperatorEntry] = [
  OperatorEntry("Conv", inputs: 2...3) { reader in try Convolution(&reader) },
  OperatorEntry("ConvTranspose", inputs: 2...3) { reader in try ConvTranspose(&reader) },
  OperatorEntry("DeformConv", since: 19, inputs: 3...5) { reader in try DeformConv(&reader) },
]

/// Conv, followed by the addition of another tensor and by a clamp or another activation if these were fused into it.
struct Convolution: DifferentiableOperator {
  private var attributes: WindowAttributes
  private let groups: Int
  var clamp = Clamp.none
  var activation: FusedActivation?

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    groups = try reader.int("group", default: 1)
  }

  var role: OperatorRole { .convolution }
  func axes(_ inputs: NodeInputs) -> AxisMapping { (try? problem(inputs).window.axes) ?? .channelsFirst }
  func channelBias(_ inputs: NodeInputs) -> [Float]? { inputs[2]?.constant?.floats }

  func linearWeights(_ inputs: NodeInputs) -> LinearWeights? {
    guard groups == 1, isPlain, let weights = inputs[1]?.constant, weights.shape.rank > 1,
      weights.shape.count == weights.shape[0] * weights.shape[1]
    else { return nil }
    return LinearWeights(weights.floats, inputCount: weights.shape[1])
  }

  /// Whether no clamp or other activation was fused into it.
  var isPlain: Bool { clamp == .none && activation == nil }

  /// The same convolution with more zeros around its input: before all spatial axes, then after them; nil if its own
  /// padding depends on the input's extents.
  func padded(by added: [Int]) -> Convolution? {
    guard attributes.autoPad == .notSet || attributes.autoPad == .valid else { return nil }
    let own = attributes.autoPad == .valid ? nil : attributes.pads
    guard own == nil || own!.count == added.count else { return nil }
    var padded = self
    padded.attributes.autoPad = .notSet
    padded.attributes.pads = own.map { zip($0, added).map(+) } ?? added
    return padded
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    try inputs.expectFloats()
    let problem = try problem(inputs)
    let x = try inputs.required(0), y = Shape([problem.batch, problem.outputChannels] + problem.window.output)
    if let residual = inputs[3], residual.shape != y {
      throw GradCAMError(.badData, problem: "the tensor to add has shape \(residual.shape), but the result has \(y)")
    }
    return [ValueInfo(x.elementType, y)]
  }

  /// Whether it is a 1 × 1 convolution in one group.
  func isPointwise(_ inputs: NodeInputs) -> Bool {
    groups == 1 && (try? problem(inputs))?.window.isPointwise == true
  }

  /// Whether it filters every channel by itself, with one filter.
  func isDepthwise(_ inputs: NodeInputs) -> Bool {
    guard let problem = try? problem(inputs) else { return false }
    return problem.isDepthwise && problem.inputChannels == problem.outputChannels
  }

  /// What happens to its result, in place.
  func epilogue(bias: UnsafePointer<Float>?, residual: UnsafePointer<Float>?) -> Epilogue {
    Epilogue(bias: bias, residual: residual, clamp: clamp, activation: activation)
  }

  /// The convolution for inputs of these extents.
  func problem(_ inputs: NodeInputs) throws -> ConvolutionProblem {
    let x = try inputs.required(0).shape, weights = try inputs.required(1).shape
    guard x.rank >= 3, weights.rank == x.rank else {
      throw GradCAMError(.badData, problem: "input \(x) and weights \(weights) do not fit a convolution")
    }
    guard groups > 0, x[1] > 0, x[1] == weights[1] * groups, weights[0] % groups == 0 else {
      throw GradCAMError(
        .badData, problem: "input \(x) does not have the channels of weights \(weights) in \(groups) groups")
    }
    if let bias = inputs[2], bias.shape.count != weights[0] {
      throw GradCAMError(.badData, problem: "bias \(bias.shape) does not have \(weights[0]) elements")
    }
    let kernel = Array(weights.dimensions[2...])
    if let declared = attributes.kernel, declared != kernel {
      throw GradCAMError(.badData, problem: "kernel_shape \(declared) does not match the weights \(weights)")
    }
    return ConvolutionProblem(
      batch: x[0], groups: groups, inputChannels: x[1], outputChannels: weights[0],
      window: try attributes.resolve(input: x, kernel: kernel))
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let problem = try problem(inputs)
    let algorithm = problem.forward(weights: inputs[1]?.constant, request)
    let hasBias = inputs[2] != nil, hasResidual = inputs[3] != nil
    return Kernel(
      algorithm.name, scratchByteCount: algorithm.scratchByteCount,
      workerScratchByteCount: algorithm.workerScratchByteCount, operationCount: problem.operationCount
    ) { run in
      algorithm.run(
        ConvolutionArguments(
          x: run.input(0), weights: run.input(1), y: run.output(0),
          epilogue: epilogue(bias: hasBias ? run.input(2) : nil, residual: hasResidual ? run.input(3) : nil),
          scratch: run.scratchFloats, workerScratch: run.workerScratch, pool: run.pool))
    }
  }

  func rectifies(_ inputs: NodeInputs) -> Bool { clamp == .rectifier }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { isPlain ? .ofProduct(wanted) : nil }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard activation == nil else { throw GradCAMError(.defect, problem: "a gradient through a fused activation") }
    let problem = try problem(inputs)
    let algorithm = wanted.contains(0) ? problem.backward(weights: inputs[1]?.constant, request) : nil
    let weights = wanted.contains(1) ? problem.weightGradient : nil
    let count = outputs[0].shape.count, clamp = clamp, isClamped = clamp != .none, passesResidual = wanted.contains(3)
    // A fused clamp first stops the gradient where the output lies at a bound. The rest is the residual's gradient.
    let maskOffset = ((algorithm?.scratchByteCount ?? 0) + 63) & ~63
    let maskByteCount = isClamped && !passesResidual ? count * MemoryLayout<Float>.size : 0
    let products = [algorithm != nil, weights != nil].count { $0 }
    return GradientRule(
      algorithm?.name ?? (weights == nil ? "clamp" : "weights"),
      readsInputs: Set((algorithm == nil ? [] : [1]) + (weights == nil ? [] : [0])), readsOutputs: isClamped ? [0] : [],
      passes: passesResidual && !isClamped ? [3] : [], scratchByteCount: maskOffset + maskByteCount,
      workerScratchByteCount: max(algorithm?.workerScratchByteCount ?? 0, weights?.workerScratchByteCount ?? 0),
      operationCount: Double(products) * problem.operationCount
    ) { run in
      var dy = run.outputGradient
      if isClamped {
        let masked =
          passesResidual ? run.inputGradient(3) : (run.scratch + maskOffset).assumingMemoryBound(to: Float.self)
        let y = run.output(0), unmasked = dy
        run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
          let start = range.lowerBound
          clamp_gradient(y + start, unmasked + start, clamp.low, clamp.high, masked + start, Int64(range.count))
        }
        dy = UnsafePointer(masked)
      }
      algorithm?.run(
        ConvolutionArguments(
          x: dy, weights: run.input(1), y: run.inputGradient(0), epilogue: .none, scratch: run.scratchFloats,
          workerScratch: run.workerScratch, pool: run.pool))
      weights?.run(run.input(0), dy, run.inputGradient(1), run.workerScratch, run.pool)
      guard wanted.contains(2) else { return }
      sumChannels(
        dy, batch: problem.batch, channels: problem.outputChannels, area: problem.window.outputVolume,
        into: run.inputGradient(2), on: run.pool)
    }
  }
}
