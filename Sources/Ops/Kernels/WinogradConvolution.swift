import CKernels
import Graph

extension ConvolutionProblem {
  /// The tile of Winograd's form that is expected to be the fastest for weights packed in advance; nil if windows are.
  ///
  /// Transforming them in the run costs about as much as the rest saves at least; ignoring that keeps results
  /// independent of the number of images.
  func winogradTile(gradient: Bool, _ request: KernelRequest) -> Int? {
    guard window.isDense3x3, groups == 1, !request.roundsLittle else { return nil }
    let pads = [window.raw.pad.1, window.raw.pad.2, window.raw.pad_end.1, window.raw.pad_end.2]
    guard pads.allSatisfy({ (0...2).contains($0) }) else { return nil }
    func cost(_ tile: Int) -> Double {
      let form = WinogradForm(self, tile: tile, gradient: gradient, threadCount: request.threadCount)
      let images = form.imagesWanted
      return ConvolutionCost.winograd(
        cells: form.cells, inputs: form.inputs, outputs: form.outputs, places: images * form.places) / Double(images)
    }
    let (inputs, outputs) = gradient ? (outputChannels, inputChannels) : (inputChannels, outputChannels)
    let plane = gradient ? window.raw.input : window.raw.output
    let windows = ConvolutionCost.windows(inputs: inputs, outputs: outputs, positions: Int(plane.1 * plane.2))
    let best = [4, 2].map { (tile: $0, cost: cost($0)) }.min { $0.cost < $1.cost }!
    return best.cost < windows ? best.tile : nil
  }

  /// F(4×4, 3×3) or F(2×2, 3×3); the gradient is the same with inputs and outputs swapped, each filter rotated, and
  /// 2 − pad.
  ///
  /// Tile rows are grouped into blocks whose transforms stay in cache; small images are grouped so that their tiles
  /// fill whole vectors and share the loads of the weights. With several blocks, a task computes one; with a single
  /// block, tasks share its channels and its products.
  func winograd(
    tile: Int, gradient: Bool, weights: Tensor?, _ request: KernelRequest
  ) -> ConvolutionAlgorithm {
    let form = WinogradForm(self, tile: tile, gradient: gradient, threadCount: request.threadCount)
    let packed =
      request.reusesWeights
      ? weights?.packed(
        "winograd \(tile)×\(tile) of \(form.outputs) × \(form.inputs)\(gradient ? ", gradient" : "")",
        count: form.weightCount(form.outputs), in: request.weights,
        { form.transform(0..<form.outputs, of: $0, into: $1, $2) }) : nil
    let ownTransforms = form.blocks > 1
    // Weights that are not packed in advance are used while they are in cache.
    let slice = packed != nil || ownTransforms ? form.outputs : form.outputsPerSlice
    let weightCount = packed == nil ? form.weightCount(slice) : 0
    let transformCount = (form.transformCount(slice) + 15) & ~15
    return ConvolutionAlgorithm(
      "winograd \(tile)×\(tile)", scratchCount: weightCount + (ownTransforms ? 0 : transformCount),
      workerScratchCount: form.rowScratchCount + (ownTransforms ? transformCount : 0)
    ) { run in
      form.convolve(
        x: run.x, y: run.y, slice: slice, epilogue: run.epilogue,
        weights: { outputs in
          if let packed { return UnsafePointer(packed.base.assumingMemoryBound(to: Float.self)) }
          form.transform(outputs, of: run.weights, into: run.scratch, run.pool)
          return UnsafePointer(run.scratch)
        },
        transforms: { ownTransforms ? run.workerScratch[$0] + form.rowScratchCount : run.scratch + weightCount },
        rowScratch: { run.workerScratch[$0] }, run.pool)
    }
  }
}

/// The extents of a convolution in Winograd's form.
private struct WinogradForm: Sendable {
  let gradient: Bool
  let batch, inputs, outputs: Int
  let inputPlane, outputPlane: winograd_plane
  let tileRows: Int
  /// The cells of a transformed tile.
  let cells: Int
  /// The bands of tile rows, as even as possible, that an image is split into: a block each.
  private let bands: Int
  /// Images per block; a block of several takes all their rows.
  private let imagesPerBlock: Int

  /// The images per block before the number of threads is considered.
  let imagesWanted: Int

  /// The floats of a block's transforms that should fit the second-level cache.
  private static let blockCount = 1 << 18
  /// The desired tile positions per block of several images.
  private static let blockPlaces = 128
  /// The floats of the transformed weights of a slice.
  private static let sliceCount = 1 << 20

