import COpenBLAS
import Graph

/// A row-major matrix in memory, possibly read transposed.
struct MatrixOperand {
  let pointer: UnsafePointer<Float>
  /// The stride between rows in memory, in elements.
  let leading: Int
  /// Whether the product uses the transpose of the matrix in memory.
  var transposed = false

  fileprivate var operation: CBLAS_TRANSPOSE { transposed ? CblasTrans : CblasNoTrans }
  /// The operand as the left factor, from a row on.
  fileprivate func fromRow(_ row: Int) -> UnsafePointer<Float> { pointer + (transposed ? row : row * leading) }
  /// The operand as the right factor, from a column on.
  fileprivate func fromColumn(_ column: Int) -> UnsafePointer<Float> {
    pointer + (transposed ? column * leading : column)
  }
}

/// OpenBLAS runs inside tasks of this program's thread pool, so its own threads are disabled.
let singleThreadedBLAS: Void = openblas_set_num_threads(1)

/// Ends the threads of OpenBLAS, which would poll for work on the processors that others need; for a program that is
/// alone in its process.
package func endBLASThreads() {
  _ = singleThreadedBLAS
  end_blas_threads()
}

/// c = left · right (+ c if `accumulate`), on the calling thread.
func multiply(
  _ left: MatrixOperand, _ right: MatrixOperand, into c: UnsafeMutablePointer<Float>, leading: Int, rows: Int,
  columns: Int, depth: Int, accumulate: Bool = false
) {
  guard rows > 0, columns > 0 else { return }
  guard depth > 0 else {
    if !accumulate { for row in 0..<rows { (c + row * leading).update(repeating: 0, count: columns) } }
    return
  }
  _ = singleThreadedBLAS
  cblas_sgemm(
    CblasRowMajor, left.operation, right.operation, blasint(rows), blasint(columns), blasint(depth), 1, left.pointer,
    blasint(left.leading), right.pointer, blasint(right.leading), accumulate ? 1 : 0, c, blasint(leading))
}

/// How a matrix product is split into tasks: by its size alone, so that results do not depend on the thread count.
struct MatrixTiling {
  let rows: Int
  let columns: Int
  private let rowTile: Int
  private let columnTile: Int

  /// Aims at tasks of a few million operations, split along columns if there are many, else along rows.
  init(rows: Int, columns: Int, depth: Int) {
    let wanted = max(1, min(16, 2 * rows * columns * depth / 4_000_000))
    func tile(_ extent: Int, multiple: Int) -> Int {
      let even = (extent + wanted - 1) / wanted
      return max(multiple, (even + multiple - 1) / multiple * multiple)
    }
    self.rows = rows
    self.columns = columns
    rowTile = columns >= 512 ? rows : tile(rows, multiple: 16)
    columnTile = columns >= 512 ? tile(columns, multiple: 48) : columns
  }

  var taskCount: Int { ((rows + rowTile - 1) / max(rowTile, 1)) * ((columns + columnTile - 1) / max(columnTile, 1)) }

  /// The part of the result that a task computes.
  func task(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let across = (columns + columnTile - 1) / columnTile
    let row = index / across * rowTile, column = index % across * columnTile
    return (row..<min(rows, row + rowTile), column..<min(columns, column + columnTile))
  }
}

/// c = left · right, distributed over the pool.
func multiply(
  _ left: MatrixOperand, _ right: MatrixOperand, into c: UnsafeMutablePointer<Float>, leading: Int, rows: Int,
  columns: Int, depth: Int, pool: ThreadPool
) {
  let tiling = MatrixTiling(rows: rows, columns: columns, depth: depth)
  pool.parallelFor(tiling.taskCount) { index, _ in
    let (rows, columns) = tiling.task(index)
    let tile = c + rows.lowerBound * leading + columns.lowerBound
    multiply(
      MatrixOperand(pointer: left.fromRow(rows.lowerBound), leading: left.leading, transposed: left.transposed),
      MatrixOperand(
        pointer: right.fromColumn(columns.lowerBound), leading: right.leading, transposed: right.transposed),
      into: tile, leading: leading, rows: rows.count, columns: columns.count, depth: depth)
  }
}
