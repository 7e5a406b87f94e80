import CKernels
import Graph

/// The order of a packed matrix's depth: by block of channels, within a block by kernel cell, then by channel.
struct DepthOrder: Sendable {
  let channels: Int
  let cells: Int
  /// The number of channels per block.
  let block: Int

  /// - Parameter blockDepth: the maximum rows per block, whose panel should stay in the first two levels of cache.
  init(channels: Int, cells: Int = 1, blockDepth: Int = 256) {
    self.channels = channels
    self.cells = cells
    let most = max(1, blockDepth / cells), blocks = (channels + most - 1) / most
    block = (channels + blocks - 1) / max(blocks, 1)
  }

  /// The number of rows of the right matrix.
  var depth: Int { channels * cells }
  /// The blocks in order, each a range of channels.
  var blocks: [Range<Int>] { stride(from: 0, to: channels, by: max(block, 1)).map { $0..<min(channels, $0 + block) } }
  var blockDepth: Int { block * cells }
  fileprivate var raw: depth_order {
    depth_order(channels: Int64(channels), cells: Int64(cells), block: Int64(max(block, 1)))
  }
}

/// A left matrix in the form that `multiply_panel` takes.
protocol LeftMatrix {
  /// The matrix from a channel of an order on.
  func raw(from channel: Int, of order: DepthOrder) -> left_matrix
}

extension LeftMatrix {
  /// A block's share of c = epilogue(this · right) for some rows and at most one panel of columns: the first block
  /// overwrites c, the others add to it, and the last applies the epilogue.
  func multiply(
    _ rows: Range<Int>, _ block: Range<Int>, of order: DepthOrder, by right: RightRows, columns: Int,
    into c: UnsafeMutablePointer<Float>, leading: Int, epilogue: Epilogue = .none
  ) {
    let isLast = block.upperBound == order.channels
    var tile = (isLast ? epilogue : .none).tile(leading: leading)
    tile.accumulate = block.lowerBound > 0 ? 1 : 0
    multiply_panel(
      raw(from: block.lowerBound, of: order), Int64(rows.lowerBound), Int64(rows.upperBound), right.pointer,
      Int64(right.leading), Int64(block.count * order.cells), Int64(columns), c, Int64(leading), &tile)
  }
}

/// A left matrix whose rows are read in place; the right matrix's panels hold `product_columns()` columns.
struct LeftRows: LeftMatrix {
  let pointer: UnsafePointer<Float>
  /// The stride between rows, in elements.
  let leading: Int

  func raw(from channel: Int, of order: DepthOrder) -> left_matrix {
    left_matrix(start: pointer + channel, stride: Int64(leading), packed: 0)
  }
}

/// A left matrix of weights, packed once for many columns.
struct PackedLeft: LeftMatrix {
  let pointer: UnsafePointer<Float>

  /// The number of floats of a packed matrix.
  static func count(rows: Int, depth: Int) -> Int {
    let height = Int(product_rows())
    return ((rows + height - 1) / height * height * depth + 15) & ~15
  }

  /// Packs a matrix whose elements lie at `matrix[row × rowStride + channel × channelStride + cell]`.
  init(
    packing matrix: UnsafePointer<Float>, rowStride: Int, channelStride: Int, rows: Int, order: DepthOrder,
    into storage: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let height = Int(product_rows())
    let grain = max(1, 32_768 / max(height * order.depth, 1))
    pool.parallelRanges((rows + height - 1) / height, grain: grain) { panels in
      withUnsafePointer(to: order.raw) { order in
        pack_left(
          matrix, Int64(rowStride), Int64(channelStride), order, Int64(rows), Int64(panels.lowerBound * height),
          Int64(min(rows, panels.upperBound * height)), storage)
      }
    }
    self.init(packed: storage)
  }

  init(packed: UnsafePointer<Float>) { pointer = packed }

  func raw(from channel: Int, of order: DepthOrder) -> left_matrix {
    left_matrix(start: pointer + channel * order.cells * Int(product_rows()), stride: Int64(order.depth), packed: 1)
  }
}

/// Rows of a right matrix, in place or in a panel.
struct RightRows {
  let pointer: UnsafePointer<Float>
  let leading: Int
}

/// A product of a packed matrix with a right matrix, split into tasks.
struct LeftPackedProduct: Sendable {
  /// Gives columns [column, column + count) of the rows of a block of channels, laid out in the panel if necessary.
  typealias Source =
    (_ channels: Range<Int>, _ column: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) -> RightRows

