import CKernels
import Graph

let matrixOperators: [OperatorEntry] = [
  OperatorEntry("Gemm", inputs: 2...3) { reader in try Gemm(&reader) },
  OperatorEntry("MatMul", inputs: 2...2) { _ in MatMul() },
]

/// Computes c = left · right, with vectors at memory bandwidth.
///
/// `left` is `rows` × `depth` and `right` is `depth` × `columns`, each possibly stored transposed; rows of the stored
/// matrices are contiguous.
func multiplyDense(
  _ left: MatrixOperand, _ right: MatrixOperand, into c: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
  depth: Int, pool: ThreadPool
) {
  if rows == 1 {
    multiplyVector(left.pointer, right, stored: (depth, columns), into: c, pool)
  } else if columns == 1 {
    multiplyVector(
      right.pointer, MatrixOperand(pointer: left.pointer, leading: left.leading, transposed: !left.transposed),
      stored: (depth, rows), into: c, pool)
  } else {
    multiply(left, right, into: c, leading: columns, rows: rows, columns: columns, depth: depth, pool: pool)
  }
}

/// c = x · matrix, with the matrix used as `stored.0` × `stored.1`.
private func multiplyVector(
  _ x: UnsafePointer<Float>, _ matrix: MatrixOperand, stored: (depth: Int, columns: Int),
  into c: UnsafeMutablePointer<Float>, _ pool: ThreadPool
) {
  let (depth, columns) = stored
  if matrix.transposed {
    let grain = max(1, 65_536 / max(depth, 1))
    pool.parallelRanges(columns, grain: grain) { range in
      matrix_times_vector(matrix.pointer, Int64(depth), x, Int64(range.lowerBound), Int64(range.upperBound), c)
    }
  } else {
    pool.parallelRanges(columns, grain: depth > 256 ? 1024 : 8192) { range in
      vector_times_matrix(
        x, matrix.pointer, Int64(depth), Int64(columns), Int64(range.lowerBound), Int64(range.upperBound), c)
    }
  }
}

extension Dependence {
  /// That of a product of the first two inputs, plus an addend.
  static func ofProduct(_ wanted: Set<Int>) -> Dependence? {
    guard wanted.isSuperset(of: [0, 1]) else { return .linear }
    return wanted.count == 2 ? .multilinear : nil
  }
}

/// y = alpha · A' · B' + beta · C.
struct Gemm: DifferentiableOperator {
  private let alpha, beta: Float
  private let transA, transB: Bool

  init(_ reader: inout AttributeReader) throws {
    alpha = try reader.float("alpha", default: 1)
    beta = try reader.float("beta", default: 1)
    transA = try reader.flag("transA")
    transB = try reader.flag("transB")
    reader.ignore("broadcast")  // Before opset 7, C's broadcast had to be requested; its shape implies it.
  }

