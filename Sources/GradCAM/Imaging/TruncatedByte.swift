/// The whole part of a value, clamped to 0…255; 0 for NaN.
///
/// Unlike `UInt8(value)` it has no branch, so that loops over it are vectorised.
@inline(__always)
func truncatedByte(_ value: Float) -> UInt8 {
  let clamped = value > 0 ? (value < 255 ? value : 255) : 0
  let shift: Float = 8_388_608  // 2²³, above which a Float has no room for fractions
  let nearest = (clamped + shift) - shift
  let whole = nearest > clamped ? nearest - 1 : nearest
  return UInt8(truncatingIfNeeded: (whole + shift).bitPattern)
}
