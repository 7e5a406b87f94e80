#if canImport(Glibc)
  import Glibc
#endif

/// What lends memory to tensors and keeps it alive.
public protocol MemoryOwner: AnyObject, Sendable {
  /// Notes that some of the memory is not expected to be read soon; it must hold the same when it is.
  func rest(_ bytes: UnsafeRawBufferPointer)
}

/// A block of memory that tensors share: owned and 64-byte aligned, or borrowed from an owner such as a mapped file.
///
/// Blocks are written only by whoever created them, before they are shared, or by the executor under its own order.
public final class TensorStorage: @unchecked Sendable {
  /// The first byte; borrowed memory may start at any address.
  public let base: UnsafeMutableRawPointer
  /// The size in bytes.
  public let byteCount: Int
  private let owner: (any MemoryOwner)?

  /// Large blocks lie in few entries of the processor's page tables where the system allows it.
  private static let hugePage = 2 << 20

  /// Allocates an uninitialised block.
  public init(byteCount: Int) {
    self.byteCount = byteCount
    let isLarge = byteCount >= 2 * Self.hugePage
    base = .allocate(byteCount: max(byteCount, 1), alignment: isLarge ? Self.hugePage : 64)
    owner = nil
    #if os(Linux)
      if isLarge { madvise(base, byteCount & ~(Self.hugePage - 1), MADV_HUGEPAGE) }
    #endif
  }

  /// Borrows memory that `owner` keeps alive and nobody writes.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: any MemoryOwner) {
    base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
    byteCount = bytes.count
    self.owner = owner
  }

  /// Says that the contents are not expected to be read again soon: borrowed memory need not be kept at hand.
  public func rest() {
    owner?.rest(UnsafeRawBufferPointer(start: base, count: byteCount))
  }

  deinit {
    if owner == nil { base.deallocate() }
  }
}
