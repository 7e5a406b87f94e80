import CKernels
import Graph

let reductionOperators: [OperatorEntry] = [
  reduction("ReduceSum", .sum, .pointwise(pass_tile)) { $0.reduce(0, &+) },
  reduction("ReduceMean", .sum, finish: .divideByCount, .pointwise(pass_tile)) {
    $0.isEmpty ? 0 : $0.reduce(0, &+) / Int64($0.count)
  },
  reduction("ReduceMax", .max, .extremum) { $0.max() ?? .min },
  reduction("ReduceMin", .min, .extremum) { $0.min() ?? .max },
  reduction("ReduceProd", .product, .product) { $0.reduce(1, &*) },
  reduction("ReduceL1", .l1, .pointwise(l1_gradient_tile, reads: [.input])) {
    $0.reduce(0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
  },
  reduction(
    "ReduceL2", .sumSquare, finish: .function(sqrt_forward), .pointwise(l2_gradient_tile, reads: [.input, .output])
  ) { truncated($0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()) },
  reduction(
    "ReduceLogSum", .sum, finish: .function(log_forward), .pointwise(log_sum_gradient_tile, reads: [.output])
  ) { truncated(log(Double($0.reduce(0, &+)))) },
  reduction("ReduceLogSumExp", .logSumExp, .pointwise(log_sum_exp_gradient_tile, reads: [.input, .output])) {
    truncated(log($0.reduce(0) { $0 + exp(Double($1)) }))
  },
  reduction("ReduceSumSquare", .sumSquare, .pointwise(sum_square_gradient_tile, reads: [.input])) {
    $0.reduce(0) { $0 &+ $1 &* $1 }
  },
  OperatorEntry("ArgMax", inputs: 1...1) { reader in try ArgExtremum(&reader, sign: 1) },
  OperatorEntry("ArgMin", inputs: 1...1) { reader in try ArgExtremum(&reader, sign: -1) },
  OperatorEntry("CumSum", since: 11, inputs: 2...2) { reader in
    CumulativeSum(isExclusive: try reader.flag("exclusive"), isReversed: try reader.flag("reverse"))
  },
]

/// A number truncated towards zero; the least integer if it is out of range.
func truncated(_ value: Double) -> Int64 { Int64(exactly: value.rounded(.towardZero)) ?? .min }

private func reduction(
  _ type: String, _ fold: Fold, finish: Reduce.Finish = .none, _ derivative: Reduce.Derivative,
  integers: @escaping @Sendable ([Int64]) -> Int64
) -> OperatorEntry {
  OperatorEntry(type, inputs: 1...2) { reader in
    Reduce(
      name: type, fold: fold, finish: finish, derivative: derivative, integers: integers,
      axes: try reader.ints("axes"), keepsDimensions: try reader.flag("keepdims", default: true),
      keepsAllWithoutAxes: try reader.flag("noop_with_empty_axes"))
  }
}

/// Folds the elements along some axes, given as an attribute or as input 1, into one.
struct Reduce: DifferentiableOperator {
  /// What is done to the folded value.
  enum Finish: Sendable {
    case none
    case divideByCount
    case function(UnaryLoop)
  }

  /// What a loop reads besides the gradient of the result.
  enum Operand: Sendable { case input, output }

  /// The rule for the argument's gradient.
  enum Derivative: Sendable {
    /// A function of argument, result and the result's gradient.
    case pointwise(TernaryLoop, reads: Set<Operand> = [])
    /// Passes to the elements that equal the result, in equal parts.
    case extremum
    /// Multiplies by the product of the others, even if some are zero.
    case product
  }

  let name: String
  let fold: Fold
  let finish: Finish
  let derivative: Derivative
  let integers: @Sendable ([Int64]) -> Int64
  let axes: [Int]?
  let keepsDimensions, keepsAllWithoutAxes: Bool

  var role: OperatorRole { .pooling }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let shape = inputs[0]?.shape, let reduced = try? reducedAxes(inputs) else { return .unknown }
    guard !keepsDimensions else { return .resampled }
    let labels = Array(0..<shape.rank)
    return .labelled([labels, []], result: labels.filter { !reduced.contains($0) })
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    switch (derivative, finish) {
    case (.extremum, _): .chosen
    // Its derivative depends on nothing: a sum or a mean.
    case (.pointwise(_, let reads), .none), (.pointwise(_, let reads), .divideByCount): reads.isEmpty ? .linear : nil
    default: nil
    }
  }

  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? {
    if case .divideByCount = finish { try? reducedAxes(inputs) } else { nil }
  }

  private func reducedAxes(_ inputs: NodeInputs) throws -> Set<Int> {
    let shape = try inputs.required(0).shape
    let named = try axes ?? inputs.integers(1) ?? []
    if named.isEmpty { return keepsAllWithoutAxes ? [] : Set(shape.dimensions.indices) }
    return Set(try shape.axes(named))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), axes = try reducedAxes(inputs)
    let kept = x.shape.reduced(over: axes)
    let dimensions = kept.dimensions.indices.filter { keepsDimensions || !axes.contains($0) }.map { kept[$0] }
    return [ValueInfo(x.elementType, Shape(dimensions))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0), axes = try reducedAxes(inputs), resultCount = outputs[0].shape.count
    let shape = x.shape, type = x.elementType
    let groupSize = shape.dimensions.indices.filter(axes.contains).reduce(1) { $0 * shape[$1] }
    switch type.storage {
    case .int64: return exact(shape, axes, from: { (x: Int64) in x }, to: { type.wrap($0) })
    case .bool: return exact(shape, axes, from: { (x: UInt8) in Int64(x) }, to: { $0 > 0 ? 1 : 0 as UInt8 })
    case .string: throw unsupportedType(type)
    case .float32: break
    }
    let reduction = Reduction(shape, over: axes)
    return Kernel(name, scratchByteCount: reduction.scratchCount * 4) { run in
      let y = run.output(0)
      reduction.run(fold, run.input(0), into: y, scratch: run.scratchFloats, on: run.pool)
      switch finish {
      case .none: break
      case .divideByCount: for index in 0..<resultCount { y[index] /= Float(groupSize) }
      case .function(let loop): loop(y, y, resultCount, unary_parameters())
      }
    }
  }

  private func exact<Element>(
    _ shape: Shape, _ axes: Set<Int>, from load: @escaping @Sendable (Element) -> Int64,
    to store: @escaping @Sendable (Int64) -> Element
  ) -> Kernel {
    let groups = shape.offsets { !axes.contains($0) }, members = shape.offsets(where: axes.contains)
    return Kernel(name) { run in
      let x = run.input(0, as: Element.self), y = run.output(0, as: Element.self)
      for (index, group) in groups.enumerated() { y[index] = store(integers(members.map { load(x[group + $0]) })) }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard wanted == [0] else { throw noGradient(ofInput: 1) }
    let shape = try inputs.required(0).shape, axes = try reducedAxes(inputs), kept = shape.reduced(over: axes)
    let space = BroadcastSpace(shape, [shape, kept, kept])
    switch derivative {
    case .pointwise(let loop, let reads):
      return pointwise(loop, reads, space, groupSize: Float(shape.count) / Float(max(kept.count, 1)), kept.count)
    case .extremum: return extremum(space, Reduction(shape, over: axes), shape.count, kept.count)
    case .product: return product(space, Reduction(shape, over: axes), shape.count, kept.count)
    }
  }

  private func pointwise(
    _ loop: @escaping TernaryLoop, _ reads: Set<Operand>, _ space: BroadcastSpace, groupSize: Float, _ keptCount: Int
  ) -> GradientRule {
    let divides = if case .divideByCount = finish { true } else { false }
    return GradientRule(
      name, readsInputs: reads.contains(.input) ? [0] : [], readsOutputs: reads.contains(.output) ? [0] : [],
      scratchByteCount: divides ? keptCount * 4 : 0
    ) { run in
      var dy = run.outputGradient
      if divides {
        for index in 0..<keptCount { run.scratchFloats[index] = dy[index] / groupSize }
        dy = UnsafePointer(run.scratchFloats)
      }
      let dx = run.inputGradient(0)
      // For an operand that a loop does not read, any memory of its extents will do.
      let x = reads.contains(.input) ? run.input(0) : UnsafePointer(dx)
      space.run(loop, x, reads.contains(.output) ? run.output(0) : dy, dy, into: dx, on: run.pool)
    }
  }

  private func extremum(
    _ space: BroadcastSpace, _ reduction: Reduction, _ count: Int, _ keptCount: Int
  ) -> GradientRule {
    GradientRule(
      name, readsInputs: [0], readsOutputs: [0], scratchByteCount: (keptCount + reduction.scratchCount) * 4
    ) { run in
      let x = run.input(0), y = run.output(0), dy = run.outputGradient, dx = run.inputGradient(0)
      let share = run.scratchFloats, zeros = run.scratchFloats
      zeros.update(repeating: 0, count: keptCount)
      space.run(add_equal_tile, x, y, zeros, into: dx, on: run.pool)
      reduction.run(.sum, dx, into: share, scratch: share + keptCount, on: run.pool)
      for index in 0..<keptCount { share[index] = dy[index] / share[index] }
      space.run(pass_equal_tile, x, y, share, into: dx, on: run.pool)
    }
  }

  private func product(
    _ space: BroadcastSpace, _ reduction: Reduction, _ count: Int, _ keptCount: Int
  ) -> GradientRule {
    GradientRule(name, readsInputs: [0], scratchByteCount: (2 * keptCount + reduction.scratchCount) * 4) { run in
      let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
      // For each group, the number of zeros and the product of the rest; then the gradient of zeros and of the others.
      let toZeros = run.scratchFloats, toOthers = toZeros + keptCount, rest = toOthers + keptCount
      for index in 0..<count { dx[index] = x[index] == 0 ? 1 : 0 }
      reduction.run(.sum, dx, into: toZeros, scratch: rest, on: run.pool)
      for index in 0..<count { dx[index] = x[index] == 0 ? 1 : x[index] }
      reduction.run(.product, dx, into: toOthers, scratch: rest, on: run.pool)
      for index in 0..<keptCount {
        let zeros = toZeros[index], whole = dy[index] * toOthers[index]
        toZeros[index] = zeros == 1 ? whole : 0
        toOthers[index] = zeros == 0 ? whole : 0
      }
      space.run(product_gradient_tile, x, toZeros, toOthers, into: dx, on: run.pool)
    }
  }
}

