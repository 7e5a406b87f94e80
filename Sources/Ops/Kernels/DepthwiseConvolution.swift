import CKernels
import Graph

extension ConvolutionProblem {
  /// Filters that see one channel each: a task computes some rows of some planes.
  ///
  /// Rows are distributed before planes, so that each thread reads what it wrote in the preceding convolution.
  func depthwiseForward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, outputs = outputChannels, perInput = outputChannels / inputChannels
    let planes = batch * outputChannels, height = Int(window.raw.output.1)
    let scratch = Self.depthwiseScratchCount(window)
    let bands = window.raw.stride.1 <= 2 && height >= 8 * request.threadCount ? request.threadCount : 1
    // Bands start at a multiple of the rows that the kernel computes together.
    let rowsPerBand = (height / bands + 3) / 4 * 4
    let operations = 2 * window.kernelVolume * window.outputVolume / bands
    let tasks = 4 * request.threadCount
    let planesPerTask = max(1, Self.operationsPerTask / max(operations, 1), (planes * bands + tasks - 1) / tasks)
    let groups = (planes + planesPerTask - 1) / planesPerTask
    return ConvolutionAlgorithm("depthwise", workerScratchCount: scratch) { run in
      let end = run.x + planes / perInput * window.inputVolume
      run.pool.parallelFor(bands * groups) { task, worker in
        let band = task / groups, group = task % groups
        var range = depthwise_planes(
          first: Int64(group * planesPerTask), last: Int64(min(planes, (group + 1) * planesPerTask)),
          channels: Int64(outputs), per_input: Int64(perInput), first_row: Int64(min(height, band * rowsPerBand)),
          last_row: Int64(band + 1 == bands ? height : min(height, (band + 1) * rowsPerBand)), start: run.x, end: end)
        var tile = run.epilogue.tile(leading: Int(window.raw.output.2))
        withUnsafePointer(to: window.raw) { raw in
          depthwise(run.x, run.weights, raw, &range, &tile, run.y, run.workerScratch[worker])
        }
        let width = Int(window.raw.output.2), firstRow = Int(range.first_row), rows = Int(range.last_row) - firstRow
        for plane in Int(range.first)..<Int(range.last) {
          run.epilogue.activate(
            run.y + plane * window.outputVolume + firstRow * width, rows: rows, columns: width, leading: width)
        }
      }
    }
  }

  /// A task should outweigh the cost of scheduling and preparing it.
  private static let operationsPerTask = 50_000

  /// A task computes one input plane, which accumulates the gradients of all its filters.
  func depthwiseBackward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, inputs = inputChannels, perInput = outputChannels / inputChannels
    let planes = batch * inputChannels, scratch = Self.depthwiseScratchCount(window)
    return ConvolutionAlgorithm("depthwise", workerScratchCount: scratch) { run in
      run.pool.parallelFor(planes) { plane, worker in
        withUnsafePointer(to: window.raw) { raw in
          for multiple in 0..<perInput {
            depthwise_gradient(
              run.x + (plane * perInput + multiple) * window.outputVolume,
              run.weights + (plane % inputs * perInput + multiple) * window.kernelVolume, raw, multiple > 0 ? 1 : 0,
              run.y + plane * window.inputVolume, run.workerScratch[worker])
          }
        }
      }
    }
  }

  private static func depthwiseScratchCount(_ window: SpatialWindow) -> Int {
    (Int(withUnsafePointer(to: window.raw) { depthwise_scratch($0) }) + 15) & ~15
  }
}
