import CKernels
import Graph

/// A convolution with all extents known: x (N, C, spatial…) by weights (M, C ⁄ groups, kernel…) to y (N, M, …).
struct ConvolutionProblem: Sendable {
  let batch: Int
  let groups: Int
  let inputChannels: Int
  let outputChannels: Int
  let window: SpatialWindow

  var inputsPerGroup: Int { inputChannels / groups }
  var outputsPerGroup: Int { outputChannels / groups }
  /// The length of a filter.
  var depth: Int { inputsPerGroup * window.kernelVolume }
  /// A multiply-add counts as two.
  var operationCount: Double {
    2 * Double(batch) * Double(outputChannels) * Double(depth) * Double(window.outputVolume)
  }
  /// Whether every filter sees one channel.
  var isDepthwise: Bool { inputsPerGroup == 1 && window.isFlat }
}

/// The arguments of a convolution algorithm; for a gradient, x is dy and y is dx.
struct ConvolutionArguments {
  let x: UnsafePointer<Float>
  let weights: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let epilogue: Epilogue
  let scratch: UnsafeMutablePointer<Float>
  let workerScratch: WorkerScratch
  let pool: ThreadPool
}

/// One way to compute a convolution or its gradient at x.
struct ConvolutionAlgorithm: Sendable {
  let name: String
  let scratchByteCount: Int
  let workerScratchByteCount: Int
  let run: @Sendable (ConvolutionArguments) -> Void

  init(
    _ name: String, scratchCount: Int = 0, workerScratchCount: Int = 0,
    run: @escaping @Sendable (ConvolutionArguments) -> Void
  ) {
    self.name = name
    scratchByteCount = scratchCount * MemoryLayout<Float>.size
    workerScratchByteCount = workerScratchCount * MemoryLayout<Float>.size
    self.run = run
  }
}

extension ConvolutionProblem {
  /// The algorithm for y from x.
  ///
  /// - Parameter weights: the weights if they are known before the run, so that they can be packed.
  func forward(weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    if isDepthwise { return depthwiseForward(request) }
    if let tile = winogradTile(gradient: false, request) {
      return winograd(tile: tile, gradient: false, weights: weights, request)
    }
    return panels(weights: weights, request)
  }

  /// The algorithm for dx from dy.
  func backward(weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    if isDepthwise { return depthwiseBackward(request) }
    return skippingZeros(denseBackward(weights: weights, request), request)
  }

  private func denseBackward(weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    if window.isPointwise { return panels(transposed: true, weights: weights, request) }
    if let tile = winogradTile(gradient: true, request) {
      return winograd(tile: tile, gradient: true, weights: weights, request)
    }
    return col2imBackward(request)
  }
}
