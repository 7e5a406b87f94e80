import Graph

/// An array as NumPy's `.npy` files hold it.
public struct NPYArray: Sendable, Equatable {
  /// The dimensions, outermost first; empty for a single number.
  public let shape: [Int]
  /// The values in row-major order, as many as the product of `shape`.
  public let values: [Float]

  /// An array of given values.
  ///
  /// - Precondition: `values` holds as many numbers as the product of `shape`.
  public init(shape: [Int], values: [Float]) {
    precondition(values.count == shape.reduce(1, *))
    self.shape = shape
    self.values = values
  }

  /// Reads a file of version 1, 2 or 3, in row-major or column-major order.
  ///
  /// Elements are float16, float32, float64, integers of 8 to 64 bits or bool, little-endian; integers above 2²⁴ and
  /// float64 are rounded to float32.
  ///
  /// - Throws: `GradCAMError` of kind `.unreadable` if the file cannot be read, `.badData` if it is damaged,
  ///   `.unsupported` if its elements are of another type.
  public init(contentsOf path: String) throws {
    let bytes = try contentsOfFile(at: path)
    self = try located(path) { try NPYArray(decoding: bytes) }
  }

  init(decoding bytes: [UInt8]) throws {
    let (text, dataStart) = try NPYArray.headerText(of: bytes)
    let header = try NPYHeader(text)
    guard let element = NPYElement(rawValue: header.type) else {
      throw GradCAMError(
        .unsupported, problem: "elements of type '\(header.type)'",
        advice: "save the array as little-endian float32, with array.astype(numpy.float32)")
    }
    var byteCount = element.size
    for dimension in header.shape {
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw NPYArray.damaged("its shape is too large") }
      byteCount = product
    }
    guard bytes.count - dataStart == byteCount else {
      throw NPYArray.damaged("it holds \(bytes.count - dataStart) bytes of data, but its header says \(byteCount)")
    }
    let values = bytes.withUnsafeBytes { element.values(in: UnsafeRawBufferPointer(rebasing: $0[dataStart...])) }
    shape = header.shape
    self.values = header.isColumnMajor ? rowMajor(values, shape: header.shape) : values
  }

  /// Writes a float32 file of version 1 in row-major order; it appears whole or not at all.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`.
  public func write(to path: String) throws { try writeAtomically(encoded, to: path) }

  /// The bytes of that file.
  var encoded: [UInt8] {
    let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(dimensions)), }".utf8)
    let padding = 63 - (NPYArray.magic.count + 4 + header.count) % 64
    header += Array(repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
    var bytes = NPYArray.magic + [1, 0, UInt8(header.count & 0xFF), UInt8(header.count >> 8)] + header
    values.withUnsafeBytes { bytes += $0 }
    return bytes
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private static func headerText(of bytes: [UInt8]) throws -> (String, dataStart: Int) {
    guard bytes.starts(with: magic) else { throw damaged("it does not begin with NumPy's signature") }
    guard bytes.count >= 8, (1...3).contains(bytes[6]) else { throw damaged("its version is not 1, 2 or 3") }
    let start = bytes[6] == 1 ? 10 : 12
    guard bytes.count >= start else { throw damaged("its header is cut off") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else { throw damaged("its header is cut off") }
    return (String(decoding: bytes[start..<start + length], as: UTF8.self), start + length)
  }

  fileprivate static func damaged(_ reason: String) -> GradCAMError {
    GradCAMError(.badData, problem: "not a valid .npy file: \(reason)", advice: "write it again with numpy.save")
  }
}

/// The Python dictionary at the head of a `.npy` file.
private struct NPYHeader {
  let type: String
  let isColumnMajor: Bool
  let shape: [Int]

  init(_ text: String) throws {
    func field(_ key: String) throws -> Substring {
      guard let start = text.firstRange(of: "'\(key)':")?.upperBound else {
        throw NPYArray.damaged("its header has no '\(key)'")
      }
      return text[start...].drop { $0 == " " }
    }
    let description = try field("descr")
    guard description.first == "'", let end = description.dropFirst().firstIndex(of: "'") else {
      throw GradCAMError(
        .unsupported, problem: "elements of several fields", advice: "save one field as an array of float32")
    }
    type = String(description.dropFirst()[..<end])

    let order = try field("fortran_order")
    guard order.hasPrefix("True") || order.hasPrefix("False") else {
      throw NPYArray.damaged("its header gives no 'fortran_order'")
    }
    isColumnMajor = order.hasPrefix("True")

    let tuple = try field("shape")
    guard tuple.first == "(", let close = tuple.firstIndex(of: ")") else {
      throw NPYArray.damaged("its header gives no 'shape'")
    }
    shape = try tuple[..<close].dropFirst().split(separator: ",").compactMap { part in
      let digits = part.filter { $0 != " " }
      if digits.isEmpty { return nil }
      guard let dimension = Int(digits), dimension >= 0 else { throw NPYArray.damaged("its shape has '\(digits)'") }
      return dimension
    }
  }
}

private enum NPYElement: String {
  case float16 = "<f2"
  case float32 = "<f4"
  case float64 = "<f8"
  case int8 = "|i1"
  case int16 = "<i2"
  case int32 = "<i4"
  case int64 = "<i8"
  case uint8 = "|u1"
  case uint16 = "<u2"
  case uint32 = "<u4"
  case uint64 = "<u8"
  case bool = "|b1"

  /// The number of bytes, with which NumPy's name ends.
  var size: Int { rawValue.last!.wholeNumberValue! }

  func values(in data: UnsafeRawBufferPointer) -> [Float] {
    switch self {
    case .float16: read(from: data) { (stored: Float16) in Float(stored) }
    case .float32: read(from: data) { (stored: Float) in stored }
    case .float64: read(from: data) { (stored: Double) in Float(stored) }
    case .int8: read(from: data) { (stored: Int8) in Float(stored) }
    case .int16: read(from: data) { (stored: Int16) in Float(stored) }
    case .uint16: read(from: data) { (stored: UInt16) in Float(stored) }
    case .uint32: read(from: data) { (stored: UInt32) in Float(stored) }
    case .uint64: read(from: data) { (stored: UInt64) in Float(stored) }
    case .int32: read(from: data) { (stored: Int32) in Float(stored) }
    case .int64: read(from: data) { (stored: Int64) in Float(stored) }
    case .uint8: data.map { Float($0) }
    case .bool: data.map { $0 == 0 ? 0 : 1 }
    }
  }

  private func read<Stored: BitwiseCopyable>(
    from data: UnsafeRawBufferPointer, _ convert: (Stored) -> Float
  ) -> [Float] {
    stride(from: 0, to: data.count, by: size).map { convert(data.loadUnaligned(fromByteOffset: $0, as: Stored.self)) }
  }
}

private func rowMajor(_ values: [Float], shape: [Int]) -> [Float] {
  var strides = [1]
  for dimension in shape.dropLast() { strides.append((strides.last ?? 1) * dimension) }
  return values.indices.map { index in
    var (rest, position) = (index, 0)
    for axis in shape.indices.reversed() {
      position += rest % shape[axis] * strides[axis]
      rest /= shape[axis]
    }
    return values[position]
  }
}

extension NPYArray {
  /// The array as a tensor of an element type; numbers are rounded for an integer type.
  package func tensor(of type: ElementType) -> Tensor {
    switch type.storage {
    case .float32: Tensor(values, shape: Shape(shape))
    case .int64: Tensor(values.map { Int64(exactly: $0.rounded()) ?? 0 }, shape: Shape(shape), elementType: type)
    case .bool: Tensor(values.map { $0 != 0 }, shape: Shape(shape))
    case .string: Tensor(values.map { "\($0)" }, shape: Shape(shape))
    }
  }
}