extension Shape {
  /// The shape with extent 1 along some axes.
  func reduced(over axes: Set<Int>) -> Shape {
    Shape(dimensions.indices.map { axes.contains($0) ? 1 : dimensions[$0] })
  }

  /// The offsets of all elements that differ from the first only along some axes, in row-major order.
  func offsets(where isMoving: (Int) -> Bool) -> [Int] {
    let strides = strides
    return dimensions.indices.filter(isMoving).reduce([0]) { offsets, axis in
      offsets.flatMap { offset in (0..<dimensions[axis]).map { offset + $0 * strides[axis] } }
    }
  }

  /// The extents before, along and after an axis.
  func split(at axis: Int) -> (outer: Int, count: Int, inner: Int) {
    (count(0..<axis), dimensions[axis], count(axis + 1..<rank))
  }
}

/// The index of the largest or least element along an axis.
struct ArgExtremum: Operator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  private let isMinimum, keepsDimension, prefersLast: Bool
  private let axis: Int

  var role: OperatorRole { isMinimum ? .other : .ranking }

  init(_ reader: inout AttributeReader, sign: Int) throws {
    isMinimum = sign < 0
    axis = try reader.int("axis", default: 0)
    keepsDimension = try reader.flag("keepdims", default: true)
    prefersLast = try reader.flag("select_last_index")
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0), axis = try x.shape.axis(axis)
    guard x.elementType.isNumeric else { throw unsupportedType(x.elementType) }
    guard x.shape[axis] > 0 else { throw GradCAMError(.badData, problem: "an axis without elements has no extremum") }
    var dimensions = x.shape.dimensions
    dimensions[axis] = 1
    if !keepsDimension { dimensions.remove(at: axis) }
    return [ValueInfo(.int64, Shape(dimensions))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0)
    return x.elementType.isFloatingPoint
      ? kernel(x.shape, of: Float.self) { $0.isNaN } : kernel(x.shape, of: Int64.self) { _ in false }
  }

  private func kernel<Element: Comparable & Sendable>(
    _ shape: Shape, of type: Element.Type, wins: @escaping @Sendable (Element) -> Bool
  ) -> Kernel {
    let axis = (try? shape.axis(axis)) ?? 0
    let (outer, count, inner) = shape.split(at: axis)
    return Kernel("arg") { run in
      let x = run.input(0, as: Element.self), y = run.output(0, as: Int64.self)
      // The columns of a block advance together, so that memory is read contiguously.
      let width = min(inner, 512), blocks = inner == 0 ? 0 : (inner + width - 1) / width
      run.pool.parallelFor(outer * blocks) { index, _ in
        let (row, block) = index.quotientAndRemainder(dividingBy: blocks)
        let first = row * count * inner + block * width
        for column in 0..<min(width, inner - block * width) { y[row * inner + block * width + column] = 0 }
        for position in 1..<max(count, 1) {
          for column in 0..<min(width, inner - block * width) {
            let target = y + row * inner + block * width + column
            let best = x[first + Int(target.pointee) * inner + column], value = x[first + position * inner + column]
            let isBetter = isMinimum ? value < best : value > best
            if isBetter || prefersLast && value == best || wins(value) && !wins(best) {
              target.pointee = Int64(position)
            }
          }
        }
      }
    }
  }
}

