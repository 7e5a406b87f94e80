import CKernels
import Graph

extension ConvolutionProblem {
  /// Whether Winograd's form is expected to be the fastest for weights packed before.
  ///
  /// Where they are not, what their transform costs is about what the rest wins at the least; results then do not depend
  /// on how many images there are.
  func winogradPays(gradient: Bool, _ request: KernelRequest) -> Bool {
    guard window.isDense3x3, groups == 1, !request.roundsLittle else { return false }
    let pads = [window.raw.pad.1, window.raw.pad.2, window.raw.pad_end.1, window.raw.pad_end.2]
    guard pads.allSatisfy({ (0...2).contains($0) }) else { return false }
    let form = WinogradForm(self, gradient: gradient, threadCount: request.threadCount)
    return ConvolutionCost.winograd(inputs: form.inputs, outputs: form.outputs, places: form.places)
      < ConvolutionCost.windows(
        inputs: form.inputs, outputs: form.outputs,
        positions: Int(form.outputPlane.height * form.outputPlane.width))
  }

  /// F(4×4, 3×3); the gradient is the same with the weights' roles swapped, each filter rotated, and 2 − pad.
  ///
  /// Tile rows are grouped into blocks whose transforms stay in cache. Where there are several blocks a task takes
  /// one; else the tasks share out the channels and the 36 products of the only one.
  func winograd(gradient: Bool, weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    let form = WinogradForm(self, gradient: gradient, threadCount: request.threadCount)
    let packed = request.reusesWeights ? weights?.packedOnce(count: form.weightCount, form.transform) : nil
    let weightCount = packed == nil ? form.weightCount : 0
    let ownTransforms = form.blocks > 1
    let transformCount = (form.transformCount + 15) & ~15
    let inputArea = Int(form.inputPlane.height * form.inputPlane.width)
    let outputArea = Int(form.outputPlane.height * form.outputPlane.width)
    return ConvolutionAlgorithm(
      "winograd 4×4", scratchCount: weightCount + (ownTransforms ? 0 : transformCount),
      workerScratchCount: form.rowScratchCount + (ownTransforms ? transformCount : 0)
    ) { run in
      if packed == nil { form.transform(run.weights, run.scratch, run.pool) }
      let u = packed.map { UnsafePointer($0.base.assumingMemoryBound(to: Float.self)) } ?? UnsafePointer(run.scratch)
      for image in 0..<form.batch {
        form.convolve(
          u, x: run.x + image * form.inputs * inputArea,
          y: run.y + image * form.outputs * outputArea,
          epilogue: run.epilogue.advanced(by: image * form.outputs * outputArea),
          transforms: {
            ownTransforms ? run.workerScratch[$0] + form.rowScratchCount : run.scratch + weightCount
          }, rowScratch: { run.workerScratch[$0] }, run.pool)
      }
    }
  }
}

/// The extents of a convolution in Winograd's form.
private struct WinogradForm: Sendable {
  let gradient: Bool
  let batch, inputs, outputs: Int
  let inputPlane, outputPlane: winograd_plane
  let tileRows: Int
  /// Tile rows of a block.
  let rowsPerBlock: Int
  let blocks: Int

  /// The floats of a block's transforms that are expected to stay in the second-level cache.
  private static let blockCount = 1 << 18
  init(_ problem: ConvolutionProblem, gradient: Bool, threadCount: Int) {
    let raw = problem.window.raw
    self.gradient = gradient
    batch = problem.batch
    inputs = gradient ? problem.outputChannels : problem.inputChannels
    outputs = gradient ? problem.inputChannels : problem.outputChannels
    let (input, output) = gradient ? (raw.output, raw.input) : (raw.input, raw.output)
    let padTop = gradient ? 2 - raw.pad.1 : raw.pad.1, padLeft = gradient ? 2 - raw.pad.2 : raw.pad.2
    tileRows = (Int(output.1) + 3) / 4
    let tiles = (output.2 + 3) / 4, slots = winograd_slots(input.2, padLeft, tiles)
    inputPlane = winograd_plane(
      height: input.1, width: input.2, pad_top: padTop, pad_left: padLeft, tiles: tiles, slots: slots)
    outputPlane = winograd_plane(
      height: output.1, width: output.2, pad_top: 0, pad_left: 0, tiles: tiles, slots: slots)

    // Blocks are worked on side by side, as many as the threads or a multiple, so that what a thread has transformed it
    // also multiplies. Where that would leave vectors half empty all threads work on one block.
    let rows = tileRows, perRow = Int(winograd_cells) * (inputs + outputs) * Int(slots)
    let fitting = (perRow * rows + Self.blockCount - 1) / Self.blockCount
    let wanted = (max(fitting, 1) + threadCount - 1) / threadCount * threadCount
    func span(_ rows: Int) -> Int { (rows * Int(slots) + 15) & ~15 }
    func span(inBlocksOf part: Int) -> Int { rows / part * span(part) + span(rows % part) }
    let even = (rows + wanted - 1) / wanted
    rowsPerBlock = rows >= wanted && span(inBlocksOf: even) * 8 <= span(rows) * 9 ? even : rows
    blocks = (tileRows + rowsPerBlock - 1) / rowsPerBlock
  }

