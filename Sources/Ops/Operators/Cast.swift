import CKernels
import Graph

let castOperators: [OperatorEntry] = [
  OperatorEntry("Cast", inputs: 1...1) { reader in
    guard case .string(let name)? = reader.node.attributes["to"] else {
      guard let code = try reader.int("to") else { throw missingType }
      return try Cast(to: ElementType(onnx: code), &reader)
    }
    _ = reader.attribute("to")
    return try Cast(to: ElementType(name: name), &reader)
  },
  OperatorEntry("CastLike", since: 15, inputs: 2...2) { reader in try Cast(to: nil, &reader) },
]

private let missingType = GradCAMError(.badData, at: "attribute 'to'", problem: "is missing")

extension ElementType {
  /// The type for a name in a file older than opset 6, such as `FLOAT`.
  fileprivate init(name: String) throws {
    let names: [String: ElementType] = ["float": .float32, "double": .float64]
    guard let type = names[name.lowercased()] ?? ElementType(rawValue: name.lowercased()) else {
      throw GradCAMError(.unsupported, at: "attribute 'to'", problem: "element type '\(name)' is not supported")
    }
    self = type
  }

  /// An integer wrapped to the range of this type by dropping its high bits; `uint64` saturates at the largest int64.
  func wrap(_ value: Int64) -> Int64 {
    switch self {
    case .int8: Int64(Int8(truncatingIfNeeded: value))
    case .int16: Int64(Int16(truncatingIfNeeded: value))
    case .int32: Int64(Int32(truncatingIfNeeded: value))
    case .uint8: Int64(UInt8(truncatingIfNeeded: value))
    case .uint16: Int64(UInt16(truncatingIfNeeded: value))
    case .uint32: Int64(UInt32(truncatingIfNeeded: value))
    case .uint64: value < 0 ? .max : value
    case .int2, .int4: (value << (64 - bitCount)) >> (64 - bitCount)
    case .uint2, .uint4: value & integerRange.upperBound
    default: value
    }
  }

  /// The number of this floating type nearest to a float; float64 is stored as float32.
  public func nearest(_ value: Float) -> Float {
    var value = value, result = value
    switch self {
    case .float16: round_to_float16(&value, &result, 1)
    case .bfloat16: round_to_bfloat16(&value, &result, 1)
    default: result = NarrowFloat(self)?.nearest(to: value) ?? value
    }
    return result
  }

  /// A float truncated towards zero; a value outside int32 (for types up to 32 bits) or int64 becomes the least number
  /// of that type before its high bits are dropped, as on x86 processors.
  fileprivate func truncate(_ value: Float) -> Int64 {
    let throughInt32 = self != .int64 && self != .uint32 && self != .uint64
    if throughInt32 { return wrap(Int64(Int32(exactly: value.rounded(.towardZero)) ?? .min)) }
    return wrap(Int64(exactly: value.rounded(.towardZero)) ?? .min)
  }
}

