import CKernels
import Graph

extension ConvolutionProblem {
  /// Whether Winograd's form is expected to be the fastest.
  ///
  /// Transforming the weights costs more than one image wins, and rounding errors three times as large let more
  /// Relus near zero fall on the other side: a single image is convolved directly.
  func winogradPays(_ request: KernelRequest) -> Bool {
    guard request.reusesWeights, window.isDense3x3, groups == 1, inputChannels >= 32, outputChannels >= 32 else {
      return false
    }
    let pads = [window.raw.pad.1, window.raw.pad.2, window.raw.pad_end.1, window.raw.pad_end.2]
    guard pads.allSatisfy({ (0...2).contains($0) }) else { return false }
    let tiles = ((Int(window.raw.output.1) + 3) / 4) * ((Int(window.raw.output.2) + 3) / 4) * batch
    return tiles >= 9
  }

  /// F(4×4, 3×3); the gradient is the same with the weights' roles swapped, each filter rotated, and 2 − pad.
  ///
  /// Tile rows are grouped into blocks whose transforms stay in cache. Where there are several blocks a task takes
  /// one; else the tasks share out the channels and the 36 products of the only one.
  func winograd(gradient: Bool, weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    let form = WinogradForm(self, gradient: gradient)
    let packed = request.reusesWeights ? weights?.packedOnce(count: form.weightCount, form.transform) : nil
    let weightCount = packed == nil ? form.weightCount : 0
    let areas = form.blocks > 1 ? request.threadCount : 1
    let areaCount = form.transformCount
    let scratchCount = weightCount + areas * areaCount + request.threadCount * form.rowScratchCount
    return ConvolutionAlgorithm("winograd 4×4", scratchCount: scratchCount) { run in
      if packed == nil { form.transform(run.weights, run.scratch, run.pool) }
      let u = packed.map { UnsafePointer($0.base.assumingMemoryBound(to: Float.self)) } ?? UnsafePointer(run.scratch)
      let transforms = run.scratch + weightCount, rows = transforms + areas * areaCount
      for image in 0..<form.batch {
        form.convolve(
          u, x: run.x + image * form.inputs * form.inputHeight * form.inputWidth,
          y: run.y + image * form.outputs * form.outputHeight * form.outputWidth, epilogue: run.epilogue,
          transforms: transforms, rowScratch: rows, run.pool)
      }
    }
  }
}

/// The extents of a convolution in Winograd's form.
private struct WinogradForm: Sendable {
  let gradient: Bool
  let batch, inputs, outputs: Int
  let inputHeight, inputWidth, outputHeight, outputWidth: Int
  let padTop, padLeft: Int
  let tileRows, tileColumns: Int
  /// Tile rows of a block.
  let rowsPerBlock: Int
  let blocks: Int

  init(_ problem: ConvolutionProblem, gradient: Bool) {
    let raw = problem.window.raw
    self.gradient = gradient
    batch = problem.batch
    inputs = gradient ? problem.outputChannels : problem.inputChannels
    outputs = gradient ? problem.inputChannels : problem.outputChannels
    inputHeight = Int(gradient ? raw.output.1 : raw.input.1)
    inputWidth = Int(gradient ? raw.output.2 : raw.input.2)
    outputHeight = Int(gradient ? raw.input.1 : raw.output.1)
    outputWidth = Int(gradient ? raw.input.2 : raw.output.2)
    padTop = Int(gradient ? 2 - raw.pad.1 : raw.pad.1)
    padLeft = Int(gradient ? 2 - raw.pad.2 : raw.pad.2)
    tileRows = (outputHeight + 3) / 4
    tileColumns = (outputWidth + 3) / 4
    // A block's transforms should stay in the second-level cache, yet give the products at least 96 columns.
    var rows = max(1, (1 << 20) / (Int(winograd_cells) * (inputs + outputs) * tileColumns))
    while rows * tileColumns < 96, rows < tileRows { rows += 1 }
    rowsPerBlock = min(rows, tileRows)
    blocks = (tileRows + rowsPerBlock - 1) / rowsPerBlock
  }

