import CKernels
import Graph

/// One way to compute the gradient at a convolution's weights.
struct WeightGradientAlgorithm: Sendable {
  let workerScratchByteCount: Int
  /// Writes dw from x and dy.
  let run:
    @Sendable (
      _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>, WorkerScratch,
      ThreadPool
    ) -> Void
}

extension ConvolutionProblem {
  /// The algorithm for the gradient of weights that are computed themselves.
  ///
  /// A task lays out the windows of some channels as columns and multiplies dy by their transpose.
  var weightGradient: WeightGradientAlgorithm {
    let window = window, groups = groups, batch = batch, depth = depth
    let inputs = inputsPerGroup, outputs = outputsPerGroup, cells = window.kernelVolume, places = window.outputVolume
    let channelsPerTask = max(1, min((inputs + 3) / 4, (1 << 20) / max(cells * places, 1)))
    let tasksPerGroup = (inputs + channelsPerTask - 1) / channelsPerTask
    let scratch = (channelsPerTask * cells * places + 15) & ~15
    return WeightGradientAlgorithm(workerScratchByteCount: scratch * MemoryLayout<Float>.size) {
      x, dy, dw, workerScratch, pool in
      pool.parallelFor(groups * tasksPerGroup) { index, worker in
        let (group, task) = index.quotientAndRemainder(dividingBy: tasksPerGroup)
        let channels = task * channelsPerTask..<min(inputs, (task + 1) * channelsPerTask)
        let columns = workerScratch[worker]
        for image in 0..<batch {
          let item = image * groups + group
          withUnsafePointer(to: window.raw) { raw in
            im2col(
              x + (item * inputs + channels.lowerBound) * window.inputVolume, Int64(channels.count), raw, columns)
          }
          multiply(
            MatrixOperand(pointer: dy + item * outputs * places, leading: places),
            MatrixOperand(pointer: columns, leading: places, transposed: true),
            into: dw + group * outputs * depth + channels.lowerBound * cells, leading: depth, rows: outputs,
            columns: channels.count * cells, depth: places, accumulate: image > 0)
        }
      }
    }
  }
}

/// Writes the gradient of a number added to each channel: the sum over the batch and all positions.
func sumChannels(
  _ dy: UnsafePointer<Float>, batch: Int, channels: Int, area: Int, into db: UnsafeMutablePointer<Float>,
  on pool: ThreadPool
) {
  pool.parallelRanges(channels, grain: max(1, elementwiseGrain / max(1, batch * area))) { range in
    for channel in range {
      var sum = 0.0
      for image in 0..<batch {
        let plane = dy + (image * channels + channel) * area
        for index in 0..<area { sum += Double(plane[index]) }
      }
      db[channel] = Float(sum)
    }
  }
}