/// Cast and CastLike: to a given type, or to that of input 1; the gradient passes through rounding, as in PyTorch.
struct Cast: DifferentiableOperator {
  let to: ElementType?
  /// What `NarrowFloat.nearest` does with numbers that the type does not have.
  let saturates: Bool
  let rounding: NarrowFloat.Rounding
  var role: OperatorRole { .identity }
  var integerGradients: IntegerGradients { .passed }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .elementwise : nil }

  init(to: ElementType?, _ reader: inout AttributeReader) throws {
    self.to = to
    saturates = try reader.flag("saturate", default: true)
    rounding = try reader.choice("round_mode", default: .up)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    var result = ValueInfo(try to ?? inputs.required(1).elementType, x.shape)
    // CastLike needs only the type of input 1, whose contents may depend on the image.
    if let constant = x.constant { result.constant = try convert(constant, to: result.elementType) }
    return [result]
  }

  private func convert(_ tensor: Tensor, to type: ElementType) throws -> Tensor {
    let kernel = kernel(from: tensor.elementType, to: type, count: tensor.shape.count)
    if kernel.placement == .view(0) { return Tensor(elementType: type, shape: tensor.shape, storage: tensor.storage) }
    let result = Tensor(uninitialized: type, shape: tensor.shape), source = tensor.storage.forOneUse
    try withExtendedLifetime(source) {
      try kernel.run(
        KernelArguments(
          inputs: [UnsafeRawPointer(source.base)], outputs: [result.storage.base], scratch: result.storage.base,
          pool: ThreadPool(threadCount: 1)))
    }
    return result
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    // The rounding that the gradient passes straight through is none of the function that it is the gradient of.
    if request.roundsLittle, try inputs.required(0).elementType.storage == .float32,
      outputs[0].elementType.storage == .float32
    {
      return .view()
    }
    return kernel(from: try inputs.required(0).elementType, to: outputs[0].elementType, count: outputs[0].shape.count)
  }

  private func kernel(from: ElementType, to: ElementType, count: Int) -> Kernel {
    switch (from.storage, to.storage) {
    case (.float32, .float32):
      if from == to { return .view() }
      switch to {
      case .float16: return round(count, round_to_float16)
      case .bfloat16: return round(count, round_to_bfloat16)
      default:
        guard let nearest = nearest(in: to) else { return .view() }
        return convert(count, nearest)
      }
    case (.bool, .bool), (.string, .string): return .view()
    case (.int64, .int64):
      if to.integerRange.contains(from.integerRange.lowerBound), to.integerRange.contains(from.integerRange.upperBound)
      {
        return .view()
      }
      return convert(count) { (x: Int64) in to.wrap(x) }
    case (.float32, .int64): return convert(count) { (x: Float) in to.truncate(x) }
    case (.float32, .bool): return convert(count) { (x: Float) -> UInt8 in x == 0 ? 0 : 1 }
    case (.int64, .float32):
      guard let nearest = nearest(in: to) else { return convert(count) { (x: Int64) in to.nearest(Float(x)) } }
      return convert(count) { (x: Int64) in nearest(Float(x)) }
    case (.int64, .bool): return convert(count) { (x: Int64) -> UInt8 in x == 0 ? 0 : 1 }
    case (.bool, .float32): return convert(count) { (x: UInt8) -> Float in x == 0 ? 0 : 1 }
    case (.bool, .int64): return convert(count) { (x: UInt8) -> Int64 in x == 0 ? 0 : 1 }
    case (.float32, .string): return convert(count) { (x: Float) in TextTable.number(of: text(x)) }
    case (.int64, .string): return convert(count) { (x: Int64) in TextTable.number(of: "\(x)") }
    case (.bool, .string): return convert(count) { (x: UInt8) in TextTable.number(of: x == 0 ? "0" : "1") }
    case (.string, .float32): return parse(count) { to.nearest($0) }
    case (.string, .int64): return parse(count) { to.truncate($0) }
    case (.string, .bool): return parse(count) { $0 == 0 ? 0 : 1 as UInt8 }
    }
  }

  /// Rounding to a narrow floating-point type; nil for other types.
  private func nearest(in type: ElementType) -> (@Sendable (Float) -> Float)? {
    guard let format = NarrowFloat(type) else { return nil }
    return { [saturates, rounding] in format.nearest(to: $0, saturates: saturates, rounding: rounding) }
  }

  private func text(_ value: Float) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-INF" : "INF" }
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// Converts the numbers that texts spell; a text that spells none is an error.
  private func parse<To>(_ count: Int, _ function: @escaping @Sendable (Float) -> To) -> Kernel {
    Kernel("parse") { run in
      let x = run.input(0, as: Int64.self), y = run.output(0, as: To.self)
      for index in 0..<count {
        let text = TextTable.text(x[index])
        guard let number = Float(text) else {
          throw GradCAMError(.badData, problem: "the text '\(text)' is no number")
        }
        y[index] = function(number)
      }
    }
  }

  private func round(
    _ count: Int, _ function: @escaping @Sendable @convention(c) (FloatInput?, FloatOutput?, Int) -> Void
  ) -> Kernel {
    Kernel("round", placement: .inPlace([0])) { run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        function(x + range.lowerBound, y + range.lowerBound, range.count)
      }
    }
  }

  private func convert<From, To>(_ count: Int, _ function: @escaping @Sendable (From) -> To) -> Kernel {
    Kernel("convert") { run in
      let x = run.input(0, as: From.self), y = run.output(0, as: To.self)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        for index in range { y[index] = function(x[index]) }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = try wanted.contains(1) ? inputs.required(1).shape.count : 0
    return GradientRule("cast", passes: wanted.intersection([0])) { run in
      if wanted.contains(1) { run.inputGradient(1).update(repeating: 0, count: count) }
    }
  }
}