  init(_ problem: ConvolutionProblem, tile: Int, gradient: Bool, threadCount: Int) {
    let raw = problem.window.raw, width = Int64(tile)
    self.gradient = gradient
    batch = problem.batch
    inputs = gradient ? problem.outputChannels : problem.inputChannels
    outputs = gradient ? problem.inputChannels : problem.outputChannels
    let (input, output) = gradient ? (raw.output, raw.input) : (raw.input, raw.output)
    let padTop = gradient ? 2 - raw.pad.1 : raw.pad.1, padLeft = gradient ? 2 - raw.pad.2 : raw.pad.2
    tileRows = Int((output.1 + width - 1) / width)
    let tiles = (output.2 + width - 1) / width, slots = winograd_slots(input.2, padLeft, tiles, width)
    inputPlane = winograd_plane(
      height: input.1, width: input.2, pad_top: padTop, pad_left: padLeft, tiles: tiles, slots: slots, tile: width)
    outputPlane = winograd_plane(
      height: output.1, width: output.2, pad_top: 0, pad_left: 0, tiles: tiles, slots: slots, tile: width)
    cells = Int(winograd_cells(width))

    // Blocks are processed in parallel, as many as there are threads or a multiple, so that each thread multiplies what
    // it has transformed. If that would leave vectors half empty, all threads work on one block.
    func blocksWanted(_ least: Int) -> Int { (least + threadCount - 1) / threadCount * threadCount }
    imagesWanted = min(batch, max(1, Self.blockPlaces / (tileRows * Int(slots))))
    let groups = (batch + imagesWanted - 1) / imagesWanted
    imagesPerBlock = groups > 1 ? (batch + blocksWanted(groups) - 1) / blocksWanted(groups) : batch
    let rows = tileRows, perRow = cells * (inputs + outputs) * Int(slots)
    let fitting = max((perRow * rows + Self.blockCount - 1) / Self.blockCount, 1)
    let wanted = min(rows, batch > 1 ? fitting : blocksWanted(fitting))
    func span(_ rows: Int) -> Int { (rows * Int(slots) + 15) & ~15 }
    let spans = (0..<wanted).map { span(evenPart($0, of: wanted, of: rows).count) }.reduce(0, +)
    bands = imagesPerBlock == 1 && spans * 8 <= span(rows) * 9 ? wanted : 1
  }

  /// The tile positions of an image.
  var places: Int { tileRows * Int(inputPlane.slots) }
  var blocks: Int { bands * ((batch + imagesPerBlock - 1) / imagesPerBlock) }
  /// The most tile rows of a block.
  private var rowsPerBlock: Int { (tileRows + bands - 1) / bands }
  /// The tile positions of a block, those of each image written in whole vectors.
  private var span: Int {
    let own = rowsPerBlock * Int(inputPlane.slots)
    return ((imagesPerBlock - 1) * own + (own + 15) & ~15 + 15) & ~15
  }
  // Strides that are not powers of two, or the cells of a tile would compete for the same few cache lines.
  private var inputStride: Int { inputs * span + 16 }
  private func outputStride(_ outputs: Int) -> Int { outputs * span + 16 }
  private func weightStride(_ outputs: Int) -> Int { PackedLeft.count(rows: outputs, depth: inputs) + 16 }
  /// The floats of the transformed weights of some outputs.
  func weightCount(_ outputs: Int) -> Int { cells * weightStride(outputs) }
  /// The floats of a block's transforms, with so many outputs at a time.
  func transformCount(_ outputs: Int) -> Int { cells * (inputStride + outputStride(outputs)) }
  /// The outputs whose weights are transformed at a time if they are not packed in advance: whole panels.
  var outputsPerSlice: Int {
    let height = Int(product_rows())
    return min(outputs, max(1, Self.sliceCount / (cells * inputs * height)) * height)
  }
  var rowScratchCount: Int {
    (Int(winograd_scratch(Int64(rowsPerBlock), inputPlane.slots, inputPlane.tile)) + 15) & ~15
  }

  /// Transforms and packs the weights of some outputs.
  func transform(
    _ range: Range<Int>, of weights: UnsafePointer<Float>, into u: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let outputStride = 9 * (gradient ? 1 : inputs), inputStride = 9 * (gradient ? outputs : 1)
    let height = Int(product_rows())
    pool.parallelRanges((range.count + height - 1) / height, grain: 1) { panels in
      winograd_weights(
        inputPlane.tile, weights + range.lowerBound * outputStride, Int64(range.count), Int64(inputs),
        Int64(outputStride), Int64(inputStride), gradient ? 1 : 0, Int64(panels.lowerBound * height),
        Int64(min(range.count, panels.upperBound * height)), u, Int64(weightStride(range.count)))
    }
  }