  var role: OperatorRole { .product }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    .labelled([transA ? [1, 0] : [0, 1], transB ? [2, 1] : [1, 2]], result: [0, 2])
  }

  func channelBias(_ inputs: NodeInputs) -> [Float]? { inputs[2]?.constant?.floats.map { $0 * beta } }

  func linearWeights(_ inputs: NodeInputs) -> LinearWeights? {
    guard !transA, let weights = inputs[1]?.constant, weights.shape.rank == 2 else { return nil }
    return LinearWeights(
      weights.floats.map { $0 * alpha }, inputCount: weights.shape[transB ? 1 : 0], isTransposed: !transB)
  }

  private func extents(_ inputs: NodeInputs) throws -> (rows: Int, columns: Int, depth: Int) {
    let a = try inputs.required(0).shape, b = try inputs.required(1).shape
    guard a.rank == 2, b.rank == 2 else {
      throw GradCAMError(.badData, problem: "Gemm multiplies matrices, but its inputs are \(a) and \(b)")
    }
    let (rows, depth) = transA ? (a[1], a[0]) : (a[0], a[1])
    let (depthB, columns) = transB ? (b[1], b[0]) : (b[0], b[1])
    guard depth == depthB else {
      throw GradCAMError(.badData, problem: "matrices \(a) and \(b) do not match", advice: "check the image size")
    }
    return (rows, columns, depth)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    try inputs.expectFloats()
    let (rows, columns, _) = try extents(inputs)
    let result: Shape = [rows, columns]
    if let c = inputs[2], try c.shape.broadcast(with: result) != result {
      throw GradCAMError(.badData, problem: "the addend \(c.shape) does not broadcast to \(result)")
    }
    return [ValueInfo(try inputs.required(0).elementType, result)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let (rows, columns, depth) = try extents(inputs)
    let (alpha, beta, transA, transB) = (alpha, beta, transA, transB)
    let addend = inputs[2].map { info in
      (Array(repeating: 1, count: 2 - info.shape.rank) + info.shape.dimensions).map { $0 > 1 }
    }
    let addendColumns = inputs[2]?.shape.dimensions.last ?? 1
    let product = RightPackedProduct(
      rows: rows, columns: columns, depth: depth, leftTransposed: transA, rightTransposed: transB,
      right: inputs[1]?.constant, request)
    return Kernel(
      rows == 1 ? "gemv" : "gemm", workerScratchByteCount: product.workerScratchByteCount,
      operationCount: 2 * Double(rows * columns * depth)
    ) { run in
      let y = run.output(0)
      product.run(
        MatrixOperand(pointer: run.input(0), leading: transA ? rows : depth, transposed: transA),
        MatrixOperand(pointer: run.input(1), leading: transB ? depth : columns, transposed: transB), into: y,
        workerScratch: run.workerScratch, pool: run.pool)
      guard alpha != 1 || addend != nil else { return }
      for row in 0..<rows {
        let to = y + row * columns
        if alpha != 1 { for column in 0..<columns { to[column] *= alpha } }
        guard let addend else { continue }
        let from = run.input(2) + (addend[0] ? row * addendColumns : 0)
        if addend[1] {
          for column in 0..<columns { to[column] += beta * from[column] }
        } else {
          for column in 0..<columns { to[column] += beta * from[0] }
        }
      }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .ofProduct(wanted) }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let (rows, columns, depth) = try extents(inputs)
    let (alpha, beta, transA, transB) = (alpha, beta, transA, transB)
    let addend = inputs[2]?.shape
    let unbroadcast = Unbroadcast(addend ?? [], from: [rows, columns])
    return GradientRule(
      rows == 1 ? "gemv" : "gemm",
      readsInputs: Set(wanted.subtracting([2]).map { 1 - $0 }),
      scratchByteCount: unbroadcast.scratchCount * MemoryLayout<Float>.size,
      operationCount: 2 * Double(rows * columns * depth) * Double(wanted.subtracting([2]).count)
    ) { run in
      let dy = run.outputGradient
      let gradient = MatrixOperand(pointer: dy, leading: columns)
      let gradientTransposed = MatrixOperand(pointer: dy, leading: columns, transposed: true)
      if wanted.contains(0) {
        let dx = run.inputGradient(0)
        let b = MatrixOperand(pointer: run.input(1), leading: transB ? depth : columns, transposed: !transB)
        if transA {
          // (A')ᵀ: depth × rows.
          multiplyDense(
            MatrixOperand(pointer: b.pointer, leading: b.leading, transposed: transB), gradientTransposed, into: dx,
            rows: depth, columns: rows, depth: columns, pool: run.pool)
        } else {
          multiplyDense(gradient, b, into: dx, rows: rows, columns: depth, depth: columns, pool: run.pool)
        }
        if alpha != 1 { for index in 0..<rows * depth { dx[index] *= alpha } }
      }
      if wanted.contains(1) {
        let dx = run.inputGradient(1)
        let a = MatrixOperand(pointer: run.input(0), leading: transA ? rows : depth, transposed: !transA)
        if transB {
          multiplyDense(
            gradientTransposed, MatrixOperand(pointer: a.pointer, leading: a.leading, transposed: transA), into: dx,
            rows: columns, columns: depth, depth: rows, pool: run.pool)
        } else {
          multiplyDense(a, gradient, into: dx, rows: depth, columns: columns, depth: rows, pool: run.pool)
        }
        if alpha != 1 { for index in 0..<columns * depth { dx[index] *= alpha } }
      }
      if wanted.contains(2), let addend {
        let dx = run.inputGradient(2)
        unbroadcast.run(summing: dy, into: dx, scratch: run.scratchFloats, on: run.pool)
        for index in 0..<addend.count { dx[index] *= beta }
      }
    }
  }
}

