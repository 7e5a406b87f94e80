import CKernels
import Graph

extension ConvolutionProblem {
  /// Filters that see one channel each: a task takes one plane.
  func depthwiseForward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, outputs = outputChannels, perInput = outputChannels / inputChannels
    let planes = batch * outputChannels
    let scratch = Self.depthwiseScratchCount(window)
    return ConvolutionAlgorithm("depthwise", scratchCount: request.threadCount * scratch) { run in
      run.pool.parallelFor(planes) { plane, worker in
        let channel = plane % outputs, clamp = run.epilogue.clamp
        withUnsafePointer(to: window.raw) { raw in
          depthwise(
            run.x + plane / perInput * window.inputVolume, run.weights + channel * window.kernelVolume, raw,
            run.epilogue.bias.map { $0[channel] } ?? 0, clamp.low, clamp.high, run.y + plane * window.outputVolume,
            run.scratch + worker * scratch)
        }
      }
    }
  }

  /// A task takes one input plane, which gathers the gradients of all its filters.
  func depthwiseBackward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, inputs = inputChannels, perInput = outputChannels / inputChannels
    let planes = batch * inputChannels
    let scratch = Self.depthwiseScratchCount(window)
    return ConvolutionAlgorithm("depthwise", scratchCount: request.threadCount * scratch) { run in
      run.pool.parallelFor(planes) { plane, worker in
        withUnsafePointer(to: window.raw) { raw in
          for multiple in 0..<perInput {
            depthwise_gradient(
              run.x + (plane * perInput + multiple) * window.outputVolume,
              run.weights + (plane % inputs * perInput + multiple) * window.kernelVolume, raw, multiple > 0 ? 1 : 0,
              run.y + plane * window.inputVolume, run.scratch + worker * scratch)
          }
        }
      }
    }
  }

  private static func depthwiseScratchCount(_ window: SpatialWindow) -> Int {
    (Int(withUnsafePointer(to: window.raw) { depthwise_scratch($0) }) + 15) & ~15
  }
}
