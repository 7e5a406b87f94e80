import Graph

/// A sum of products of tensors with labelled axes: every label that the result lacks is summed over.
///
/// Factors are multiplied from left to right, each time as a batch of matrix products.
struct TensorContraction: Sendable {
  /// A tensor of the contraction.
  struct Factor: Sendable {
    /// The stride along each label; equal labels of one tensor run along its diagonal.
    var strides: [(label: Int, stride: Int)]
    let count: Int

    init(_ shape: Shape, labels: [Int]) {
      strides = []
      count = shape.count
      for (label, stride) in zip(labels, shape.strides) {
        if let index = strides.firstIndex(where: { $0.label == label }) {
          strides[index].stride += stride
        } else {
          strides.append((label, stride))
        }
      }
    }

    fileprivate func stride(_ label: Int) -> Int { strides.first { $0.label == label }?.stride ?? 0 }
    fileprivate var labels: [Int] { strides.map(\.label) }
  }

  private enum Place {
    case factor(Int)
    case scratch(Int)
    case result
  }

  private enum Step {
    case move(StridedMap, from: Place, to: Place, clearing: Int?)
    case multiply(Place, Place, into: Place, batch: Int, rows: Int, columns: Int, depth: Int)
  }

  private struct Operand {
    var place: Place
    var factor: Factor
  }

  private let extents: [Int]
  private var steps: [Step] = []
  private var scratchCount = 0

  /// The scratch memory that a run needs.
  var byteCount: Int { scratchCount * MemoryLayout<Float>.size }
  /// The floating-point operations of a run.
  var operationCount: Double {
    steps.reduce(0) { sum, step in
      guard case .multiply(_, _, _, let batch, let rows, let columns, let depth) = step else { return sum }
      return sum + 2 * Double(batch) * Double(rows) * Double(columns) * Double(depth)
    }
  }

  /// Plans the product of one factor or more; a label is an index into `extents`.
  init(_ factors: [Factor], to result: Factor, extents: [Int]) {
    self.extents = extents
    var operands = factors.enumerated().map { Operand(place: .factor($0), factor: $1) }
    var product = operands.removeFirst()
    while !operands.isEmpty {
      let next = operands.removeFirst()
      let needed = Set(result.labels).union(operands.flatMap(\.factor.labels))
      product = multiply(product, next, keeping: needed)
    }
    let isWhole = result.strides.reduce(1) { $0 * extents[$1.label] } == result.count
    if case .scratch = product.place, isWhole, map(product.factor, to: result).isIdentity(count: result.count),
      case .multiply(let a, let b, _, let batch, let rows, let columns, let depth)? = steps.popLast()
    {
      steps.append(.multiply(a, b, into: .result, batch: batch, rows: rows, columns: columns, depth: depth))
    } else {
      move(product, to: result, at: .result, isWhole: isWhole)
    }
  }

  /// The map that sums over labels that the target lacks and repeats along those that the source lacks.
  private func map(_ source: Factor, to target: Factor) -> StridedMap {
    let kept = target.strides.map { label, stride in
      StridedMap.Axis(extent: extents[label], source: source.stride(label), target: stride)
    }
    let summed = source.strides.filter { !target.labels.contains($0.label) }.map { label, stride in
      StridedMap.Axis(extent: extents[label], source: stride, target: 0)
    }
    return StridedMap(axes: kept + summed)
  }

  private mutating func move(_ source: Operand, to target: Factor, at place: Place, isWhole: Bool) {
    let sums = source.factor.labels.contains { !target.labels.contains($0) }
    steps.append(
      .move(
        map(source.factor, to: target), from: source.place, to: place,
        clearing: sums || !isWhole ? target.count : nil))
  }

  private mutating func reserve(_ labels: [Int]) -> Operand {
    let factor = Factor(Shape(labels.map { extents[$0] }), labels: labels)
    // Every buffer starts on a cache line.
    defer { scratchCount += (factor.count + 15) & ~15 }
    return Operand(place: .scratch(scratchCount), factor: factor)
  }

  /// The operand as a dense tensor with exactly these labels, in this order.
  private mutating func pack(_ operand: Operand, _ labels: [Int]) -> Place {
    let packed = Factor(Shape(labels.map { extents[$0] }), labels: labels)
    let sums = operand.factor.labels.contains { !labels.contains($0) }
    if !sums, packed.count == operand.factor.count, map(operand.factor, to: packed).isIdentity(count: packed.count) {
      return operand.place
    }
    let target = reserve(labels)
    move(operand, to: packed, at: target.place, isWhole: true)
    return target.place
  }

  private mutating func multiply(_ left: Operand, _ right: Operand, keeping needed: Set<Int>) -> Operand {
    let inLeft = left.factor.labels, inRight = right.factor.labels
    let batch = inLeft.filter { inRight.contains($0) && needed.contains($0) }
    let depth = inLeft.filter { inRight.contains($0) && !needed.contains($0) }
    let rows = inLeft.filter { !inRight.contains($0) && needed.contains($0) }
    let columns = inRight.filter { !inLeft.contains($0) && needed.contains($0) }
    let a = pack(left, batch + rows + depth), b = pack(right, batch + depth + columns)
    let result = reserve(batch + rows + columns)
    func count(_ labels: [Int]) -> Int { labels.reduce(1) { $0 * extents[$1] } }
    steps.append(
      .multiply(
        a, b, into: result.place, batch: count(batch), rows: count(rows), columns: count(columns), depth: count(depth)))
    return result
  }

  func run(
    _ factors: [UnsafePointer<Float>], into result: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    func source(_ place: Place) -> UnsafePointer<Float> {
      switch place {
      case .factor(let index): factors[index]
      case .scratch(let offset): UnsafePointer(scratch + offset)
      case .result: UnsafePointer(result)
      }
    }
    func target(_ place: Place) -> UnsafeMutablePointer<Float> {
      if case .scratch(let offset) = place { scratch + offset } else { result }
    }
    for step in steps {
      switch step {
      case .move(let map, let from, let to, let clearing):
        if let clearing {
          clear(target(to), byteCount: clearing * MemoryLayout<Float>.size, pool: pool)
          map.add(from: source(from), to: target(to), pool: pool)
        } else {
          map.copy(from: source(from), to: target(to), storage: .float32, pool: pool)
        }
      case .multiply(let a, let b, let into, let batch, let rows, let columns, let depth):
        let a = source(a), b = source(b), c = target(into)
        if batch == 1 {
          multiplyDense(
            MatrixOperand(pointer: a, leading: depth), MatrixOperand(pointer: b, leading: columns), into: c,
            rows: rows, columns: columns, depth: depth, pool: pool)
          continue
        }
        pool.parallelFor(batch) { index, _ in
          Ops.multiply(
            MatrixOperand(pointer: a + index * rows * depth, leading: depth),
            MatrixOperand(pointer: b + index * depth * columns, leading: columns), into: c + index * rows * columns,
            leading: columns, rows: rows, columns: columns, depth: depth)
        }
      }
    }
  }
}