/// Running sums along the axis given by input 1.
struct CumulativeSum: DifferentiableOperator {
  let isExclusive, isReversed: Bool

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .linear }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.isNumeric else { throw unsupportedType(x.elementType) }
    _ = try x.shape.axis(inputs.requiredInteger(1))
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let x = try inputs.required(0), type = x.elementType
    let form = x.shape.split(at: try x.shape.axis(inputs.requiredInteger(1)))
    return Kernel("cumulative sum") { run in
      if type.isFloatingPoint {
        sum(
          run.input(0), into: run.output(0), form, reversed: isReversed, zero: 0.0, add: { $0 + Double($1) },
          get: { Float($0) })
      } else {
        sum(
          run.input(0, as: Int64.self), into: run.output(0, as: Int64.self), form, reversed: isReversed, zero: 0,
          add: { $0 &+ $1 }, get: { type.wrap($0) })
      }
    }
  }

  private func sum<Element, Total>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, _ form: (outer: Int, count: Int, inner: Int),
    reversed: Bool, zero: Total, add: (Total, Element) -> Total, get: (Total) -> Element
  ) {
    for row in 0..<form.outer * form.inner {
      let (outer, inner) = row.quotientAndRemainder(dividingBy: form.inner)
      let start = outer * form.count * form.inner + inner
      var total = zero
      for step in 0..<form.count {
        let at = start + (reversed ? form.count - 1 - step : step) * form.inner
        let before = total
        total = add(total, x[at])
        y[at] = get(isExclusive ? before : total)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    guard wanted == [0] else { throw noGradient(ofInput: 1) }
    let shape = try inputs.required(0).shape
    let form = shape.split(at: try shape.axis(inputs.requiredInteger(1)))
    return GradientRule("cumulative sum") { run in
      sum(
        run.outputGradient, into: run.inputGradient(0), form, reversed: !isReversed, zero: 0.0,
        add: { $0 + Double($1) }, get: { Float($0) })
    }
  }
}
