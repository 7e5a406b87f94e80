import CKernels
import Graph

extension ConvolutionProblem {
  /// The floats of a task's columns: enough for an efficient matrix product, few enough for the cache.
  private static let blockCount = 1 << 20

  /// Multiplies by the transposed weights and adds the columns back; a task computes some channels of dx.
  func col2imBackward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, groups = groups, batch = batch, depth = depth
    let inputs = inputsPerGroup, outputs = outputsPerGroup
    let perChannel = window.kernelVolume * window.outputVolume
    let channelsPerTask = max(1, min((inputs + 3) / 4, Self.blockCount / max(perChannel, 1)))
    let scratch = (channelsPerTask * perChannel + 15) & ~15

    return ConvolutionAlgorithm("gemm col2im", workerScratchCount: scratch) { run in
      for index in 0..<batch * groups {
        let dy = run.x + index * outputs * window.outputVolume, dx = run.y + index * inputs * window.inputVolume
        let weights = run.weights + index % groups * outputs * depth
        run.pool.parallelFor((inputs + channelsPerTask - 1) / channelsPerTask) { task, worker in
          let channels = task * channelsPerTask..<min(inputs, (task + 1) * channelsPerTask)
          let columns = run.workerScratch[worker]
          multiply(
            MatrixOperand(
              pointer: weights + channels.lowerBound * window.kernelVolume, leading: depth, transposed: true),
            MatrixOperand(pointer: dy, leading: window.outputVolume), into: columns, leading: window.outputVolume,
            rows: channels.count * window.kernelVolume, columns: window.outputVolume, depth: outputs)
          let to = dx + channels.lowerBound * window.inputVolume
          to.update(repeating: 0, count: channels.count * window.inputVolume)
          withUnsafePointer(to: window.raw) { col2im(columns, Int64(channels.count), $0, to) }
        }
      }
    }
  }
}
