/// The element types of ONNX tensors that this program supports.
public enum ElementType: String, Sendable, CaseIterable {
  case float32, float16, bfloat16, float64
  case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0, float6e2m3, float6e3m2, float4e2m1
  case int2, int4, int8, int16, int32, int64, uint2, uint4, uint8, uint16, uint32, uint64
  case bool, string

  /// How elements are stored in memory at run time.
  ///
  /// Arithmetic is float32 for every floating-point type and int64 for every integer type; a string is the number of
  /// its text in `TextTable`.
  public enum Storage: Sendable {
    case float32, int64, bool, string

    /// The size of one element in bytes.
    public var byteCount: Int {
      switch self {
      case .float32: 4
      case .int64, .string: 8
      case .bool: 1
      }
    }
  }

  /// The form in which elements of this type are stored and computed.
  public var storage: Storage {
    switch self {
    case .float32, .float16, .bfloat16, .float64: .float32
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0: .float32
    case .float6e2m3, .float6e3m2, .float4e2m1: .float32
    case .bool: .bool
    case .string: .string
    default: .int64
    }
  }

  /// Whether values of this type can carry a gradient.
  public var isFloatingPoint: Bool { storage == .float32 }

  /// Whether its elements are numbers: neither truth values nor strings.
  public var isNumeric: Bool { storage == .float32 || storage == .int64 }

  /// Whether it is an integer type without negative numbers.
  public var isUnsigned: Bool {
    switch self {
    case .uint2, .uint4, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// The number of bits of an element in a file; 0 for strings, which have no fixed size.
  public var bitCount: Int {
    switch self {
    case .string: 0
    case .int2, .uint2: 2
    case .int4, .uint4, .float4e2m1: 4
    case .float6e2m3, .float6e3m2: 6
    case .bool, .int8, .uint8: 8
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0: 8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .int64, .uint64, .float64: 64
    }
  }

  /// The integer of this type nearest to a number; 0 for NaN.
  public func integer(nearestTo value: Float) -> Int64 {
    guard let exact = Int64(exactly: value.rounded()) else {
      return value.isNaN ? 0 : value < 0 ? integerRange.lowerBound : integerRange.upperBound
    }
    return min(max(exact, integerRange.lowerBound), integerRange.upperBound)
  }

  /// The range of an integer type, as int64; `uint64` ends at the largest int64.
  public var integerRange: ClosedRange<Int64> {
    if self == .bool { return 0...1 }
    guard storage == .int64, bitCount < 64 else { return (self == .uint64 ? 0 : Int64.min)...Int64.max }
    return isUnsigned ? 0...(1 << bitCount) - 1 : (-1 << (bitCount - 1))...(1 << (bitCount - 1)) - 1
  }
}

extension ElementType {
  private static let onnxCodes: [Int: ElementType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 8: .string, 9: .bool, 10: .float16,
    11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16, 17: .float8e4m3fn, 18: .float8e4m3fnuz, 19: .float8e5m2,
    20: .float8e5m2fnuz, 21: .uint4, 22: .int4, 23: .float4e2m1, 24: .float8e8m0, 25: .uint2, 26: .int2,
    27: .float6e2m3, 28: .float6e3m2,
  ]

  /// The type with a number of ONNX's `TensorProto.DataType`; nil for one that this program does not support.
  public init?(onnxCode code: Int) {
    guard let type = Self.onnxCodes[code] else { return nil }
    self = type
  }

  /// The number of this type in ONNX's `TensorProto.DataType`.
  public var onnxCode: Int { Self.onnxCodes.first { $0.value == self }!.key }
}
