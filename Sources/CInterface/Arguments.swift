import GradCAM
import Graph

/// A pointer that must not be null.
///
/// Throws `usage` naming the argument.
func required<Pointer>(_ pointer: Pointer?, _ name: String) throws -> Pointer {
  guard let pointer else { throw GradCAMError(.usage, at: "argument '\(name)'", problem: "is NULL") }
  return pointer
}

/// The text of a C string; nil for NULL.
func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

/// The texts of an array of C strings.
///
/// Throws `usage` naming the argument if the array or one of its strings is null.
func texts(_ pointer: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int, _ name: String) throws -> [String] {
  guard count > 0 else { return [] }
  let strings = try required(pointer, name)
  guard count <= 1 << 20 else { throw GradCAMError(.usage, at: name, problem: "cannot be \(count)") }
  return try (0..<count).map { String(cString: try required(strings[$0], "\(name)[\($0)]")) }
}

/// The value that a text stands for; nil for NULL.
///
/// Throws `usage` saying what is expected if it stands for none.
func parsed<Value>(
  _ pointer: UnsafePointer<CChar>?, _ name: String, _ expected: String, by parse: (String) -> Value?
) throws -> Value? {
  guard let text = text(pointer) else { return nil }
  guard let value = parse(text) else {
    throw GradCAMError(.usage, at: name, problem: "'\(text)' is not \(expected)")
  }
  return value
}

/// The choice with a name; nil for NULL.
///
/// Throws `usage` listing the names.
func choice<Choice: RawRepresentable<String> & CaseIterable>(
  _ pointer: UnsafePointer<CChar>?, _ name: String
) throws -> Choice? {
  guard let text = text(pointer) else { return nil }
  guard let choice = Choice(rawValue: text) else {
    let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw GradCAMError(.usage, at: name, problem: "'\(text)' is not known", advice: "choose from \(known)")
  }
  return choice
}

/// The caller's struct, in the caller's version: fields that it does not have are 0; nil for NULL.
///
/// Throws `usage` if its size is not set, or if it sets fields that this version does not have.
func read<Struct: BitwiseCopyable>(_ pointer: UnsafePointer<Struct>?, _ name: String, empty: Struct) throws -> Struct? {
  guard let pointer else { return nil }
  let given = UnsafeRawBufferPointer(start: pointer, count: try size(of: pointer, name))
  var value = empty
  withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: given.prefix($0.count))) }
  guard given.dropFirst(MemoryLayout<Struct>.size).allSatisfy({ $0 == 0 }) else {
    throw GradCAMError(
      .usage, at: "argument '\(name)'", problem: "has fields that this version, \(programVersion), does not know",
      advice: "install the libgradcam that the program was built for")
  }
  return value
}

/// Fills the caller's struct, in the caller's version: fields that this version does not have become 0.
///
/// Throws `usage` if the pointer is null or the size is not set.
func fill<Struct: BitwiseCopyable>(_ pointer: UnsafeMutablePointer<Struct>?, _ name: String, _ value: Struct) throws {
  let pointer = try required(pointer, name)
  let target = UnsafeMutableRawBufferPointer(start: pointer, count: try size(of: pointer, name))
  withUnsafeBytes(of: value) { value in
    for index in MemoryLayout<Int>.size..<max(target.count, MemoryLayout<Int>.size) {
      target[index] = index < value.count ? value[index] : 0
    }
  }
}

/// The size that a struct begins with.
private func size(of pointer: UnsafeRawPointer, _ name: String) throws -> Int {
  let size = pointer.load(as: UInt.self)
  guard (UInt(MemoryLayout<UInt>.size)...4096).contains(size) else {
    throw GradCAMError(
      .usage, at: "argument '\(name)'", problem: "begins with the size \(size)",
      advice: "set its field 'size' to the sizeof of its struct")
  }
  return Int(size)
}

/// The element of a list at the caller's index.
///
/// Throws `usage` if there is none.
func element<Element>(_ list: [Element], at index: Int, _ plural: String) throws -> Element {
  guard list.indices.contains(index) else {
    throw GradCAMError(
      .usage, at: "argument 'index'", problem: "is \(index), but there are \(list.count) \(plural)",
      advice: list.isEmpty ? nil : "use 0 to \(list.count - 1)")
  }
  return list[index]
}

/// Throws `usage` if a buffer is null or too small for what is copied to it.
func checkedBuffer<Element>(
  _ buffer: UnsafeMutablePointer<Element>?, _ name: String, capacity: Int, needed: Int
) throws -> UnsafeMutableBufferPointer<Element> {
  let buffer = try required(buffer, name)
  guard capacity >= needed else {
    throw GradCAMError(.usage, at: "argument 'capacity'", problem: "is \(capacity), but \(needed) are needed")
  }
  return UnsafeMutableBufferPointer(start: buffer, count: needed)
}
