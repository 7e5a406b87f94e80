import CGradCAM
import Graph
import Synchronization

/// An object that a handle refers to, used by one thread at a time.
class HeldObject: @unchecked Sendable {
  fileprivate let isBusy = Atomic<Bool>(false)
  /// The C strings and arrays lent to the caller.
  let memory = LentMemory()
}

/// The objects that C refers to by handles.
///
/// A handle is a number that looks like a pointer and is never reused: one that is closed or invented is
/// distinguished from one in use.
enum Handles {
  private struct Table {
    var last: UInt = 0
    var objects: [UInt: HeldObject] = [:]
  }

  private static let table = Mutex(Table())

  /// Creates a handle for an object.
  static func add(_ object: HeldObject) -> OpaquePointer {
    table.withLock { table in
      table.last += 16
      table.objects[table.last] = object
      return OpaquePointer(bitPattern: table.last)!
    }
  }

  /// Releases an object once nobody uses it; does nothing for a handle that is not in use.
  static func remove<Object: HeldObject>(_ handle: OpaquePointer?, _: Object.Type) {
    let removed = table.withLock { table -> HeldObject? in
      let number = UInt(bitPattern: handle)
      return table.objects[number] is Object ? table.objects.removeValue(forKey: number) : nil
    }
    // The object is released outside the lock.
    _ = removed
  }

  /// Runs something with the object of a handle.
  ///
  /// Throws `usage` if the handle is not in use, or if another thread is using it.
  static func use<Object: HeldObject, Result>(
    _ handle: OpaquePointer?, _ name: String, as _: Object.Type, _ body: (Object) throws -> Result
  ) throws -> Result {
    let number = UInt(bitPattern: try required(handle, name))
    guard let object = table.withLock({ $0.objects[number] }) as? Object else {
      throw GradCAMError(
        .usage, at: "argument '\(name)'", problem: "is closed, or was never open",
        advice: "pass a handle from the library that is not closed")
    }
    guard !object.isBusy.exchange(true, ordering: .acquiring) else {
      throw GradCAMError(
        .usage, at: "argument '\(name)'", problem: "is in use by another thread",
        advice: "let threads take turns, or open a model for each")
    }
    defer { object.isBusy.store(false, ordering: .releasing) }
    return try body(object)
  }
}

/// Makes an object and hands out its handle, NULL if that fails.
func hand<Object: HeldObject>(
  to handle: UnsafeMutablePointer<OpaquePointer?>?, _ name: String, _ make: () throws -> Object
) -> gradcam_status {
  status {
    let result = try required(handle, name)
    result.pointee = nil
    result.pointee = Handles.add(try make())
  }
}

/// C strings and arrays that live as long as their owner.
final class LentMemory {
  private var strings: [String: UnsafeMutablePointer<CChar>] = [:]
  private var arrays: [UnsafeMutableBufferPointer<Int64>] = []

  deinit {
    strings.values.forEach { $0.deallocate() }
    arrays.forEach { $0.deallocate() }
  }

  /// The text as a C string, the same pointer for the same text.
  func string(_ text: String) -> UnsafePointer<CChar> {
    if let known = strings[text] { return UnsafePointer(known) }
    let bytes = text.utf8CString
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    strings[text] = copy.baseAddress!
    return UnsafePointer(copy.baseAddress!)
  }

  /// The text as a C string; NULL for nil.
  func string(_ text: String?) -> UnsafePointer<CChar>? { text.map { string($0) } }

  /// A copy of numbers.
  func array(_ numbers: [Int]) -> UnsafePointer<Int64> {
    let copy = UnsafeMutableBufferPointer<Int64>.allocate(capacity: max(numbers.count, 1))
    _ = copy.initialize(from: numbers.map(Int64.init))
    arrays.append(copy)
    return UnsafePointer(copy.baseAddress!)
  }
}
