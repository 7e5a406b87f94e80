import CKernels
import Graph

let bitCastOperators: [OperatorEntry] = [
  OperatorEntry("BitCast", since: 26, inputs: 1...1) { reader in
    guard let code = try reader.int("to") else {
      throw GradCAMError(.badData, at: "attribute 'to'", problem: "is missing")
    }
    return BitCast(to: try ElementType(onnx: code))
  }
]

extension ElementType {
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
      case .float32: return UInt64(value.bitPattern)
      default: return UInt64(NarrowFloat(self)?.code(of: value) ?? 0)
      }
    case .string: return 0
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
      case .float32: value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      default: value = NarrowFloat(self)?.values[Int(truncatingIfNeeded: bits) & ((1 << bitCount) - 1)] ?? 0
      }
      base.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
    case .string: break
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
    let x = try inputs.required(0)
    guard x.elementType != .string, to != .string else { throw unsupportedType(.string) }
    guard x.elementType.bitCount == to.bitCount else {
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
