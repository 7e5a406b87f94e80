import CKernels
import Graph

extension ConvolutionProblem {
  /// The floats of one block of columns: large enough for a good matrix product, small enough for the cache.
  private static let blockCount = 1 << 20

  /// Lays windows out as columns, a block of output rows at a time, and multiplies.
  ///
  /// Where there are many blocks a task takes one; where there are few a task takes part of a block.
  func im2colForward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, groups = groups, batch = batch, depth = depth
    let inputs = inputsPerGroup, outputs = outputsPerGroup
    let width = Int(window.raw.output.2), outputRows = Int(window.raw.output.0 * window.raw.output.1)
    let total = window.outputVolume
    let wholeBlocks = max(1, outputRows * width * depth / Self.blockCount)
    let manyBlocks = wholeBlocks >= 4
    let rowsPerBlock = max(1, (outputRows + wholeBlocks - 1) / wholeBlocks)
    let blocks = (outputRows + rowsPerBlock - 1) / rowsPerBlock
    let scratch = (depth * rowsPerBlock * width + 15) & ~15

    return ConvolutionAlgorithm("im2col gemm", scratchCount: scratch * (manyBlocks ? request.threadCount : 1)) { run in
      for index in 0..<batch * groups {
        let group = index % groups
        let x = run.x + index * inputs * window.inputVolume, y = run.y + index * outputs * total
        let weights = run.weights + group * outputs * depth
        var epilogue = run.epilogue
        epilogue.bias = epilogue.bias.map { $0 + group * outputs }

        func layOut(_ channels: Range<Int>, _ rows: Range<Int>, _ columns: UnsafeMutablePointer<Float>) {
          withUnsafePointer(to: window.raw) { raw in
            im2col(
              x + channels.lowerBound * window.inputVolume, Int64(channels.count), raw, Int64(rows.lowerBound),
              Int64(rows.upperBound), columns + channels.lowerBound * window.kernelVolume * rows.count * width,
              Int64(rows.count * width))
          }
        }
        let left = MatrixOperand(pointer: weights, leading: depth)
        if manyBlocks {
          run.pool.parallelFor(blocks) { block, worker in
            let rows = block * rowsPerBlock..<min(outputRows, (block + 1) * rowsPerBlock)
            let columns = run.scratch + worker * scratch, count = rows.count * width
            layOut(0..<inputs, rows, columns)
            let tile = y + rows.lowerBound * width
            multiply(
              left, MatrixOperand(pointer: columns, leading: count), into: tile, leading: total, rows: outputs,
              columns: count, depth: depth)
            epilogue.apply(to: tile, rows: 0..<outputs, columns: count, leading: total)
          }
        } else {
          for block in 0..<blocks {
            let rows = block * rowsPerBlock..<min(outputRows, (block + 1) * rowsPerBlock), count = rows.count * width
            run.pool.parallelRanges(inputs, grain: (inputs + 7) / 8) { layOut($0, rows, run.scratch) }
            multiply(
              left, MatrixOperand(pointer: run.scratch, leading: count), into: y + rows.lowerBound * width,
              leading: total, rows: outputs, columns: count, depth: depth, epilogue: epilogue, pool: run.pool)
          }
        }
      }
    }
  }

  /// Multiplies by the transposed weights and adds the columns back; a task takes some channels of dx.
  func im2colBackward(_ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, groups = groups, batch = batch, depth = depth
    let inputs = inputsPerGroup, outputs = outputsPerGroup
    let perChannel = window.kernelVolume * window.outputVolume
    let channelsPerTask = max(1, min((inputs + 3) / 4, Self.blockCount / max(perChannel, 1)))
    let scratch = (channelsPerTask * perChannel + 15) & ~15

    return ConvolutionAlgorithm("gemm col2im", scratchCount: scratch * request.threadCount) { run in
      for index in 0..<batch * groups {
        let dy = run.x + index * outputs * window.outputVolume, dx = run.y + index * inputs * window.inputVolume
        let weights = run.weights + index % groups * outputs * depth
        run.pool.parallelFor((inputs + channelsPerTask - 1) / channelsPerTask) { task, worker in
          let channels = task * channelsPerTask..<min(inputs, (task + 1) * channelsPerTask)
          let columns = run.scratch + worker * scratch
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
