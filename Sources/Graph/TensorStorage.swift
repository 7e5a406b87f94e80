import Synchronization

/// An owner that lends memory to tensors and keeps it alive.
public protocol MemoryOwner: AnyObject, Sendable {
  /// Notes that some of the memory is not expected to be read soon; its contents must be the same when it is.
  func rest(_ bytes: UnsafeRawBufferPointer)
}

/// A block of memory that tensors share: owned and 64-byte aligned, borrowed from an owner such as a mapped file, or
/// owned and filled when it is first read.
///
/// Blocks are written only by their creator, before they are shared, or by the executor, which orders its accesses.
public final class TensorStorage: @unchecked Sendable {
  /// The size in bytes.
  public let byteCount: Int
  /// The memory of a block that is not filled on demand.
  private let fixed: UnsafeMutableRawPointer?
  private let owner: (any MemoryOwner)?
  private let deferred: Deferred?

  /// Contents that are made when they are first read.
  private final class Deferred: Sendable {
    let fill: @Sendable (UnsafeMutableRawPointer) -> Void
    /// The address, once they are made.
    let address = Mutex<UInt?>(nil)

    init(_ fill: @escaping @Sendable (UnsafeMutableRawPointer) -> Void) { self.fill = fill }
  }

  /// The size of the pages that large blocks use, if the system allows it.
  private static let hugePage = 2 << 20

  /// Allocates an uninitialised block.
  public init(byteCount: Int) {
    self.byteCount = byteCount
    fixed = Self.allocate(byteCount)
    (owner, deferred) = (nil, nil)
  }

  /// Borrows memory that `owner` keeps alive and nobody writes.
  public init(borrowing bytes: UnsafeRawBufferPointer, from owner: any MemoryOwner) {
    fixed = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
    byteCount = bytes.count
    self.owner = owner
    deferred = nil
  }

  /// A block whose contents `fill` writes when they are first read; it may be called more than once.
  public init(byteCount: Int, filledBy fill: @escaping @Sendable (UnsafeMutableRawPointer) -> Void) {
    self.byteCount = byteCount
    (fixed, owner) = (nil, nil)
    deferred = Deferred(fill)
  }

  private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= 2 * hugePage
    let base = UnsafeMutableRawPointer.allocate(
      byteCount: max(byteCount, 1), alignment: isLarge ? hugePage : 64)
    MemoryLimit.own(byteCount)
    #if os(Linux)
      if isLarge { madvise(base, byteCount & ~(hugePage - 1), MADV_HUGEPAGE) }
    #endif
    return base
  }

  /// The first byte; borrowed memory may start at any address.
  ///
  /// Contents made on demand are kept from then on.
  public var base: UnsafeMutableRawPointer {
    if let fixed { return fixed }
    let deferred = deferred!, byteCount = byteCount
    let address = deferred.address.withLock { address -> UInt in
      if let address { return address }
      let memory = Self.allocate(byteCount)
      deferred.fill(memory)
      address = UInt(bitPattern: memory)
      return UInt(bitPattern: memory)
    }
    return UnsafeMutableRawPointer(bitPattern: address)!
  }

  /// The same contents for a single use: those made on demand are made for it alone, unless they are kept already.
  public var forOneUse: TensorStorage {
    guard let deferred, deferred.address.withLock({ $0 == nil }) else { return self }
    let copy = TensorStorage(byteCount: byteCount)
    deferred.fill(copy.base)
    return copy
  }

  /// Notes that the contents are not expected to be read again soon: borrowed memory need not stay resident.
  public func rest() {
    if let owner, let fixed { owner.rest(UnsafeRawBufferPointer(start: fixed, count: byteCount)) }
  }

  deinit {
    let made = deferred?.address.withLock { $0 }.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }
    guard let own = owner == nil ? fixed ?? made : nil else { return }
    own.deallocate()
    MemoryLimit.release(byteCount)
  }
}
