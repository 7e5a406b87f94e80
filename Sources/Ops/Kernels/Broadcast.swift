import CKernels
import Graph

/// The number of elements per task of an elementwise loop.
let elementwiseGrain = 1 << 15

typealias FloatInput = UnsafePointer<Float>
typealias FloatOutput = UnsafeMutablePointer<Float>
typealias BinaryLoop = @Sendable @convention(c) (FloatInput?, FloatInput?, FloatOutput?, broadcast_tile) -> Void
typealias TernaryLoop =
  @Sendable @convention(c) (FloatInput?, FloatInput?, FloatInput?, FloatOutput?, broadcast_tile) -> Void

/// The index space of a dense result that up to three operands broadcast to: its dimensions, merged as far as all
/// operands allow, split into tiles of rows and columns.
struct BroadcastSpace: Sendable {
  /// A block of the result.
  struct Tile {
    /// Where each operand's elements for the block start.
    var offsets: SIMD4<Int>
    /// Where the block starts in the result.
    var start: Int
    /// Its extents, and the operands' strides.
    var form: broadcast_tile
  }

  private struct Dimension {
    var extent: Int
    var strides: SIMD4<Int>
  }

  /// The number of elements of the result.
  let count: Int
  private let outer: [Dimension]
  private let rows: Dimension
  private let columns: Dimension

  init(_ result: Shape, _ operands: [Shape]) {
    let strides = operands.map(\.strides)
    var merged: [Dimension] = []
    for axis in result.dimensions.indices.reversed() where result[axis] != 1 {
      var dimension = Dimension(extent: result[axis], strides: .zero)
      for (index, operand) in operands.enumerated() {
        let own = axis - (result.rank - operand.rank)
        if own >= 0, operand[own] != 1 { dimension.strides[index] = strides[index][own] }
      }
      if let inner = merged.last, dimension.strides == inner.strides &* SIMD4(repeating: inner.extent) {
        merged[merged.count - 1].extent *= dimension.extent
      } else {
        merged.append(dimension)
      }
    }
    let single = Dimension(extent: 1, strides: .zero)
    count = result.count
    columns = merged.first ?? single
    rows = merged.count > 1 ? merged[1] : single
    outer = merged.dropFirst(2).reversed()
  }

  /// Calls `body` on tiles that together cover a range of the result.
  func forEachTile(in range: Range<Int>, _ body: (Tile) -> Void) {
    var form = broadcast_tile()
    form.row = (rows.strides[0], rows.strides[1], rows.strides[2])
    form.column = (columns.strides[0], columns.strides[1], columns.strides[2])
    var position = range.lowerBound
    while position < range.upperBound {
      let (row, column) = position.quotientAndRemainder(dividingBy: columns.extent)
      let (block, rowInBlock) = row.quotientAndRemainder(dividingBy: rows.extent)
      let rest = range.upperBound - position
      if column == 0, rest >= columns.extent {
        form.rows = min(rest / columns.extent, rows.extent - rowInBlock)
        form.columns = columns.extent
      } else {
        form.rows = 1
        form.columns = min(columns.extent - column, rest)
      }
      var offsets = rows.strides &* SIMD4(repeating: rowInBlock) &+ columns.strides &* SIMD4(repeating: column)
      var remaining = block
      for dimension in outer.reversed() {
        let (quotient, index) = remaining.quotientAndRemainder(dividingBy: dimension.extent)
        offsets &+= dimension.strides &* SIMD4(repeating: index)
        remaining = quotient
      }
      body(Tile(offsets: offsets, start: position, form: form))
      position += form.rows * form.columns
    }
  }

  /// Calls `body` on tiles that cover the result, on all threads.
  func forEachTile(on pool: ThreadPool, _ body: (Tile) -> Void) {
    pool.parallelRanges(count, grain: elementwiseGrain) { forEachTile(in: $0, body) }
  }

  func run(_ loop: BinaryLoop, _ a: FloatInput, _ b: FloatInput, into y: FloatOutput, on pool: ThreadPool) {
    forEachTile(on: pool) { loop(a + $0.offsets[0], b + $0.offsets[1], y + $0.start, $0.form) }
  }

  func run(
    _ loop: TernaryLoop, _ a: FloatInput, _ b: FloatInput, _ c: FloatInput, into y: FloatOutput, on pool: ThreadPool
  ) {
    forEachTile(on: pool) { loop(a + $0.offsets[0], b + $0.offsets[1], c + $0.offsets[2], y + $0.start, $0.form) }
  }

  /// Computes a function of two operands of any type, element by element.
  func map<First, Second, Result>(
    _ a: UnsafePointer<First>, _ b: UnsafePointer<Second>, into y: UnsafeMutablePointer<Result>,
    on pool: ThreadPool, _ function: (First, Second) -> Result
  ) {
    forEachTile(on: pool) { tile in
      let form = tile.form
      for row in 0..<form.rows {
        let aRow = a + tile.offsets[0] + row * form.row.0, bRow = b + tile.offsets[1] + row * form.row.1
        let yRow = y + tile.start + row * form.columns
        for column in 0..<form.columns {
          yRow[column] = function(aRow[column * form.column.0], bRow[column * form.column.1])
        }
      }
    }
  }
}

/// Sums the gradient of a broadcast result down to an operand: the one place where broadcasting is undone.
struct Unbroadcast: Sendable {
  private let count: Int
  private let reduction: Reduction?

  /// Prepares the sum over the axes along which the operand was repeated.
  init(_ operand: Shape, from result: Shape) {
    count = result.count
    let missing = result.rank - operand.rank
    let axes = result.dimensions.indices.filter { $0 < missing || operand[$0 - missing] != result[$0] }
    reduction = operand.count == result.count ? nil : Reduction(result, over: Set(axes))
  }

  /// Whether nothing was repeated.
  var isTrivial: Bool { reduction == nil }

  /// The scratch memory needed, in floats.
  var scratchCount: Int { reduction.map { count + $0.scratchCount } ?? 0 }

  /// Writes the operand's gradient; `fill` writes the gradient of the operand as repeated to the result's shape.
  func run(into dx: FloatOutput, scratch: FloatOutput, on pool: ThreadPool, _ fill: (FloatOutput) -> Void) {
    guard let reduction else { return fill(dx) }
    fill(scratch)
    reduction.run(.sum, scratch, into: dx, scratch: scratch + count, on: pool)
  }

  func run(summing dy: FloatInput, into dx: FloatOutput, scratch: FloatOutput, on pool: ThreadPool) {
    guard let reduction else { return dx.update(from: dy, count: count) }
    reduction.run(.sum, dy, into: dx, scratch: scratch, on: pool)
  }
}
