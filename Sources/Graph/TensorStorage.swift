/// An owner that lends memory to tensors and keeps it alive.
public protocol MemoryOwner: AnyObject, Sendable {
  /// Notes that some of the memory is not expected to be read soon; its contents must be the same when it is.
  func rest(_ bytes: UnsafeRawBufferPointer)
}

/// A block of memory that tensors share: owned and 64-byte aligned, or borrowed from an owner such as a mapped file.
///
/// Blocks are written only by their creator, before they are shared, or by the executor, which orders its accesses.
public final class TensorStorage: @unchecked Sendable {
  /// The first byte; borrowed memory may start at any address.
  public let base: UnsafeMutableRawPointer
  /// The size in bytes.
  public let byteCount: Int
  private let owner: (any MemoryOwner)?

  /// The size of the pages that large blocks use, if the system allows it.
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

  /// Notes that the contents are not expected to be read again soon: borrowed memory need not stay resident.
  public func rest() { owner?.rest(UnsafeRawBufferPointer(start: base, count: byteCount)) }

  deinit { if owner == nil { base.deallocate() } }
}
