import CKernels
import Graph

let arithmeticOperators: [OperatorEntry] = [
  binary(.add, "Add", add_tile, .pass, .pass) { $0 &+ $1 },
  binary(.subtract, "Sub", subtract_tile, .pass, .loop(negate_tile)) { $0 &- $1 },
  binary(.multiply, "Mul", multiply_tile, .loop(multiply_a_tile, reads: [1]), .loop(multiply_b_tile, reads: [0])) {
    $0 &* $1
  },
  binary(.divide, "Div", divide_tile, .loop(divide_a_tile, reads: [1]), .loop(divide_b_tile, reads: [0, 1])) {
    $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue
  },
  OperatorEntry("Pow", inputs: 2...2) { reader in
    var power = Binary(
      .power, "pow", power_tile, [.loop(power_a_tile, reads: [0, 1]), .loop(power_b_tile, reads: [0, 1])],
      alignment: try OperandAlignment(&reader), integer: integerPower)
    power.allowsOtherExponentTypes = true
    return power
  },
  OperatorEntry("Mod", since: 10, inputs: 2...2) { reader in
    let alignment = try OperandAlignment(&reader)
    return try reader.flag("fmod")
      ? Binary(nil, "mod", remainder_tile, [.pass, .loop(remainder_b_tile, reads: [0, 1])], alignment: alignment) {
        $1 == 0 ? 0 : $0.remainderReportingOverflow(dividingBy: $1).partialValue
      }
      : Binary(nil, "mod", modulo_tile, [.pass, .loop(modulo_b_tile, reads: [0, 1])], alignment: alignment) {
        let remainder = $1 == 0 ? 0 : $0.remainderReportingOverflow(dividingBy: $1).partialValue
        return remainder != 0 && (remainder < 0) != ($1 < 0) ? remainder + $1 : remainder
      }
  },
  OperatorEntry("PRelu", inputs: 2...2) { reader in
    reader.ignore("consumed_inputs")
    return Binary(
      nil, "prelu", prelu_tile,
      [.loop(prelu_a_tile, reads: [0, 1]), .loop(prelu_b_tile, reads: [0])],
      alignment: reader.opset < 7 ? .channels : .channelsWhereNeeded
    ) { $0 > 0 ? $0 : $0 &* $1 }
  },
  OperatorEntry("Sum", inputs: 1...Int.max) { reader in Variadic(.sum, &reader) },
  OperatorEntry("Mean", inputs: 1...Int.max) { reader in Variadic(.mean, &reader) },
  OperatorEntry("Max", inputs: 1...Int.max) { reader in Variadic(.max, &reader) },
  OperatorEntry("Min", inputs: 1...Int.max) { reader in Variadic(.min, &reader) },
]

private func binary(
  _ function: Binary.Function, _ type: String, _ loop: @escaping BinaryLoop, _ first: Binary.Derivative,
  _ second: Binary.Derivative, integer: @escaping @Sendable (Int64, Int64) -> Int64
) -> OperatorEntry {
  OperatorEntry(type, inputs: 2...2) { reader in
    Binary(
      function, type.lowercased(), loop, [first, second], alignment: try OperandAlignment(&reader), integer: integer)
  }
}

/// How the extents of a second operand align with those of the first.
enum OperandAlignment: Sendable {
  /// At the end, as in all opsets since 7.
  case trailing
  /// From this axis on: the attributes `broadcast` and `axis` of older opsets.
  case from(Int)
  /// Along axis 1 if there is one extent.
  case channels
  /// Like `channels` if it does not fit at the end.
  case channelsWhereNeeded

  /// Reads the attributes of old opsets.
  init(_ reader: inout AttributeReader) throws {
    reader.ignore("consumed_inputs")
    self = .trailing
    guard reader.opset < 7 else { return }
    let broadcasts = try reader.flag("broadcast"), axis = try reader.int("axis")
    if broadcasts, let axis { self = .from(axis) }
  }

  /// The shapes of a node's two operands, aligned.
  func shapes(_ inputs: NodeInputs) throws -> [Shape] {
    let a = try inputs.required(0).shape, b = try inputs.required(1).shape
    return [a, try align(b, to: a)]
  }

  /// The shape of the second operand, padded with trailing 1s so that it broadcasts to the first.
  private func align(_ operand: Shape, to first: Shape) throws -> Shape {
    switch self {
    case .trailing: return operand
    case .from(let index):
      let axis = try first.axis(index), trailing = first.rank - axis - operand.rank
      guard trailing >= 0 else {
        throw GradCAMError(.badData, problem: "shape \(operand) does not fit into \(first) from axis \(axis) on")
      }
      return Shape(operand.dimensions + [Int](repeating: 1, count: trailing))
    case .channels:
      guard operand.rank == 1, first.rank > 1, operand[0] == first[1] else { return operand }
      return Shape(operand.dimensions + [Int](repeating: 1, count: first.rank - 2))
    case .channelsWhereNeeded:
      return (try? operand.broadcast(with: first)) == first
        ? operand : try OperandAlignment.channels.align(operand, to: first)
    }
  }
}

