#if canImport(Glibc)
  import Glibc
#endif

/// A block of memory that tensors share: owned and 64-byte aligned, or borrowed from an owner such as a mapped file.
///
/// Blocks are written only by whoever created them, before they are shared, or by the executor under its own order.
public final class TensorStorage: @unchecked Sendable {
  /// The first byte; borrowed memory may start at any address.
  public let base: UnsafeMutableRawPointer
  /// The size in bytes.
  public let byteCount: Int
  private let owner: AnyObject?

  /// Allocates an uninitialised block.
  public init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    owner = nil
  }

  /// Borrows memory that `owner` keeps alive and nobody writes.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: AnyObject) {
    base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
    byteCount = bytes.count
    self.owner = owner
  }

  deinit {
    if owner == nil { base.deallocate() }
  }
}