  /// - Parameters:
  ///   - slice: the number of outputs computed at a time.
  ///   - weights: gives the transformed weights of some outputs, until it is asked for others.
  func convolve(
    x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, slice: Int, epilogue: Epilogue,
    weights: (_ outputs: Range<Int>) -> UnsafePointer<Float>,
    transforms: (_ worker: Int) -> UnsafeMutablePointer<Float>,
    rowScratch: (_ worker: Int) -> UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let inputArea = Int(inputPlane.height * inputPlane.width), outputArea = Int(outputPlane.height * outputPlane.width)
    let end = x + batch * inputs * inputArea, order = DepthOrder(channels: inputs)
    func transformInput(_ channel: Int, _ block: Block, _ v: UnsafeMutablePointer<Float>, _ worker: Int) {
      withUnsafePointer(to: inputPlane) { plane in
        for (position, image) in block.images.enumerated() {
          winograd_input(
            x + (image * inputs + channel) * inputArea, end, plane, Int64(block.rows.lowerBound),
            Int64(block.rows.count), v + channel * span + position * block.rows.count * Int(plane.pointee.slots),
            Int64(inputStride), rowScratch(worker))
        }
      }
    }
    let outputStride = outputStride(slice)
    func multiplyCell(
      _ cell: Int, _ block: Block, _ u: UnsafePointer<Float>, _ outputs: Int, _ v: UnsafeMutablePointer<Float>,
      _ m: UnsafeMutablePointer<Float>
    ) {
      let width = Int(product_columns()), weights = PackedLeft(packed: u + cell * weightStride(outputs))
      let places = (block.images.count * block.rows.count * Int(inputPlane.slots) + 15) & ~15
      for column in stride(from: 0, to: places, by: width) {
        weights.multiply(
          0..<outputs, 0..<inputs, of: order,
          by: RightRows(pointer: v + cell * inputStride + column, leading: span), columns: min(width, places - column),
          into: m + cell * outputStride + column, leading: span)
      }
    }
    // `m` holds one channel.
    func transformOutput(_ channel: Int, _ block: Block, _ m: UnsafeMutablePointer<Float>, _ worker: Int) {
      let width = Int(outputPlane.width), height = Int(outputPlane.height), rows = block.rows
      for (position, image) in block.images.enumerated() {
        let area = y + (image * outputs + channel) * outputArea
        var epilogue = epilogue.advanced(channels: channel, plane: outputArea)
        epilogue = epilogue.advanced(by: image * outputs * outputArea)
        var tile = epilogue.tile(leading: width)
        withUnsafePointer(to: outputPlane) { plane in
          winograd_output(
            m + position * rows.count * Int(plane.pointee.slots), Int64(outputStride), plane,
            Int64(rows.lowerBound), Int64(rows.count), &tile, area, rowScratch(worker))
        }
        let side = Int(outputPlane.tile), first = rows.lowerBound * side, last = min(height, rows.upperBound * side)
        epilogue.activate(area + first * width, rows: last - first, columns: width, leading: width)
      }
    }

    if blocks > 1 {
      let u = weights(0..<outputs)
      pool.parallelFor(blocks) { index, worker in
        let block = block(index), v = transforms(worker), m = v + cells * inputStride
        for channel in 0..<inputs { transformInput(channel, block, v, worker) }
        for cell in 0..<cells { multiplyCell(cell, block, u, outputs, v, m) }
        for channel in 0..<outputs { transformOutput(channel, block, m + channel * span, worker) }
      }
    } else {
      let block = block(0), v = transforms(0), m = v + cells * inputStride
      pool.parallelFor(inputs) { channel, worker in transformInput(channel, block, v, worker) }
      for first in stride(from: 0, to: outputs, by: slice) {
        let count = min(slice, outputs - first), u = weights(first..<first + count)
        pool.parallelFor(cells) { cell, _ in multiplyCell(cell, block, u, count, v, m) }
        pool.parallelFor(count) { channel, worker in
          transformOutput(first + channel, block, m + channel * span, worker)
        }
      }
    }
  }

  /// Tile rows of some images.
  private struct Block { let images, rows: Range<Int> }

  private func block(_ index: Int) -> Block {
    let image = index / bands * imagesPerBlock
    return Block(
      images: image..<min(batch, image + imagesPerBlock), rows: evenPart(index % bands, of: bands, of: tileRows))
  }
}