/// A function of two tensors that broadcast.
struct Binary: DifferentiableOperator {
  /// The functions that rewrites look for.
  enum Function: Sendable { case add, subtract, multiply, divide, power }

  /// How an operand's gradient follows from that of the result.
  enum Derivative: Sendable {
    /// It is the same.
    case pass
    /// A loop computes it from the operands named and the result's gradient.
    case loop(TernaryLoop, reads: Set<Int> = [])
  }

  /// The function; nil for any other.
  private let function: Function?
  private let name: String
  private let loop: BinaryLoop
  private let derivatives: [Derivative]
  private let alignment: OperandAlignment
  private let integer: @Sendable (Int64, Int64) -> Int64
  /// Whether the second operand may differ in type from the first; the result has the type of the first.
  var allowsOtherExponentTypes = false

  init(
    _ function: Function?, _ name: String, _ loop: @escaping BinaryLoop, _ derivatives: [Derivative],
    alignment: OperandAlignment, integer: @escaping @Sendable (Int64, Int64) -> Int64
  ) {
    self.function = function
    self.name = name
    self.loop = loop
    self.derivatives = derivatives
    self.alignment = alignment
    self.integer = integer
  }

  var role: OperatorRole { function == .add ? .sum : .other }

  func scaling(_ inputs: NodeInputs) -> ConstantScaling? {
    guard let function, inputs.count == 2, let shapes = try? alignment.shapes(inputs) else { return nil }
    let variable = inputs[0]?.constant == nil ? 0 : 1
    guard inputs[variable]?.constant == nil, let numbers = inputs[1 - variable]?.constant?.floats else { return nil }
    // The constant may differ along one axis of the result.
    let shape = shapes[1 - variable], axes = shape.dimensions.indices.filter { shape[$0] > 1 }
    guard !numbers.isEmpty, axes.count < 2, shape.rank <= shapes[variable].rank else { return nil }
    let axis = axes.first.map { $0 + shapes[variable].rank - shape.rank }
    func scaling(by scale: (Float) -> Float, plus shift: (Float) -> Float) -> ConstantScaling {
      ConstantScaling(of: variable, by: numbers.map(scale), plus: numbers.map(shift), along: axis)
    }
    return switch function {
    case .add: scaling(by: { _ in 1 }, plus: { $0 })
    case .subtract: variable == 0 ? scaling(by: { _ in 1 }, plus: { -$0 }) : scaling(by: { _ in -1 }, plus: { $0 })
    case .multiply: scaling(by: { $0 }, plus: { _ in 0 })
    case .divide: variable == 0 ? scaling(by: { 1 / $0 }, plus: { _ in 0 }) : nil
    case .power: nil
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    switch function {
    case .add, .subtract: return .linear
    case .multiply: return wanted.count == 1 ? .linear : .multilinear
    case .divide where wanted.contains(0): return wanted.count == 1 ? .linear : .scaled(held: self)
    case .divide, .power, nil:
      // A function of one number for each result.
      guard wanted.count == 1, let result = try? infer(inputs)[0].shape else { return nil }
      return inputs[wanted.first!]?.shape == result ? .elementwise : nil
    }
  }

  /// Whether it is this function, with its operands aligned at their ends.
  func computes(_ function: Function) -> Bool {
    if case .trailing = alignment { self.function == function } else { false }
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let shapes = try alignment.shapes(inputs)
    let type = allowsOtherExponentTypes ? try inputs.required(0).elementType : try inputs.commonType()
    for info in try inputs.all() where !info.elementType.isNumeric { throw unsupportedType(info.elementType) }
    return [ValueInfo(type, try .broadcast(shapes))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let space = BroadcastSpace(outputs[0].shape, try alignment.shapes(inputs)), type = outputs[0].elementType
    let exponent = try FloatOperand(1, inputs.required(1))
    switch (type.storage, exponent.isConverted) {
    case (.float32, _):
      return Kernel(
        name, placement: .inPlace(exponent.isConverted ? [0] : [0, 1]), scratchByteCount: exponent.scratchCount * 4,
        operationCount: Double(space.count)
      ) { run in
        let b = exponent.floats(run.inputs, scratch: run.scratchFloats)
        space.run(loop, run.input(0), b, into: run.output(0), on: run.pool)
      }
    case (_, true):
      return Kernel(name, placement: .inPlace([0, 1])) { run in
        space.map(
          run.input(0, as: Int64.self), run.input(1, as: Int64.self), into: run.output(0, as: Int64.self), on: run.pool
        ) { type.wrap(integer($0, $1)) }
      }
    case (_, false):
      return Kernel(name, placement: .inPlace([0])) { run in
        space.map(
          run.input(0, as: Int64.self), run.input(1), into: run.output(0, as: Int64.self), on: run.pool
        ) { type.wrap(truncated(pow(Double($0), Double($1)))) }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let result = outputs[0].shape, shapes = try alignment.shapes(inputs)
    let second = try FloatOperand(1, inputs.required(1))
    let space = BroadcastSpace(result, shapes + [result])
    let unbroadcasts = shapes.map { Unbroadcast($0, from: result) }
    var passes: Set<Int> = [], reads: Set<Int> = []
    for input in wanted {
      switch derivatives[input] {
      case .pass: if unbroadcasts[input].isTrivial { passes.insert(input) }
      case .loop(_, let operands): reads.formUnion(operands)
      }
    }
    let computed = wanted.subtracting(passes).sorted()
    return GradientRule(
      name, readsInputs: reads, passes: passes,
      inPlace: wanted.count == 1 && computed.allSatisfy { unbroadcasts[$0].isTrivial },
      scratchByteCount: (second.scratchCount + (computed.map { unbroadcasts[$0].scratchCount }.max() ?? 0)) * 4
    ) { [reads] run in
      // For an operand that a loop does not read, any memory of at least its extents will do.
      let dy = run.outputGradient, scratch = run.scratchFloats + second.scratchCount
      let a = reads.contains(0) ? run.input(0) : dy
      let b = reads.contains(1) ? second.floats(run.inputs, scratch: run.scratchFloats) : dy
      for input in computed {
        let dx = run.inputGradient(input), unbroadcast = unbroadcasts[input]
        switch derivatives[input] {
        case .pass: unbroadcast.run(summing: dy, into: dx, scratch: scratch, on: run.pool)
        case .loop(let loop, _):
          unbroadcast.run(into: dx, scratch: scratch, on: run.pool) {
            space.run(loop, a, b, dy, into: $0, on: run.pool)
          }
        }
      }
    }
  }
}

/// An input read as floats, converted first if it holds integers.
struct FloatOperand: Sendable {
  private let index: Int
  private let count: Int
  /// Whether it holds integers.
  let isConverted: Bool

  init(_ index: Int, _ info: ValueInfo) {
    self.index = index
    count = info.shape.count
    isConverted = !info.elementType.isFloatingPoint
  }

  /// The scratch memory needed, in floats, rounded up so that what follows stays aligned.
  var scratchCount: Int { isConverted ? (count + 15) / 16 * 16 : 0 }

  func floats(_ inputs: [UnsafeRawPointer?], scratch: FloatOutput) -> FloatInput {
    guard isConverted else { return inputs[index]!.assumingMemoryBound(to: Float.self) }
    let integers = inputs[index]!.assumingMemoryBound(to: Int64.self)
    for position in 0..<count { scratch[position] = Float(integers[position]) }
    return UnsafePointer(scratch)
  }
}

/// The power of an integer with wrap-around; the fraction from a negative exponent is truncated.
@Sendable private func integerPower(_ base: Int64, _ exponent: Int64) -> Int64 {
  if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent.isMultiple(of: 2) ? 1 : -1) : 0 }
  var result: Int64 = 1, square = base, rest = exponent
  while rest > 0 {
    if !rest.isMultiple(of: 2) { result = result &* square }
    square = square &* square
    rest >>= 1
  }
  return result
}

extension NodeInputs {
  /// The only input, whose elements are floating-point numbers.
  ///
  /// Throws `unsupported` if they are not, `badData` if there are more inputs or none.
  func onlyFloats() throws -> ValueInfo {
    let x = try required(0)
    guard x.elementType.isFloatingPoint else { throw unsupportedType(x.elementType) }
    return x
  }

  /// The type of the elements of all inputs.
  ///
  /// Throws `badData` if they differ in storage or there are none.
  func commonType() throws -> ElementType {
    let types = try all().map(\.elementType)
    guard let first = types.first, types.allSatisfy({ $0.storage == first.storage }) else {
      throw GradCAMError(.badData, problem: "inputs of types \(types.map(\.rawValue)), not of one common type")
    }
    return first
  }
}

/// Sum, Mean, Max and Min of any number of tensors that broadcast.
struct Variadic: DifferentiableOperator {
  enum Function: Sendable { case sum, mean, max, min }

  private let function: Function

  init(_ function: Function, _ reader: inout AttributeReader) {
    reader.ignore("consumed_inputs")
    self.function = function
  }

  private var loop: BinaryLoop {
    switch function {
    case .sum, .mean: add_tile
    case .max: maximum_tile
    case .min: minimum_tile
    }
  }

  private var integer: @Sendable (Int64, Int64) -> Int64 {
    switch function {
    case .sum, .mean: { $0 &+ $1 }
    case .max: { Swift.max($0, $1) }
    case .min: { Swift.min($0, $1) }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? {
    [.sum, .mean].contains(function) ? .linear : .chosen
  }

  /// Of a number and something else.
  func limits(_ inputs: NodeInputs) -> ConstantLimits? {
    let variable = inputs[0]?.constant == nil ? 0 : 1
    guard [.max, .min].contains(function), inputs.count == 2, inputs[variable]?.constant == nil,
      let numbers = inputs[1 - variable]?.constant?.floats, let limit = numbers.first, numbers.count == 1, !limit.isNaN
    else { return nil }
    return ConstantLimits(of: variable, function == .max ? limit...Float.infinity : -Float.infinity...limit)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let type = try inputs.commonType()
    guard type.isNumeric else { throw unsupportedType(type) }
    return [ValueInfo(type, try .broadcast(inputs.all().map(\.shape)))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shapes = try inputs.all().map(\.shape), result = outputs[0].shape, type = outputs[0].elementType
    if shapes.count == 1 { return .view() }
    // The first two operands initialise the result's memory; the others are folded into it one by one.
    let first = BroadcastSpace(result, Array(shapes[..<2]))
    let further = shapes[2...].map { BroadcastSpace(result, [result, $0]) }
    let divisor = function == .mean ? shapes.count : 1
    let placement = Kernel.Placement.inPlace(shapes.count == 2 ? [0, 1] : [])
    if type.storage == .int64 {
      return Kernel("fold", placement: placement) { [integer] run in
        let y = run.output(0, as: Int64.self)
        func combine(_ a: Int64, _ b: Int64) -> Int64 { integer(a, b) }
        first.map(run.input(0, as: Int64.self), run.input(1, as: Int64.self), into: y, on: run.pool, combine)
        for (index, space) in further.enumerated() {
          space.map(UnsafePointer(y), run.input(index + 2, as: Int64.self), into: y, on: run.pool, combine)
        }
        for index in 0..<result.count { y[index] = type.wrap(y[index] / Int64(divisor)) }
      }
    }
    return Kernel("fold", placement: placement) { [loop] run in
      let y = run.output(0)
      first.run(loop, run.input(0), run.input(1), into: y, on: run.pool)
      for (index, space) in further.enumerated() {
        space.run(loop, UnsafePointer(y), run.input(index + 2), into: y, on: run.pool)
      }
      if divisor > 1 { divide(y, by: Float(divisor), count: result.count, on: run.pool) }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shapes = try inputs.all().map(\.shape), result = outputs[0].shape
    let unbroadcasts = shapes.map { Unbroadcast($0, from: result) }
    let scratchCount = wanted.map { unbroadcasts[$0].scratchCount }.max() ?? 0
    switch function {
    case .sum, .mean:
      let divisor = function == .mean ? shapes.count : 1
      let passes = wanted.filter { divisor == 1 && unbroadcasts[$0].isTrivial }
      return GradientRule("fold", passes: passes, scratchByteCount: scratchCount * 4) { run in
        for input in wanted.subtracting(passes) {
          let dx = run.inputGradient(input)
          unbroadcasts[input].run(summing: run.outputGradient, into: dx, scratch: run.scratchFloats, on: run.pool)
          if divisor > 1 { divide(dx, by: Float(divisor), count: shapes[input].count, on: run.pool) }
        }
      }
    case .max, .min:
      // Those that share the extremum share its gradient, as in PyTorch.
      let spaces = shapes.map { BroadcastSpace(result, [$0, result, result]) }
      let all = Set(shapes.indices)
      return GradientRule(
        "fold", readsInputs: all, readsOutputs: [0], scratchByteCount: (result.count + scratchCount) * 4
      ) { run in
        let y = run.output(0), share = run.scratchFloats
        share.update(repeating: 0, count: result.count)
        for (index, space) in spaces.enumerated() {
          space.run(add_equal_tile, run.input(index), y, share, into: share, on: run.pool)
        }
        BroadcastSpace(result, [result, result]).run(divide_tile, run.outputGradient, share, into: share, on: run.pool)
        for input in wanted {
          unbroadcasts[input].run(into: run.inputGradient(input), scratch: share + result.count, on: run.pool) {
            spaces[input].run(pass_equal_tile, run.input(input), y, share, into: $0, on: run.pool)
          }
        }
      }
    }
  }
}

/// Divides every element by a number.
private func divide(_ y: FloatOutput, by divisor: Float, count: Int, on pool: ThreadPool) {
  withUnsafePointer(to: divisor) { BroadcastSpace([count], [[count], []]).run(divide_tile, y, $0, into: y, on: pool) }
}
