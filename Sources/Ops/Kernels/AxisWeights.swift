import CKernels
import Graph

/// A sparse matrix that maps the elements along an axis of a tensor to weighted sums of them.
struct AxisWeights: Sendable {
  /// One term of a weighted sum.
  struct Tap: Sendable {
    let index: Int
    let weight: Float
  }

  let inputs: Int
  let outputs: Int
  /// The value of a sum without taps.
  let empty: Float
  private let starts: [Int32]
  private let indices: [Int32]
  private let weights: [Float]
  /// The number of taps of every sum, 0 if it varies.
  private let uniformCount: Int32

  init(inputs: Int, rows: [[Tap]], empty: Float = 0) {
    self.inputs = inputs
    outputs = rows.count
    self.empty = empty
    // A second tap of zero weight at the edges gives all rows of a linear interpolation two taps, which is fast.
    let isLinear = rows.allSatisfy { $0.count == 1 || $0.count == 2 } && rows.contains { $0.count == 2 }
    let rows = isLinear ? rows.map { $0.count == 1 ? $0 + [Tap(index: $0[0].index, weight: 0)] : $0 } : rows
    let count = rows.first?.count ?? 0
    uniformCount = rows.allSatisfy { $0.count == count } ? Int32(count) : 0
    starts = rows.reduce(into: [0]) { $0.append($0.last! + Int32($1.count)) }
    indices = rows.flatMap { $0.map { Int32($0.index) } }
    weights = rows.flatMap { $0.map(\.weight) }
  }

  /// The transposed matrix, which propagates gradients.
  var transposed: AxisWeights {
    var rows = [[Tap]](repeating: [], count: inputs)
    for output in 0..<outputs {
      for tap in Int(starts[output])..<Int(starts[output + 1]) {
        rows[Int(indices[tap])].append(Tap(index: output, weight: weights[tap]))
      }
    }
    return AxisWeights(inputs: outputs, rows: rows)
  }

  /// Whether the axis is left unchanged.
  var isIdentity: Bool {
    inputs == outputs && indices == (0..<Int32(inputs)).map { $0 } && weights.allSatisfy { $0 == 1 }
  }

  /// Applies the matrix to `outer` slices, with a stride of `inner` along the axis.
  func apply(
    from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, outer: Int, inner: Int, pool: ThreadPool
  ) {
    pool.parallelRanges(outer * outputs, grain: max(1, movementGrain / max(1, inner))) { range in
      interpolate_rows(
        x, y, starts, indices, weights, uniformCount, inputs, outputs, inner, empty, range.lowerBound, range.upperBound)
    }
  }

  /// Applies the transposed matrix to `outer` slices of gradients and adds the result to `dx`.
  func spread(from dy: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>, outer: Int, pool: ThreadPool) {
    pool.parallelRanges(outer, grain: max(1, movementGrain / max(1, outputs))) { range in
      spread_rows(dy, dx, starts, indices, weights, inputs, outputs, range.lowerBound, range.upperBound)
    }
  }
}

/// Matrices applied one after another to different axes of a tensor.
struct SeparableMap: Sendable {
  private struct Pass: Sendable {
    let weights: AxisWeights
    let outer: Int
    let inner: Int
    var count: Int { outer * weights.outputs * inner }
  }

  private let passes: [Pass]

  /// Whether the map changes nothing.
  var isIdentity: Bool { passes.isEmpty }

  /// Plans the passes over a tensor of the given shape, in the order of the list.
  init(_ weights: [(axis: Int, weights: AxisWeights)], shape: Shape) {
    var shape = shape
    passes = weights.map { axis, weights in
      shape.dimensions[axis] = weights.outputs
      return Pass(weights: weights, outer: shape.count(0..<axis), inner: shape.count(axis + 1..<shape.rank))
    }
  }

  /// The number of elements of the largest intermediate result.
  private var largest: Int { passes.dropLast().map(\.count).max() ?? 0 }

  /// The scratch memory that a run needs.
  var byteCount: Int { min(passes.count - 1, 2) * largest * MemoryLayout<Float>.size }

  /// Runs the passes; there must be at least one.
  func apply(
    from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    var source = x
    for (index, pass) in passes.enumerated() {
      let target = index == passes.count - 1 ? y : scratch + index % 2 * largest
      pass.weights.apply(from: source, to: target, outer: pass.outer, inner: pass.inner, pool: pool)
      source = UnsafePointer(target)
    }
  }
}

/// The weight of an element at a given distance in Keys' cubic convolution.
func keysKernel(_ distance: Double, _ a: Double) -> Double {
  let t = abs(distance)
  if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
}

/// The derivative of that weight with respect to the distance.
func keysSlope(_ distance: Double, _ a: Double) -> Double {
  let t = abs(distance), sign = distance < 0 ? -1.0 : 1
  if t <= 1 { return sign * (3 * (a + 2) * t - 2 * (a + 3)) * t }
  return t < 2 ? sign * ((3 * a * t - 10 * a) * t + 8 * a) : 0
}
