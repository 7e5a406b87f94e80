import CKernels
import Graph

let logicOperators: [OperatorEntry] = [
  comparison("Equal", equal_tile, comparesTexts: true) { $0 == $1 },
  comparison("Less", less_tile) { $0 < $1 },
  comparison("LessOrEqual", since: 12, less_or_equal_tile) { $0 <= $1 },
  comparison("Greater", less_tile, swapped: true) { $0 < $1 },
  comparison("GreaterOrEqual", since: 12, less_or_equal_tile, swapped: true) { $0 <= $1 },
  logical("And") { $0 & $1 },
  logical("Or") { $0 | $1 },
  logical("Xor") { $0 ^ $1 },
  bitwise("BitwiseAnd") { $0 & $1 },
  bitwise("BitwiseOr") { $0 | $1 },
  bitwise("BitwiseXor") { $0 ^ $1 },
  OperatorEntry("BitShift", since: 11, inputs: 2...2) { reader in
    guard reader.has("direction") else {
      throw GradCAMError(.badData, at: "attribute 'direction'", problem: "is missing")
    }
    return switch try reader.choice("direction", default: ShiftDirection.left) {
    case .left: Elementwise { (x: Int64, y: Int64) in y < 0 ? 0 : x << y }
    case .right: Elementwise { (x: Int64, y: Int64) in y < 0 ? x >> 63 : x >> y }
    }
  },
  OperatorEntry("Where", since: 9, inputs: 3...3) { _ in Where() },
]

private enum ShiftDirection: String, CaseIterable {
  case left = "LEFT"
  case right = "RIGHT"
}

private func comparison(
  _ type: String, since: Int = 1, _ loop: @escaping ComparisonLoop, swapped: Bool = false, comparesTexts: Bool = false,
  integer: @escaping @Sendable (Int64, Int64) -> Bool
) -> OperatorEntry {
  OperatorEntry(type, since: since, inputs: 2...2) { reader in
    OrderTest(
      loop: loop, isSwapped: swapped, comparesTexts: comparesTexts, integer: integer,
      alignment: try OperandAlignment(&reader))
  }
}

private func logical(_ type: String, _ function: @escaping @Sendable (UInt8, UInt8) -> UInt8) -> OperatorEntry {
  OperatorEntry(type, inputs: 2...2) { reader in
    Elementwise(alignment: try OperandAlignment(&reader), function: function)
  }
}

private func bitwise(_ type: String, _ function: @escaping @Sendable (Int64, Int64) -> Int64) -> OperatorEntry {
  OperatorEntry(type, since: 18, inputs: 2...2) { _ in Elementwise(function: function) }
}

typealias ComparisonLoop =
  @Sendable @convention(c) (FloatInput?, FloatInput?, UnsafeMutablePointer<UInt8>?, broadcast_tile) -> Void

/// A comparison of two tensors that broadcast; a > b is b < a.
struct OrderTest: Operator {
  let loop: ComparisonLoop
  let isSwapped: Bool
  /// Whether strings can be compared too, by the numbers of their texts.
  let comparesTexts: Bool
  let integer: @Sendable (Int64, Int64) -> Bool
  let alignment: OperandAlignment

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let type = try inputs.commonType()
    guard type != .string || comparesTexts else { throw unsupportedType(type) }
    return [ValueInfo(.bool, try .broadcast(alignment.shapes(inputs)))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let (first, second) = isSwapped ? (1, 0) : (0, 1)
    let shapes = try alignment.shapes(inputs),
      space = BroadcastSpace(outputs[0].shape, [shapes[first], shapes[second]])
    switch try inputs.commonType().storage {
    case .float32:
      return Kernel("compare") { run in
        let a = run.input(first), b = run.input(second), y = run.output(0, as: UInt8.self)
        space.forEachTile(on: run.pool) { loop(a + $0.offsets[0], b + $0.offsets[1], y + $0.start, $0.form) }
      }
    case .int64, .string: return kernel(space, first, second) { (x: Int64) in x }
    case .bool: return kernel(space, first, second) { (x: UInt8) in Int64(x) }
    }
  }

  private func kernel<Element>(
    _ space: BroadcastSpace, _ first: Int, _ second: Int, _ value: @escaping @Sendable (Element) -> Int64
  ) -> Kernel {
    Kernel("compare") { run in
      let a = run.input(first, as: Element.self), b = run.input(second, as: Element.self)
      space.map(a, b, into: run.output(0, as: UInt8.self), on: run.pool) { integer(value($0), value($1)) ? 1 : 0 }
    }
  }
}

/// A function of two integers or two truth values with a result of the same type.
struct Elementwise<Element: FixedWidthInteger & Sendable>: Operator {
  var alignment = OperandAlignment.trailing
  let function: @Sendable (Element, Element) -> Element

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let type = try inputs.commonType(), shapes = try alignment.shapes(inputs)
    guard type.storage == (Element.self == UInt8.self ? .bool : .int64) else { throw unsupportedType(type) }
    return [ValueInfo(type, try .broadcast(shapes))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let space = BroadcastSpace(outputs[0].shape, try alignment.shapes(inputs)), type = outputs[0].elementType
    return Kernel("bits", placement: .inPlace([0, 1])) { run in
      let a = run.input(0, as: Element.self), b = run.input(1, as: Element.self)
      space.map(a, b, into: run.output(0, as: Element.self), on: run.pool) {
        Element(truncatingIfNeeded: type.wrap(Int64(truncatingIfNeeded: function($0, $1))))
      }
    }
  }
}

/// Takes each element from input 1 where input 0 is true, else from input 2.
struct Where: DifferentiableOperator {
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .moved }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let condition = try inputs.required(0), x = try inputs.required(1), y = try inputs.required(2)
    guard condition.elementType == .bool, x.elementType.storage == y.elementType.storage else {
      throw GradCAMError(.badData, problem: "the condition is not boolean, or the choices differ in type")
    }
    return [ValueInfo(x.elementType, try .broadcast([condition.shape, x.shape, y.shape]))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let space = BroadcastSpace(outputs[0].shape, try inputs.all().map(\.shape))
    let size = outputs[0].elementType.storage.byteCount
    let loop = size == 1 ? select_1_tile : size == 4 ? select_4_tile : select_8_tile
    return Kernel("where", placement: .inPlace([1, 2])) { run in
      let condition = run.input(0, as: UInt8.self), x = run.inputs[1]!, y = run.inputs[2]!, result = run.outputs[0]!
      space.forEachTile(on: run.pool) {
        loop(
          condition + $0.offsets[0], x + $0.offsets[1] * size, y + $0.offsets[2] * size, result + $0.start * size,
          $0.form)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let shapes = try inputs.all().map(\.shape), result = outputs[0].shape
    let space = BroadcastSpace(result, [shapes[0], result])
    let unbroadcasts = shapes.map { Unbroadcast($0, from: result) }
    return GradientRule(
      "where", readsInputs: [0], inPlace: wanted.count == 1 && wanted.allSatisfy { unbroadcasts[$0].isTrivial },
      scratchByteCount: (wanted.map { unbroadcasts[$0].scratchCount }.max() ?? 0) * 4
    ) { run in
      let condition = run.input(0, as: UInt8.self), dy = run.outputGradient
      for input in wanted {
        unbroadcasts[input].run(into: run.inputGradient(input), scratch: run.scratchFloats, on: run.pool) { target in
          space.forEachTile(on: run.pool) {
            select_gradient_tile(
              condition + $0.offsets[0], dy + $0.offsets[1], target + $0.start, input == 1 ? 1 : 0, $0.form)
          }
        }
      }
    }
  }
}
