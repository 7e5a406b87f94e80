import Graph

/// One field of a serialised protobuf message.
struct WireField {
  enum Encoding: UInt8 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  let number: UInt32
  let encoding: Encoding
  /// The field with its tag.
  let extent: Range<Int>
  /// The value without tag and length.
  let payload: Range<Int>
}

/// Walks over the fields of a serialised message without reading inside them.
struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  private var position: Int
  private let end: Int

  /// Reads the message at `range`, which must lie inside `bytes`.
  init(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end; a field that does not lie within the message is an error.
  mutating func next() throws -> WireField? {
    guard position < end else { return nil }
    let start = position
    let tag = try varint()
    guard let encoding = WireField.Encoding(rawValue: UInt8(tag & 7)), let number = UInt32(exactly: tag >> 3),
      number > 0
    else { throw damaged(at: start) }
    let length: UInt64
    switch encoding {
    case .varint:
      let payload = position
      _ = try varint()
      return WireField(number: number, encoding: encoding, extent: start..<position, payload: payload..<position)
    case .fixed64: length = 8
    case .fixed32: length = 4
    case .lengthDelimited: length = try varint()
    }
    guard length <= UInt64(end - position) else { throw damaged(at: start) }
    let payload = position..<(position + Int(length))
    position = payload.upperBound
    return WireField(number: number, encoding: encoding, extent: start..<position, payload: payload)
  }

  private mutating func varint() throws -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { throw damaged(at: start) }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw damaged(at: start)
  }

  private func damaged(at position: Int) -> GradCAMError {
    GradCAMError(
      .badData, problem: "cut short or damaged at byte \(position) of \(bytes.count)",
      advice: "download or export it again")
  }
}