  let rows, columns: Int
  let order: DepthOrder
  /// Whether the source fills panels, rather than pointing at rows in memory.
  let laysOut: Bool
  /// The threads of the pool.
  let threadCount: Int
  private let width = Int(product_columns())
  private let height = Int(product_rows())

  private var panels: Int { (columns + width - 1) / width }
  private var operationCount: Int { 2 * rows * columns * order.depth }
  /// Large enough to be worth scheduling, small enough that the threads finish at about the same time.
  private var operationsPerTask: Int { min(6_000_000, max(400_000, operationCount / 8)) }
  /// Whether there are so few columns that panels alone may leave threads idle.
  private var hasFewPanels: Bool { panels < 8 && rows > 2 * height && operationCount > 2_000_000 }
  /// Whether each thread gets one range of the few panels, if these are about as wide.
  ///
  /// It then reads the rows of an image that it wrote itself, one layer after another; lines of memory that another core
  /// has written take several times as long.
  private var splitsEvenly: Bool {
    guard hasFewPanels, threadCount <= panels else { return false }
    let most = (0..<threadCount).map { columns(of: evenPart($0, of: threadCount, of: panels)).count }.max() ?? 0
    return most * threadCount * 8 <= columns * 9
  }
  /// Whether tasks split the rows and share the columns, of which there are few.
  private var splitsRows: Bool { hasFewPanels && !splitsEvenly }
  /// Whether the columns that tasks share are laid out once, beforehand.
  private var laysOutFirst: Bool { laysOut && splitsRows }

  private func columns(of panels: Range<Int>) -> Range<Int> {
    panels.lowerBound * width..<min(columns, panels.upperBound * width)
  }

  /// The scratch memory that workers share, in floats.
  var scratchCount: Int { laysOutFirst ? (panels * width * order.depth + 15) & ~15 : 0 }
  /// The scratch memory of each worker, in floats.
  var workerScratchCount: Int { laysOutFirst ? 0 : width * order.blockDepth }

  /// c = epilogue(left · right), with a row stride of `leading` in c.
  func run(
    _ left: PackedLeft, into c: UnsafeMutablePointer<Float>, leading: Int, epilogue: Epilogue,
    scratch: UnsafeMutablePointer<Float>, workerScratch: (_ worker: Int) -> UnsafeMutablePointer<Float>,
    _ pool: ThreadPool, source: Source
  ) {
    let blocks = order.blocks
    func columnCount(_ panel: Int) -> Int { min(width, columns - panel * width) }
    guard splitsRows else {
      let perTask = max(1, operationsPerTask / max(2 * rows * order.depth * width, 1))
      let evenly = splitsEvenly, tasks = evenly ? threadCount : (panels + perTask - 1) / perTask
      pool.parallelFor(tasks) { task, worker in
        let area = workerScratch(worker)
        let own =
          evenly ? evenPart(task, of: tasks, of: panels) : task * perTask..<min(panels, (task + 1) * perTask)
        for block in blocks {
          for panel in own {
            let right = source(block, panel * width, columnCount(panel), area)
            left.multiply(
              0..<rows, block, of: order, by: right, columns: columnCount(panel), into: c + panel * width,
              leading: leading, epilogue: epilogue.advanced(by: panel * width))
          }
        }
        let range = columns(of: own)
        epilogue.activate(c + range.lowerBound, rows: rows, columns: range.count, leading: leading)
      }
      return
    }
    func area(_ panel: Int, _ block: Range<Int>) -> UnsafeMutablePointer<Float> {
      scratch + (panel * order.depth + block.lowerBound * order.cells) * width
    }
    if laysOutFirst {
      pool.parallelFor(panels * blocks.count) { task, _ in
        let panel = task / blocks.count, block = blocks[task % blocks.count]
        _ = source(block, panel * width, columnCount(panel), area(panel, block))
      }
    }
    let rowsPerTask = max(height, operationsPerTask / max(2 * order.depth * columns, 1) / height * height)
    pool.parallelFor((rows + rowsPerTask - 1) / rowsPerTask) { task, worker in
      let range = task * rowsPerTask..<min(rows, (task + 1) * rowsPerTask)
      for block in blocks {
        for panel in 0..<panels {
          let right =
            laysOutFirst
            ? RightRows(pointer: area(panel, block), leading: width)
            : source(block, panel * width, columnCount(panel), workerScratch(worker))
          left.multiply(
            range, block, of: order, by: right, columns: columnCount(panel), into: c + panel * width, leading: leading,
            epilogue: epilogue.advanced(by: panel * width))
        }
      }
      epilogue.activate(c + range.lowerBound * leading, rows: range.count, columns: columns, leading: leading)
    }
  }
}
