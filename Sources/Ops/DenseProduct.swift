import CKernels
import Graph

/// c = left · right, planned for its extents.
///
/// Where the right matrix is row-major, the left one is packed and the right one copied by panels: once, where it is
/// known and serves many runs.
struct DenseProduct: Sendable {
  private let rows, columns, depth: Int
  private let order: DepthOrder
  private let packs: Bool
  private let width = Int(product_columns())
  private let height = Int(product_rows())
  private let kept: TensorStorage?

  /// - Parameter right: the right matrix where it is known before the run.
  init(rows: Int, columns: Int, depth: Int, rightTransposed: Bool, right: Tensor?, _ request: KernelRequest) {
    self.rows = rows
    self.columns = columns
    self.depth = depth
    order = DepthOrder(channels: depth)
    packs = !rightTransposed && rows >= 2 * height && columns >= width && depth > 0
    let width = width, panels = (columns + width - 1) / width
    kept =
      packs && request.reusesWeights
      ? right?.packedOnce(count: panels * width * depth) { from, to, _ in
        for panel in 0..<panels {
          pack_right(
            from + panel * width, Int64(columns), Int64(depth), Int64(min(width, columns - panel * width)),
            to + panel * width * depth, Int64(width))
        }
      } : nil
  }

  private static let rowsPerTask = 128

  private var leftCount: Int { PackedLeft.count(rows: rows, depth: depth) }
  /// The floats of the panel that a task copies columns of a block to: where they lie, rows at some distances would
  /// meet in the same few lines of cache.
  private var panelCount: Int { order.blockDepth * width }

  var scratchByteCount: Int { packs ? leftCount * MemoryLayout<Float>.size : 0 }
  var workerScratchByteCount: Int { packs && kept == nil ? panelCount * MemoryLayout<Float>.size : 0 }

  func run(
    _ left: MatrixOperand, _ right: MatrixOperand, into c: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, workerScratch: WorkerScratch, pool: ThreadPool
  ) {
    guard packs else {
      multiplyDense(left, right, into: c, rows: rows, columns: columns, depth: depth, pool: pool)
      return
    }
    let packed = PackedLeft(
      packing: left.pointer, rowStride: left.transposed ? 1 : left.leading,
      channelStride: left.transposed ? left.leading : 1, rows: rows, order: order, into: scratch, pool)

    // Tasks of some millions of operations: as many rows as the second-level cache holds, so that a panel serves them all.
    let panels = (columns + width - 1) / width,
      rowsPerTask = min((rows + height - 1) / height * height, Self.rowsPerTask)
    let panelsPerTask = max(1, min(panels, 6_000_000 / (2 * depth * rowsPerTask * width)))
    let across = (panels + panelsPerTask - 1) / panelsPerTask
    pool.parallelFor((rows + rowsPerTask - 1) / rowsPerTask * across) { task, worker in
      let rowRange = task / across * rowsPerTask..<min(rows, (task / across + 1) * rowsPerTask)
      let area = workerScratch[worker]
      for block in order.blocks {
        for panel in task % across * panelsPerTask..<min(panels, (task % across + 1) * panelsPerTask) {
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
          packed.multiply(
            rowRange, block, of: order, by: RightRows(pointer: rows, leading: width), columns: count, into: c + column,
            leading: columns)
        }
      }
    }
  }
}
