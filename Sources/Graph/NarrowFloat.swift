/// A floating-point format of at most 8 bits.
///
/// ONNX's float 8, float 6 and float 4: Micikevicius et al., FP8 Formats for Deep Learning, 2022; Noune et al., 8-bit
/// Numerical Formats for Deep Neural Networks, 2022 (`fnuz`); OCP Microscaling Formats (MX) Specification, 2023.
public struct NarrowFloat: Sendable {
  /// What a format has besides finite numbers.
  private enum Specials {
    /// Infinities and NaN in the highest exponent.
    case infinities
    /// NaN where exponent and fraction are all ones.
    case allOnes
    /// NaN instead of a negative zero.
    case negativeZero
    /// Nothing.
    case none
  }

  /// How a power of two is chosen for a number between two of them: only `float8e8m0` offers a choice.
  public enum Rounding: String, Sendable, CaseIterable {
    case up, down, nearest
  }

  private let exponentBits, fractionBits, bias: Int
  private let specials: Specials
  /// The number of every code.
  public let values: [Float]
  /// The largest finite number.
  public let largest: Float

  private init(exponentBits: Int, fractionBits: Int, bias: Int, _ specials: Specials) {
    (self.exponentBits, self.fractionBits, self.bias, self.specials) = (exponentBits, fractionBits, bias, specials)
    let signBit = 1 << (exponentBits + fractionBits)
    values = (0..<2 * signBit).map { code in
      let fraction = code & ((1 << fractionBits) - 1), exponent = (code % signBit) >> fractionBits
      let isHighest = exponent == (1 << exponentBits) - 1
      let isNegative = code >= signBit
      switch specials {
      case .infinities where isHighest: return fraction > 0 ? .nan : isNegative ? -.infinity : .infinity
      case .allOnes where isHighest && fraction == (1 << fractionBits) - 1: return .nan
      case .negativeZero where code == signBit: return .nan
      default: break
      }
      let significand = exponent == 0 ? fraction : fraction + 1 << fractionBits
      let magnitude = Float(significand) * Self.power(max(exponent, 1) - bias - fractionBits)
      return isNegative ? -magnitude : magnitude
    }
    largest = values.filter(\.isFinite).max()!
  }

  /// A format of powers of two from 2⁻¹²⁷ to 2¹²⁷, and NaN: float8e8m0.
  private init(powersOfTwo: Void) {
    (exponentBits, fractionBits, bias, specials) = (8, 0, 127, .allOnes)
    values = (0..<255).map { Self.power($0 - 127) } + [.nan]
    largest = values[254]
  }

  private static func power(_ exponent: Int) -> Float { Float(sign: .plus, exponent: exponent, significand: 1) }

  private static let e4m3fn = NarrowFloat(exponentBits: 4, fractionBits: 3, bias: 7, .allOnes)
  private static let e4m3fnuz = NarrowFloat(exponentBits: 4, fractionBits: 3, bias: 8, .negativeZero)
  private static let e5m2 = NarrowFloat(exponentBits: 5, fractionBits: 2, bias: 15, .infinities)
  private static let e5m2fnuz = NarrowFloat(exponentBits: 5, fractionBits: 2, bias: 16, .negativeZero)
  private static let e8m0 = NarrowFloat(powersOfTwo: ())
  private static let e2m3 = NarrowFloat(exponentBits: 2, fractionBits: 3, bias: 1, .none)
  private static let e3m2 = NarrowFloat(exponentBits: 3, fractionBits: 2, bias: 3, .none)
  private static let e2m1 = NarrowFloat(exponentBits: 2, fractionBits: 1, bias: 1, .none)

  /// The format of an element type; nil if it is not one of these.
  public init?(_ type: ElementType) {
    switch type {
    case .float8e4m3fn: self = Self.e4m3fn
    case .float8e4m3fnuz: self = Self.e4m3fnuz
    case .float8e5m2: self = Self.e5m2
    case .float8e5m2fnuz: self = Self.e5m2fnuz
    case .float8e8m0: self = Self.e8m0
    case .float6e2m3: self = Self.e2m3
    case .float6e3m2: self = Self.e3m2
    case .float4e2m1: self = Self.e2m1
    default: return nil
    }
  }

  private var isPowerOfTwo: Bool { fractionBits == 0 }

  /// The code of a number that the format has.
  public func code(of value: Float) -> UInt8 {
    let found = values.firstIndex { value.isNaN ? $0.isNaN : $0.bitPattern == value.bitPattern }
    return UInt8(found ?? 0)
  }

  /// The number of this format nearest to another one, ties to even.
  ///
  /// - Parameters:
  ///   - saturates: whether a number beyond the largest, or infinity, becomes the largest instead of infinity or NaN;
  ///     it always does in formats that have neither.
  ///   - rounding: which power of two to take; other formats ignore it.
  public func nearest(to value: Float, saturates: Bool = true, rounding: Rounding = .up) -> Float {
    if value.isNaN { return specials == .none ? -0.0 : .nan }
    if isPowerOfTwo { return powerOfTwo(near: abs(value), saturates: saturates, rounding) }
    let magnitude = abs(value)
    var rounded = magnitude
    if magnitude > 0, magnitude.isFinite {
      let step = Self.power(max(Int(magnitude.exponent), 1 - bias) - fractionBits)
      rounded = (magnitude / step).rounded(.toNearestOrEven) * step
    }
    if rounded > largest {
      rounded = saturates || specials == .none ? largest : specials == .infinities ? .infinity : .nan
    }
    if rounded == 0, specials == .negativeZero { return 0 }
    return value.sign == .minus ? -rounded : rounded
  }

  /// The power of two near a magnitude.
  private func powerOfTwo(near magnitude: Float, saturates: Bool, _ rounding: Rounding) -> Float {
    guard magnitude.isFinite, magnitude > 0 else {
      return saturates ? (magnitude > 0 ? largest : values[0]) : .nan
    }
    let goesUp =
      switch rounding {
      case .up: magnitude.significand > 1
      case .down: false
      case .nearest: magnitude.significand >= 1.5
      }
    let exponent = Int(magnitude.exponent) + (goesUp ? 1 : 0)
    guard saturates || (-127...127).contains(exponent) else { return .nan }
    return Self.power(min(max(exponent, -127), 127))
  }
}
