import CKernels
import Graph

/// A convolution's weights as the left matrices of products, one for each group.
struct WeightPanels: Sendable {
  let order: DepthOrder
  private let groups, rows, filterCount, rowStride, channelStride: Int
  private let transposed: Bool

  /// - Parameter transposed: whether rows are the inputs of a 1 × 1 convolution, in place of the outputs.
  init(_ problem: ConvolutionProblem, transposed: Bool = false) {
    let cells = problem.window.kernelVolume
    groups = problem.groups
    rows = transposed ? problem.inputsPerGroup : problem.outputsPerGroup
    order = DepthOrder(channels: transposed ? problem.outputsPerGroup : problem.inputsPerGroup, cells: cells)
    filterCount = problem.outputsPerGroup * problem.depth
    rowStride = transposed ? 1 : problem.depth
    channelStride = transposed ? rows : cells
    self.transposed = transposed
  }

  /// The floats of a group's packed matrix, and of all.
  var countPerGroup: Int { PackedLeft.count(rows: rows, depth: order.depth) }
  var count: Int { groups * countPerGroup }

  func pack(_ weights: UnsafePointer<Float>, into storage: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
    for group in 0..<groups {
      _ = PackedLeft(
        packing: weights + group * filterCount, rowStride: rowStride, channelStride: channelStride, rows: rows,
        order: order, into: storage + group * countPerGroup, pool)
    }
  }

  /// The weights, packed in advance; nil if they serve one run or are not known.
  func packed(_ weights: Tensor?, _ request: KernelRequest) -> TensorStorage? {
    guard request.reusesWeights else { return nil }
    return weights?.packed(
      "panels of \(groups) × \(rows) × \(order.channels) × \(order.cells)\(transposed ? ", transposed" : "")",
      count: count, in: request.weights, pack)
  }
}

extension ConvolutionProblem {
  /// A convolution as a product of packed weights with windows that are laid out one panel at a time.
  ///
  /// A 1 × 1 convolution's windows are the image itself, and its gradient is the product with the transposed weights.
  /// - Parameter transposed: whether dx is computed from dy, for 1 × 1 convolutions.
  func panels(transposed: Bool = false, weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, isPointwise = window.isPointwise
    let rows = transposed ? inputsPerGroup : outputsPerGroup, columns = window.outputVolume
    let inputs = transposed ? outputsPerGroup : inputsPerGroup
    let panels = WeightPanels(self, transposed: transposed), order = panels.order, batch = batch, groups = groups
    let kept = panels.packed(weights, request), packScratch = kept == nil ? panels.count : 0

    let product = LeftPackedProduct(
      rows: rows, columns: columns, order: order, laysOut: !isPointwise, threadCount: request.threadCount)
    // Many small products run in parallel, each on one thread.
    let sideBySide = batch * groups >= 4
    let shared = sideBySide ? 0 : product.scratchCount
    let perWorker = product.workerScratchCount + (sideBySide ? product.scratchCount : 0)

    return ConvolutionAlgorithm(
      isPointwise ? "pointwise" : "windows", scratchCount: packScratch + shared, workerScratchCount: perWorker
    ) { run in
      if kept == nil { panels.pack(run.weights, into: run.scratch, run.pool) }
      let packed = UnsafePointer(kept?.base.assumingMemoryBound(to: Float.self) ?? run.scratch)
      func multiply(
        _ index: Int, _ scratch: UnsafeMutablePointer<Float>,
        workerScratch: (_ worker: Int) -> UnsafeMutablePointer<Float>
      ) {
        let group = index % groups, x = run.x + index * inputs * window.inputVolume
        var epilogue = run.epilogue.advanced(channels: group * rows, plane: 0)
        epilogue.residual = epilogue.residual.map { $0 + index * rows * columns }
        product.run(
          PackedLeft(packed: packed + group * panels.countPerGroup), into: run.y + index * rows * columns,
          leading: columns, epilogue: epilogue, scratch: scratch, workerScratch: workerScratch, run.pool
        ) { channels, column, count, panel in
          if isPointwise {
            RightRows(
              x + channels.lowerBound * columns + column, leading: columns, depth: channels.count, count: count,
              panel: panel)
          } else {
            RightRows(x, window, channels: inputs, channels, column, count, panel: panel)
          }
        }
      }
      if sideBySide {
        run.pool.parallelFor(batch * groups) { index, worker in
          let own = run.workerScratch[worker]
          multiply(index, own) { _ in own + product.scratchCount }
        }
      } else {
        for index in 0..<batch * groups { multiply(index, run.scratch + packScratch) { run.workerScratch[$0] } }
      }
    }
  }
}

extension RightRows {
  /// Rows in place, or copied if whole vectors would read past their end.
  init(_ rows: UnsafePointer<Float>, leading: Int, depth: Int, count: Int, panel: UnsafeMutablePointer<Float>) {
    let lanes = Int(product_lanes())
    if count % lanes == 0 || count <= Int(product_single_columns) {
      self.init(pointer: rows, leading: leading)
    } else {
      let whole = (count + lanes - 1) / lanes * lanes
      pack_right(rows, Int64(leading), Int64(depth), Int64(count), panel, Int64(whole))
      self.init(pointer: panel, leading: whole)
    }
  }

  /// The windows of output positions from `column` on, for a range of the image's channels.
  fileprivate init(
    _ x: UnsafePointer<Float>, _ window: SpatialWindow, channels: Int, _ range: Range<Int>, _ column: Int,
    _ count: Int, panel: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: window.raw) { raw in
      pack_windows(
        x, raw, Int64(channels), Int64(range.lowerBound), Int64(range.upperBound), Int64(column), Int64(count), panel)
    }
    self.init(pointer: panel, leading: Int(product_columns()))
  }
}