  private var cells: Int { Int(winograd_cells) }
  private var span: Int { rowsPerBlock * tileColumns }
  /// The floats of one cell's packed weights.
  private var cellCount: Int { PackedLeft.count(rows: outputs, depth: inputs) }
  var weightCount: Int { cells * cellCount }
  var transformCount: Int { (cells * (inputs + outputs) * span + 15) & ~15 }
  var rowScratchCount: Int { (Int(winograd_scratch(Int64(tileColumns))) + 15) & ~15 }

  func transform(_ weights: UnsafePointer<Float>, _ u: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
    let outputStride = Int64(9 * (gradient ? 1 : inputs)), inputStride = Int64(9 * (gradient ? outputs : 1))
    let height = Int(product_rows())
    pool.parallelRanges((outputs + height - 1) / height, grain: 1) { panels in
      winograd_weights(
        weights, Int64(outputs), Int64(inputs), outputStride, inputStride, gradient ? 1 : 0,
        Int64(panels.lowerBound * height), Int64(min(outputs, panels.upperBound * height)), u, Int64(cellCount))
    }
  }

  func convolve(
    _ u: UnsafePointer<Float>, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: Epilogue,
    transforms: UnsafeMutablePointer<Float>, rowScratch: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    func block(_ index: Int) -> Range<Int> { index * rowsPerBlock..<min(tileRows, (index + 1) * rowsPerBlock) }
    func transformInput(_ channel: Int, _ rows: Range<Int>, _ v: UnsafeMutablePointer<Float>, _ worker: Int) {
      for row in rows {
        winograd_input(
          x + channel * inputHeight * inputWidth, Int64(inputHeight), Int64(inputWidth), Int64(padTop), Int64(padLeft),
          Int64(row), Int64(tileColumns), v + channel * span + (row - rows.lowerBound) * tileColumns,
          Int64(inputs * span), rowScratch + worker * rowScratchCount)
      }
    }
    func multiplyCell(
      _ cell: Int, _ rows: Range<Int>, _ v: UnsafeMutablePointer<Float>, _ m: UnsafeMutablePointer<Float>
    ) {
      let count = rows.count * tileColumns, width = Int(product_columns())
      var tile = tile_epilogue(accumulate: 0, bias: nil, low: -.infinity, high: .infinity)
      for column in stride(from: 0, to: count, by: width) {
        multiply_panel(
          u + cell * cellCount, Int64(inputs), 0, Int64(outputs), v + cell * inputs * span + column, Int64(span),
          Int64(inputs), Int64(min(width, count - column)), m + cell * outputs * span + column, Int64(span), &tile)
      }
    }
    func transformOutput(_ channel: Int, _ rows: Range<Int>, _ m: UnsafeMutablePointer<Float>, _ worker: Int) {
      for row in rows {
        winograd_output(
          m + channel * span + (row - rows.lowerBound) * tileColumns, Int64(outputs * span), Int64(tileColumns),
          Int64(outputHeight), Int64(outputWidth), Int64(row), epilogue.bias.map { $0[channel] } ?? 0,
          epilogue.clamp.low, epilogue.clamp.high, y + channel * outputHeight * outputWidth,
          rowScratch + worker * rowScratchCount)
      }
    }

    if blocks > 1 {
      pool.parallelFor(blocks) { index, worker in
        let rows = block(index), v = transforms + worker * transformCount, m = v + cells * inputs * span
        for channel in 0..<inputs { transformInput(channel, rows, v, worker) }
        for cell in 0..<cells { multiplyCell(cell, rows, v, m) }
        for channel in 0..<outputs { transformOutput(channel, rows, m, worker) }
      }
    } else {
      let rows = block(0), v = transforms, m = v + cells * inputs * span
      pool.parallelFor(inputs) { channel, worker in transformInput(channel, rows, v, worker) }
      pool.parallelFor(cells) { cell, _ in multiplyCell(cell, rows, v, m) }
      pool.parallelFor(outputs) { channel, worker in transformOutput(channel, rows, m, worker) }
    }
  }
}
