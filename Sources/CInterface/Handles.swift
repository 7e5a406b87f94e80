import Graph
import Synchronization

/// What a handle stands for, used by one thread at a time.
class HeldObject: @unchecked Sendable {
  fileprivate let isBusy = Atomic<Bool>(false)
  /// The C strings and arrays given out.
  let memory = LentMemory()
}

/// The objects that C knows by handles.
///
/// A handle is a number that looks like a pointer and is given once: one that is closed, or made up, is told from one
/// in use.
enum Handles {
  private struct Table {
    var last: UInt = 0
    var objects: [UInt: HeldObject] = [:]
  }

  private static let table = Mutex(Table())

  /// Makes the handle of a new object.
  static func add(_ object: HeldObject) -> OpaquePointer {
    table.withLock { table in
      table.last += 16
      table.objects[table.last] = object
      return OpaquePointer(bitPattern: table.last)!
    }
  }

  /// Lets go of an object, as soon as nobody uses it; nothing for a handle that is not in use.
  static func remove<Object: HeldObject>(_ handle: OpaquePointer?, _: Object.Type) {
    let removed = table.withLock { table -> HeldObject? in
      let number = UInt(bitPattern: handle)
      return table.objects[number] is Object ? table.objects.removeValue(forKey: number) : nil
    }
    // What goes with it goes outside the lock.
    _ = removed
  }

  /// Runs something with the object of a handle.
  ///
  /// Throws `usage` where the handle is not one in use, or another thread uses it now.
  static func use<Object: HeldObject, Result>(
    _ handle: OpaquePointer?, _ name: String, as _: Object.Type, _ body: (Object) throws -> Result
  ) throws -> Result {
    let number = UInt(bitPattern: try required(handle, name))
    guard let object = table.withLock({ $0.objects[number] }) as? Object else {
      throw GradCAMError(
        .usage, at: "argument '\(name)'", problem: "is closed, or was never open",
        advice: "pass what the library gave out, before it is closed")
    }
    guard !object.isBusy.exchange(true, ordering: .acquiring) else {
      throw GradCAMError(
        .usage, at: "argument '\(name)'", problem: "is used by another thread now",
        advice: "let threads take turns, or open a model for each")
    }
    defer { object.isBusy.store(false, ordering: .releasing) }
    return try body(object)
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

  /// The text as a C string, the same one for the same text.
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
