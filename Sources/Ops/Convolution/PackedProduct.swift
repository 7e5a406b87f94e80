import CKernels
import Graph

/// A left matrix in the form that `multiply_panel` takes: weights, packed once for many columns.
struct PackedLeft {
  let pointer: UnsafePointer<Float>
  let rows: Int
  let depth: Int

  /// The floats that a matrix takes when packed.
  static func count(rows: Int, depth: Int) -> Int {
    let height = Int(product_rows())
    return ((rows + height - 1) / height * height * depth + 15) & ~15
  }

  /// Packs a matrix whose elements lie at `matrix[row × rowStride + k × depthStride]`.
  init(
    packing matrix: UnsafePointer<Float>, rowStride: Int, depthStride: Int, rows: Int, depth: Int,
    into storage: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let height = Int(product_rows())
    pool.parallelRanges((rows + height - 1) / height, grain: max(1, 32_768 / max(height * depth, 1))) { panels in
      pack_left(
        matrix, Int64(rowStride), Int64(depthStride), Int64(rows), Int64(depth), Int64(panels.lowerBound * height),
        Int64(min(rows, panels.upperBound * height)), storage)
    }
    self.init(packed: storage, rows: rows, depth: depth)
  }

  /// Wraps a matrix packed before.
  init(packed: UnsafePointer<Float>, rows: Int, depth: Int) {
    pointer = packed
    self.rows = rows
    self.depth = depth
  }
}

/// A product of a packed matrix with columns that are laid out as they are needed, cut into tasks by its size alone.
struct PackedProduct: Sendable {
  /// Lays out columns [column, column + count) of rows `depth` of the right matrix as a panel.
  typealias Fill = (_ depth: Range<Int>, _ column: Int, _ count: Int, UnsafeMutablePointer<Float>) -> Void

  private let rows, columns, depth: Int
  private let width = Int(product_columns())
  private let height = Int(product_rows())
  /// A panel of this depth stays in the first-level cache.
  private static let depthBlock = 256

  init(rows: Int, columns: Int, depth: Int) {
    self.rows = rows
    self.columns = columns
    self.depth = depth
  }

  private var panels: Int { (columns + width - 1) / width }
  private var panelArea: Int { min(depth, Self.depthBlock) * width }
  /// Few columns: all are laid out first, so that tasks can share them and split the rows.
  private var laysOutFirst: Bool { panels < 8 && rows > 2 * height && rows * columns * depth > 1_000_000 }

  /// The floats of scratch memory for one product on a pool.
  func scratchCount(threadCount: Int) -> Int {
    laysOutFirst ? panels * width * depth : threadCount * panelArea
  }

  /// c = epilogue(left · right), rows of c lying `leading` apart.
  func run(
    _ left: PackedLeft, into c: UnsafeMutablePointer<Float>, leading: Int, epilogue: Epilogue,
    scratch: UnsafeMutablePointer<Float>, _ pool: ThreadPool, fill: Fill
  ) {
    if laysOutFirst {
      runLaidOut(left, into: c, leading: leading, epilogue: epilogue, scratch: scratch, pool, fill)
      return
    }
    let perTask = max(1, 6_000_000 / max(2 * rows * depth * width, 1))
    pool.parallelFor((panels + perTask - 1) / perTask) { task, worker in
      let panel = scratch + worker * panelArea
      for depthStart in stride(from: 0, to: max(depth, 1), by: Self.depthBlock) {
        let block = depthStart..<min(depth, depthStart + Self.depthBlock)
        for index in task * perTask..<min(panels, (task + 1) * perTask) {
          let column = index * width, count = min(width, columns - column)
          fill(block, column, count, panel)
          multiply(left, 0..<rows, block, panel, count, into: c + column, leading, epilogue)
        }
      }
    }
  }

  private func runLaidOut(
    _ left: PackedLeft, into c: UnsafeMutablePointer<Float>, leading: Int, epilogue: Epilogue,
    scratch: UnsafeMutablePointer<Float>, _ pool: ThreadPool, _ fill: Fill
  ) {
    let blocks = (depth + Self.depthBlock - 1) / Self.depthBlock
    func area(_ panel: Int, _ block: Range<Int>) -> UnsafeMutablePointer<Float> {
      scratch + panel * width * depth + block.lowerBound * width
    }
    func block(_ index: Int) -> Range<Int> {
      index * Self.depthBlock..<min(depth, (index + 1) * Self.depthBlock)
    }
    pool.parallelFor(panels * blocks) { task, _ in
      let panel = task / blocks, range = block(task % blocks)
      fill(range, panel * width, min(width, columns - panel * width), area(panel, range))
    }
    let rowsPerTask = max(height, 3_000_000 / max(2 * depth * min(columns, panels * width), 1) / height * height)
    pool.parallelFor((rows + rowsPerTask - 1) / rowsPerTask) { task, _ in
      let range = task * rowsPerTask..<min(rows, (task + 1) * rowsPerTask)
      for index in 0..<blocks {
        for panel in 0..<panels {
          multiply(
            left, range, block(index), area(panel, block(index)), min(width, columns - panel * width),
            into: c + panel * width, leading, epilogue)
        }
      }
    }
  }

  private func multiply(
    _ left: PackedLeft, _ rows: Range<Int>, _ block: Range<Int>, _ panel: UnsafePointer<Float>, _ count: Int,
    into c: UnsafeMutablePointer<Float>, _ leading: Int, _ epilogue: Epilogue
  ) {
    let isLast = block.upperBound == depth
    var tile = tile_epilogue()
    tile.accumulate = block.lowerBound > 0 ? 1 : 0
    tile.bias = isLast ? epilogue.bias : nil
    tile.low = isLast ? epilogue.clamp.low : -.infinity
    tile.high = isLast ? epilogue.clamp.high : .infinity
    multiply_panel(
      left.pointer + block.lowerBound * height, Int64(depth), Int64(rows.lowerBound), Int64(rows.upperBound), panel,
      Int64(width), Int64(block.count), Int64(count), c, Int64(leading), &tile)
  }
}
