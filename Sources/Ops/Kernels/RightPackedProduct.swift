import CKernels
import Graph

/// c = epilogue(left · right), planned for its extents.
///
/// If both matrices are row-major and large enough, the left one is read in place and the right one is copied in
/// panels, only once if it is known and reused by many runs. A bias for each row is not supported.
struct RightPackedProduct: Sendable {
  private let rows, columns, depth: Int
  private let order: DepthOrder
  private let isTiled: Bool
  private let width = Int(product_columns())
  private let height = Int(product_rows())
  private let kept: TensorStorage?

  /// - Parameter right: the right matrix if it is known before the run.
  init(
    rows: Int, columns: Int, depth: Int, leftTransposed: Bool = false, rightTransposed: Bool = false, right: Tensor?,
    _ request: KernelRequest
  ) {
    self.rows = rows
    self.columns = columns
    self.depth = depth
    order = DepthOrder(channels: depth, blockDepth: 2048)
    isTiled = !leftTransposed && !rightTransposed && rows >= 2 * height && columns >= width && depth > 0
    let width = width, panels = (columns + width - 1) / width
    kept =
      isTiled && request.reusesWeights
      ? right?.packed(
        "panels of \(depth) × \(columns)", count: panels * width * depth, in: request.weights
      ) { from, to, _ in
        for panel in 0..<panels {
          pack_right(
            from + panel * width, Int64(columns), Int64(depth), Int64(min(width, columns - panel * width)),
            to + panel * width * depth, Int64(width))
        }
      } : nil
  }

  /// The panel to which a task copies columns of a block: in place, rows at some strides would compete for the same few
  /// cache lines.
  var workerScratchByteCount: Int { isTiled && kept == nil ? order.blockDepth * width * MemoryLayout<Float>.size : 0 }

  func run(
    _ left: MatrixOperand, _ right: MatrixOperand, into c: UnsafeMutablePointer<Float>, epilogue: Epilogue = .none,
    workerScratch: WorkerScratch, pool: ThreadPool
  ) {
    guard isTiled else {
      multiplyDense(left, right, into: c, rows: rows, columns: columns, depth: depth, pool: pool)
      if let added = epilogue.residual {
        for row in 0..<rows {
          let to = c + row * columns, from = added + (epilogue.residualIsRow ? 0 : row * columns)
          for column in 0..<columns { to[column] += from[column] }
        }
      }
      epilogue.activate(c, rows: rows, columns: columns, leading: columns)
      return
    }
    // Tasks of a few million operations, with as many rows as the second-level cache holds, so that they share a panel.
    let left = LeftRows(pointer: left.pointer, leading: left.leading)
    let panels = (columns + width - 1) / width, rowsPerTask = min((rows + height - 1) / height * height, 128)
    let panelsPerTask = max(1, min(panels, 6_000_000 / (2 * depth * rowsPerTask * width)))
    let across = (panels + panelsPerTask - 1) / panelsPerTask
    pool.parallelFor((rows + rowsPerTask - 1) / rowsPerTask * across) { task, worker in
      let rowRange = task / across * rowsPerTask..<min(rows, (task / across + 1) * rowsPerTask)
      let panelRange = task % across * panelsPerTask..<min(panels, (task % across + 1) * panelsPerTask)
      let area = workerScratch[worker]
      for block in order.blocks {
        for panel in panelRange {
          let column = panel * width, count = min(width, columns - column)
          let rows: UnsafePointer<Float>
          if let kept {
            rows =
              UnsafePointer(kept.base.assumingMemoryBound(to: Float.self)) + (panel * depth + block.lowerBound) * width
          } else {
            pack_right(
              right.pointer + block.lowerBound * right.leading + column, Int64(right.leading), Int64(block.count),
              Int64(count), area, Int64(width))
            rows = UnsafePointer(area)
          }
          left.multiply(
            rowRange, block, of: order, by: RightRows(pointer: rows, leading: width), columns: count, into: c + column,
            leading: columns, epilogue: epilogue.advanced(by: column))
        }
      }
      let first = panelRange.lowerBound * width, last = min(columns, panelRange.upperBound * width)
      epilogue.activate(
        c + rowRange.lowerBound * columns + first, rows: rowRange.count, columns: last - first, leading: columns)
    }
  }
}