  /// The places of all tiles.
  var places: Int { tileRows * Int(inputPlane.slots) }
  private var cells: Int { Int(winograd_cells) }
  /// The places of a block's tiles in whole vectors.
  private var span: Int { (rowsPerBlock * Int(inputPlane.slots) + 15) & ~15 }
  // Distances that are no power of two: else the 36 cells of a tile would meet in the same few lines of cache.
  private var inputStride: Int { inputs * span + 16 }
  private var outputStride: Int { outputs * span + 16 }
  private var weightStride: Int { PackedLeft.count(rows: outputs, depth: inputs) + 16 }
  var weightCount: Int { cells * weightStride }
  var transformCount: Int { cells * (inputStride + outputStride) }
  var rowScratchCount: Int { (Int(winograd_scratch(Int64(rowsPerBlock), inputPlane.slots)) + 15) & ~15 }

  func transform(_ weights: UnsafePointer<Float>, _ u: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
    let outputStride = Int64(9 * (gradient ? 1 : inputs)), inputStride = Int64(9 * (gradient ? outputs : 1))
    let height = Int(product_rows())
    pool.parallelRanges((outputs + height - 1) / height, grain: 1) { panels in
      winograd_weights(
        weights, Int64(outputs), Int64(inputs), outputStride, inputStride, gradient ? 1 : 0,
        Int64(panels.lowerBound * height), Int64(min(outputs, panels.upperBound * height)), u, Int64(weightStride))
    }
  }

  func convolve(
    _ u: UnsafePointer<Float>, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: Epilogue,
    transforms: (_ worker: Int) -> UnsafeMutablePointer<Float>,
    rowScratch: (_ worker: Int) -> UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let inputArea = Int(inputPlane.height * inputPlane.width), outputArea = Int(outputPlane.height * outputPlane.width)
    let end = x + inputs * inputArea, order = DepthOrder(channels: inputs)
    func transformInput(_ channel: Int, _ rows: Range<Int>, _ v: UnsafeMutablePointer<Float>, _ worker: Int) {
      withUnsafePointer(to: inputPlane) { plane in
        winograd_input(
          x + channel * inputArea, end, plane, Int64(rows.lowerBound), Int64(rows.count), v + channel * span,
          Int64(inputStride), rowScratch(worker))
      }
    }
    func multiplyCell(_ cell: Int, _ v: UnsafeMutablePointer<Float>, _ m: UnsafeMutablePointer<Float>) {
      let width = Int(product_columns()), weights = PackedLeft(packed: u + cell * weightStride)
      for column in stride(from: 0, to: span, by: width) {
        weights.multiply(
          0..<outputs, 0..<inputs, of: order,
          by: RightRows(pointer: v + cell * inputStride + column, leading: span), columns: min(width, span - column),
          into: m + cell * outputStride + column, leading: span)
      }
    }
    func transformOutput(_ channel: Int, _ rows: Range<Int>, _ m: UnsafeMutablePointer<Float>, _ worker: Int) {
      var tile = epilogue.advanced(channels: channel, plane: outputArea)
        .tile(leading: Int(outputPlane.width))
      withUnsafePointer(to: outputPlane) { plane in
        winograd_output(
          m + channel * span, Int64(outputStride), plane, Int64(rows.lowerBound), Int64(rows.count), &tile,
          y + channel * outputArea, rowScratch(worker))
      }
      let width = Int(outputPlane.width), height = Int(outputPlane.height)
      let first = rows.lowerBound * 4, last = min(height, rows.upperBound * 4)
      epilogue.activate(y + channel * outputArea + first * width, rows: last - first, columns: width, leading: width)
    }

    if blocks > 1 {
      pool.parallelFor(blocks) { index, worker in
        let rows = index * rowsPerBlock..<min(tileRows, (index + 1) * rowsPerBlock)
        let v = transforms(worker), m = v + cells * inputStride
        for channel in 0..<inputs { transformInput(channel, rows, v, worker) }
        for cell in 0..<cells { multiplyCell(cell, v, m) }
        for channel in 0..<outputs { transformOutput(channel, rows, m, worker) }
      }
    } else {
      let v = transforms(0), m = v + cells * inputStride
      pool.parallelFor(inputs) { channel, worker in transformInput(channel, 0..<tileRows, v, worker) }
      pool.parallelFor(cells) { cell, _ in multiplyCell(cell, v, m) }
      pool.parallelFor(outputs) { channel, worker in transformOutput(channel, 0..<tileRows, m, worker) }
    }
  }
}
