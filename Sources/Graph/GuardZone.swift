/// Bytes after a buffer that foreign code writes: they show whether it wrote past the end.
public enum GuardZone {
  /// The size of the zone.
  public static let byteCount = 64
  private static let pattern: UInt64 = 0x5AFE_C0DE_9E37_79B9

  /// Fills the zone that begins at an address.
  public static func set(at start: UnsafeMutableRawPointer) {
    for offset in stride(from: 0, to: byteCount, by: 8) { (start + offset).storeBytes(of: pattern, as: UInt64.self) }
  }

  /// Whether the zone is unchanged since it was filled.
  public static func isIntact(at start: UnsafeMutableRawPointer) -> Bool {
    stride(from: 0, to: byteCount, by: 8).allSatisfy { (start + $0).loadUnaligned(as: UInt64.self) == pattern }
  }
}
