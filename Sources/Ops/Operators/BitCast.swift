import CKernels
import Graph

let bitCastOperators: [OperatorEntry] = [
  OperatorEntry("BitCast", since: 26) { reader in
    guard let code = try reader.int("to") else {
      throw GradCAMError(.badData, at: "attribute 'to'", problem: "is missing")
    }
    return BitCast(to: try ElementType(onnx: code))
  }
]

extension ElementType {
  /// The number of bits of an element in a file.
  fileprivate var width: Int {
    switch self {
    case .bool, .int8, .uint8: 8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .int64, .uint64, .float64: 64
    }
  }

  /// The bits in a file of the element at `index` in memory.
  fileprivate func bits(_ base: UnsafeRawPointer, _ index: Int) -> UInt64 {
    switch storage {
    case .bool: return UInt64(base.load(fromByteOffset: index, as: UInt8.self))
    case .int64: return UInt64(bitPattern: base.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
    case .float32:
      let value = base.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
      switch self {
      case .float16: return UInt64(float16_bits(value))
      case .bfloat16: return UInt64(value.bitPattern >> 16)
      case .float64: return Double(value).bitPattern
      default: return UInt64(value.bitPattern)
      }
    }
  }

  /// Writes the element with these bits in a file.
  fileprivate func store(_ bits: UInt64, _ base: UnsafeMutableRawPointer, _ index: Int) {
    switch storage {
    case .bool: base.storeBytes(of: UInt8(truncatingIfNeeded: bits), toByteOffset: index, as: UInt8.self)
    case .int64: base.storeBytes(of: wrap(Int64(bitPattern: bits)), toByteOffset: index * 8, as: Int64.self)
    case .float32:
      let value: Float
      switch self {
      case .float16: value = Self.float(float16: UInt32(truncatingIfNeeded: bits))
      case .bfloat16: value = Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16)
      case .float64: value = Float(Double(bitPattern: bits))
      default: value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      }
      base.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
    }
  }

  private static func float(float16 bits: UInt32) -> Float {
    let magnitude = bits & 0x7fff, sign = (bits & 0x8000) << 16
    if magnitude < 0x400 { return Float(bitPattern: (Float(magnitude) * 0x1p-24).bitPattern | sign) }
    let exponent: UInt32 = magnitude >= 0x7c00 ? 0x7000_0000 : 0x3800_0000
    return Float(bitPattern: ((magnitude << 13) + exponent) | sign)
  }
}

/// The same bits read as another type.
struct BitCast: Operator {
  let to: ElementType

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    try inputs.expect(atMost: 1)
    let x = try inputs.required(0)
    guard x.elementType.width == to.width else {
      throw GradCAMError(.badData, problem: "\(x.elementType) and \(to) differ in width")
    }
    return [ValueInfo(to, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count, from = try inputs.required(0).elementType, to = to
    return Kernel("bits") { run in
      let x = run.inputs[0]!, y = run.outputs[0]!
      for index in 0..<count { to.store(from.bits(x, index), y, index) }
    }
  }
}
