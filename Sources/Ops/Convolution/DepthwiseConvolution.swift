import CKernels
import Graph

extension ConvolutionProblem {
  /// Filters that see one channel each: a task takes some planes.
  func depthwiseForward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, outputs = outputChannels, perInput = outputChannels / inputChannels
    let planes = batch * outputChannels
    let scratch = Self.depthwiseScratchCount(window)
    let planesPerTask = max(
      Self.operationsPerTask / max(2 * window.kernelVolume * window.outputVolume, 1),
      (planes + 4 * request.threadCount - 1) / (4 * request.threadCount), 1)
    return ConvolutionAlgorithm("depthwise", scratchCount: request.threadCount * scratch) { run in
      let end = run.x + planes / perInput * window.inputVolume
      run.pool.parallelFor((planes + planesPerTask - 1) / planesPerTask) { task, worker in
        var range = depthwise_planes(
          first: Int64(task * planesPerTask), last: Int64(min(planes, (task + 1) * planesPerTask)),
          channels: Int64(outputs), per_input: Int64(perInput))
        var tile = run.epilogue.tile
        withUnsafePointer(to: window.raw) { raw in
          depthwise(run.x, end, run.weights, raw, &range, &tile, run.y, run.scratch + worker * scratch)
        }
      }
    }
  }

  /// A task should outweigh what it costs to hand it out and to prepare it.
  private static let operationsPerTask = 50_000

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
