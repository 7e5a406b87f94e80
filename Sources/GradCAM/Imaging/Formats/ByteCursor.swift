import Graph

/// Reads bytes one after another.
struct ByteCursor {
  let bytes: [UInt8]
  var position: Int
  /// The error of a file that ends too early.
  private let end: GradCAMError

  init(_ bytes: [UInt8], at position: Int = 0, else end: GradCAMError) {
    (self.bytes, self.position, self.end) = (bytes, position, end)
  }

  /// Throws if fewer bytes are left.
  func require(_ count: Int) throws { if count > bytes.count - position { throw end } }

  mutating func next() throws -> Int {
    try require(1)
    position += 1
    return Int(bytes[position - 1])
  }

  /// The next bytes as a number, the least first.
  mutating func little(_ count: Int) throws -> Int {
    try require(count)
    position += count
    return bytes[position - count..<position].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  mutating func skip(_ count: Int) throws {
    try require(count)
    position += count
  }
}
