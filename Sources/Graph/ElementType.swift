/// The element types of ONNX tensors that this program supports.
public enum ElementType: String, Sendable, CaseIterable {
  case float32, float16, bfloat16, float64
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64
  case bool

  /// How elements are stored in memory at run time.
  ///
  /// Arithmetic is float32 for every floating-point type and int64 for every integer type.
  public enum Storage: Sendable {
    case float32, int64, bool

    /// The size of one element in bytes.
    public var byteCount: Int {
      switch self {
      case .float32: 4
      case .int64: 8
      case .bool: 1
      }
    }
  }

  /// The form in which elements of this type are stored and computed.
  public var storage: Storage {
    switch self {
    case .float32, .float16, .bfloat16, .float64: .float32
    case .bool: .bool
    default: .int64
    }
  }

  /// Whether values of this type can carry a gradient.
  public var isFloatingPoint: Bool { storage == .float32 }

  /// The integer of this type nearest to a number; 0 for NaN.
  public func integer(nearestTo value: Float) -> Int64 {
    guard let exact = Int64(exactly: value.rounded()) else {
      return value.isNaN ? 0 : value < 0 ? integerRange.lowerBound : integerRange.upperBound
    }
    return min(max(exact, integerRange.lowerBound), integerRange.upperBound)
  }

  /// The range of an integer type, as int64; `uint64` ends at the largest int64.
  public var integerRange: ClosedRange<Int64> {
    switch self {
    case .int8: -128...127
    case .int16: -32768...32767
    case .int32: -2_147_483_648...2_147_483_647
    case .uint8: 0...255
    case .uint16: 0...65535
    case .uint32: 0...4_294_967_295
    case .uint64: 0...Int64.max
    case .bool: 0...1
    default: Int64.min...Int64.max
    }
  }
}

extension ElementType {
  private static let onnxCodes: [Int: ElementType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
    11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16,
  ]

  /// The type with a number of ONNX's `TensorProto.DataType`; nil for one that this program does not support.
  public init?(onnxCode code: Int) {
    guard let type = Self.onnxCodes[code] else { return nil }
    self = type
  }

  /// The number of this type in ONNX's `TensorProto.DataType`.
  public var onnxCode: Int { Self.onnxCodes.first { $0.value == self }!.key }
}
