import CKernels
import Graph

typealias ReduceLoop = @Sendable @convention(c) (FloatInput?, FloatOutput?, Int, Int, Int) -> Void

/// How elements are folded into one.
struct Fold: Sendable {
  /// Folds the elements of the tensor.
  let first: ReduceLoop
  /// Folds the results of earlier folds over other axes.
  let next: ReduceLoop

  static let sum = Fold(first: reduce_sum, next: reduce_sum)
  static let l1 = Fold(first: reduce_l1, next: reduce_sum)
  static let sumSquare = Fold(first: reduce_sum_square, next: reduce_sum)
  static let product = Fold(first: reduce_product, next: reduce_product)
  static let max = Fold(first: reduce_max, next: reduce_max)
  static let min = Fold(first: reduce_min, next: reduce_min)
  static let logSumExp = Fold(first: reduce_log_sum_exp, next: reduce_log_sum_exp)
}

/// A reduction over some axes, as passes that each fold adjacent axes.
struct Reduction: Sendable {
  private struct Pass {
    var outer: Int
    var count: Int
    var inner: Int
  }

  private let passes: [Pass]

  /// Plans a reduction; the axes must exist in the shape.
  init(_ shape: Shape, over axes: Set<Int>) {
    var groups: [(extent: Int, isReduced: Bool)] = []
    for axis in shape.dimensions.indices where shape[axis] != 1 {
      if let last = groups.last, last.isReduced == axes.contains(axis) {
        groups[groups.count - 1].extent *= shape[axis]
      } else {
        groups.append((shape[axis], axes.contains(axis)))
      }
    }
    var passes: [Pass] = []
    while let index = groups.lastIndex(where: \.isReduced) {
      passes.append(
        Pass(
          outer: groups[..<index].reduce(1) { $0 * $1.extent }, count: groups[index].extent,
          inner: groups[(index + 1)...].reduce(1) { $0 * $1.extent }))
      groups.remove(at: index)
    }
    self.passes = passes.isEmpty ? [Pass(outer: 1, count: 1, inner: shape.count)] : passes
  }

  private func resultCount(_ pass: Pass) -> Int { pass.outer * pass.inner }

  /// The scratch memory needed, in floats.
  var scratchCount: Int { passes.dropLast().prefix(2).reduce(0) { $0 + resultCount($1) } }

  /// Folds x into y.
  func run(_ fold: Fold, _ x: FloatInput, into y: FloatOutput, scratch: FloatOutput, on pool: ThreadPool) {
    var source = x
    for (index, pass) in passes.enumerated() {
      let isLast = index == passes.count - 1
      let target = isLast ? y : index.isMultiple(of: 2) ? scratch : scratch + resultCount(passes[0])
      run(pass, index == 0 ? fold.first : fold.next, source, into: target, on: pool)
      source = UnsafePointer(target)
    }
  }

  private func run(_ pass: Pass, _ loop: ReduceLoop, _ x: FloatInput, into y: FloatOutput, on pool: ThreadPool) {
    let count = pass.count, inner = pass.inner
    if inner == 1 {
      pool.parallelRanges(pass.outer, grain: max(1, elementwiseGrain / max(count, 1))) { rows in
        for row in rows { loop(x + row * count, y + row, count, 1, 1) }
      }
      return
    }
    // Whole accumulator blocks, as many as make a task worthwhile.
    let width = max(64, elementwiseGrain / max(count, 1) / 64 * 64)
    let blocks = (inner + width - 1) / width
    pool.parallelFor(pass.outer * blocks) { index, _ in
      let (row, block) = index.quotientAndRemainder(dividingBy: blocks)
      let start = block * width
      loop(x + row * count * inner + start, y + row * inner + start, count, inner, min(width, inner - start))
    }
  }
}