/// Batched matrix product with NumPy's rules for vectors and broadcasting; with a known right matrix, optionally
/// followed by a fused addition of a number for each column and a fused activation.
struct MatMul: DifferentiableOperator {
  var activation: FusedActivation?

  var role: OperatorRole { .product }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let ranks = try? (0..<2).map({ try inputs.required($0).shape.rank }) else { return .unknown }
    // Batch axes are labelled by negative numbers, from the last one on.
    func batch(_ rank: Int) -> [Int] { rank > 2 ? (1...rank - 2).reversed().map { -$0 } : [] }
    let left = batch(ranks[0]) + (ranks[0] == 1 ? [1] : [0, 1])
    let right = batch(ranks[1]) + (ranks[1] == 1 ? [1] : [1, 2])
    return .labelled(
      [left, right], result: batch(ranks.max()!) + (ranks[0] == 1 ? [] : [0]) + (ranks[1] == 1 ? [] : [2]))
  }

  func linearWeights(_ inputs: NodeInputs) -> LinearWeights? {
    guard activation == nil, let weights = inputs[1]?.constant, weights.shape.rank == 2 else { return nil }
    return LinearWeights(weights.floats, inputCount: weights.shape[0], isTransposed: true)
  }

  /// A product as a batch of matrix products, with the offset of each operand's matrix in every product.
  private struct Extents {
    let rows, columns, depth: Int
    let output: Shape
    let offsetsA, offsetsB: [Int]
    /// Whether all products share the right matrix and their left matrices are contiguous.
    let sharesRight: Bool

    init(_ inputs: NodeInputs) throws {
      let a = try inputs.required(0).shape, b = try inputs.required(1).shape
      guard a.rank >= 1, b.rank >= 1 else {
        throw GradCAMError(.badData, problem: "MatMul takes no scalars, but its inputs are \(a) and \(b)")
      }
      let matrixA = a.rank == 1 ? [1] + a.dimensions : a.dimensions
      let matrixB = b.rank == 1 ? b.dimensions + [1] : b.dimensions
      rows = matrixA[matrixA.count - 2]
      depth = matrixA[matrixA.count - 1]
      columns = matrixB[matrixB.count - 1]
      guard matrixB[matrixB.count - 2] == depth else {
        throw GradCAMError(.badData, problem: "matrices \(a) and \(b) do not match", advice: "check the image size")
      }
      let batchA = Shape(Array(matrixA.dropLast(2))), batchB = Shape(Array(matrixB.dropLast(2)))
      let batch = try batchA.broadcast(with: batchB)
      output = Shape(batch.dimensions + (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns]))
      offsetsA = broadcastOffsets(of: batchA, in: batch).map { [rows, depth] in $0 * rows * depth }
      offsetsB = broadcastOffsets(of: batchB, in: batch).map { [columns, depth] in $0 * columns * depth }
      sharesRight = batchB.count == 1 && batchA == batch
    }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    try inputs.expectFloats()
    let extents = try Extents(inputs)
    if let bias = inputs[2], bias.shape.count != extents.columns || !extents.sharesRight {
      throw GradCAMError(
        .badData, problem: "bias \(bias.shape) is not one number for each of \(extents.columns) columns")
    }
    return [ValueInfo(try inputs.required(0).elementType, extents.output)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let extents = try Extents(inputs)
    let (rows, columns, depth) = (extents.rows, extents.columns, extents.depth)
    let products = extents.offsetsA.count
    let shared = RightPackedProduct(
      rows: products * rows, columns: columns, depth: depth, right: inputs[1]?.constant, request)
    let hasBias = inputs[2] != nil, activation = activation
    return Kernel(
      "gemm", workerScratchByteCount: extents.sharesRight ? shared.workerScratchByteCount : 0,
      operationCount: 2 * Double(products * rows * columns) * Double(depth)
    ) { run in
      let a = run.input(0), b = run.input(1), y = run.output(0)
      if extents.sharesRight {
        shared.run(
          MatrixOperand(pointer: a, leading: depth), MatrixOperand(pointer: b, leading: columns), into: y,
          epilogue: Epilogue(residual: hasBias ? run.input(2) : nil, residualIsRow: true, activation: activation),
          workerScratch: run.workerScratch, pool: run.pool)
        return
      }
      run.pool.parallelFor(products) { index, _ in
        multiply(
          MatrixOperand(pointer: a + extents.offsetsA[index], leading: depth),
          MatrixOperand(pointer: b + extents.offsetsB[index], leading: columns), into: y + index * rows * columns,
          leading: columns, rows: rows, columns: columns, depth: depth)
      }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    activation == nil ? .ofProduct(wanted) : nil
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard activation == nil else { throw GradCAMError(.defect, problem: "a gradient through a fused activation") }
    let extents = try Extents(inputs)
    let (rows, columns, depth) = (extents.rows, extents.columns, extents.depth)
    let products = extents.offsetsA.count
    let counts = [try inputs.required(0).shape.count, try inputs.required(1).shape.count]
    let unbroadcast = try inputs[2].map { try Unbroadcast($0.shape, from: infer(inputs)[0].shape) }
    return GradientRule(
      "gemm", readsInputs: Set(wanted.subtracting([2]).map { 1 - $0 }),
      scratchByteCount: (unbroadcast?.scratchCount ?? 0) * MemoryLayout<Float>.size,
      operationCount: 2 * Double(products * rows * columns) * Double(depth) * Double(wanted.subtracting([2]).count)
    ) { run in
      let dy = run.outputGradient
      if wanted.contains(2) {
        unbroadcast?.run(summing: dy, into: run.inputGradient(2), scratch: run.scratchFloats, on: run.pool)
      }
      if wanted.contains(0), extents.sharesRight {
        multiplyDense(
          MatrixOperand(pointer: dy, leading: columns),
          MatrixOperand(pointer: run.input(1), leading: columns, transposed: true), into: run.inputGradient(0),
          rows: products * rows, columns: depth, depth: columns, pool: run.pool)
      } else if wanted.contains(0) {
        let dx = run.inputGradient(0), b = run.input(1)
        accumulate(into: dx, count: counts[0], offsets: extents.offsetsA, run.pool) { index, to, again in
          multiply(
            MatrixOperand(pointer: dy + index * rows * columns, leading: columns),
            MatrixOperand(pointer: b + extents.offsetsB[index], leading: columns, transposed: true), into: to,
            leading: depth, rows: rows, columns: depth, depth: columns, accumulate: again)
        }
      }
      if wanted.contains(1) {
        let dx = run.inputGradient(1), a = run.input(0)
        accumulate(into: dx, count: counts[1], offsets: extents.offsetsB, run.pool) { index, to, again in
          multiply(
            MatrixOperand(pointer: a + extents.offsetsA[index], leading: depth, transposed: true),
            MatrixOperand(pointer: dy + index * rows * columns, leading: columns), into: to, leading: columns,
            rows: depth, columns: columns, depth: rows, accumulate: again)
        }
      }
    }
  }

  /// Runs the products of each operand matrix in turn, different matrices in parallel, accumulating if a matrix takes
  /// part in several products.
  private func accumulate(
    into dx: UnsafeMutablePointer<Float>, count: Int, offsets: [Int], _ pool: ThreadPool,
    _ product: (_ index: Int, _ to: UnsafeMutablePointer<Float>, _ again: Bool) -> Void
  ) {
    let byMatrix = Dictionary(grouping: offsets.indices) { offsets[$0] }.sorted { $0.key < $1.key }
    pool.parallelFor(byMatrix.count) { position, _ in
      let (offset, indices) = byMatrix[position]
      for (turn, index) in indices.enumerated() { product(index, dx + offset, turn > 0) }
    }
  }
}

/// The offset in a tensor of shape `operand` of each element of `result`, which it broadcasts to, in row-major order.
private func broadcastOffsets(of operand: Shape, in result: Shape) -> [Int] {
  let missing = result.rank - operand.rank
  let strides = operand.strides
  var offsets = [0]
  for axis in 0..<result.rank {
    let stride = axis < missing || operand[axis - missing] == 1 ? 0 : strides[axis - missing]
    offsets = offsets.flatMap { base in (0..<result[axis]).map { base + $0 * stride } }
  }
  return offsets
}
