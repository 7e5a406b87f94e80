/// A dense row-major tensor with its contents.
public struct Tensor: Sendable {
  /// The ONNX type that the model declares.
  public let elementType: ElementType
  /// The extents.
  public let shape: Shape
  /// The memory that holds the elements in the form of `elementType.storage`; it may be misaligned if borrowed.
  public let storage: TensorStorage

  /// The size of the elements in bytes.
  public var byteCount: Int { shape.count * elementType.storage.byteCount }

  /// Wraps memory as a tensor; the block must hold at least `shape.count` elements.
  public init(elementType: ElementType, shape: Shape, storage: TensorStorage) {
    precondition(storage.byteCount >= shape.count * elementType.storage.byteCount, "storage too small for its shape")
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
  }

  /// Allocates an uninitialised tensor.
  public init(uninitialized elementType: ElementType, shape: Shape) {
    self.init(
      elementType: elementType, shape: shape,
      storage: TensorStorage(byteCount: shape.count * elementType.storage.byteCount))
  }

  /// Copies float32 values; there must be `shape.count` of them.
  public init(_ values: [Float], shape: Shape) { self.init(values, shape: shape, floatingType: .float32) }

  /// Copies numbers of a type whose storage is float32; there must be `shape.count` of them.
  public init(_ values: [Float], shape: Shape, floatingType: ElementType) {
    precondition(values.count == shape.count, "\(values.count) values for shape \(shape)")
    precondition(floatingType.storage == .float32)
    self.init(uninitialized: floatingType, shape: shape)
    values.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: storage.base, count: $0.count).copyMemory(from: $0) }
  }

  /// Copies integers of a type whose storage is int64; there must be `shape.count` of them.
  public init(_ values: [Int64], shape: Shape, elementType: ElementType = .int64) {
    precondition(values.count == shape.count && elementType.storage == .int64)
    self.init(uninitialized: elementType, shape: shape)
    values.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: storage.base, count: $0.count).copyMemory(from: $0) }
  }

  /// Copies Booleans; there must be `shape.count` of them.
  public init(_ values: [Bool], shape: Shape) {
    precondition(values.count == shape.count)
    self.init(uninitialized: .bool, shape: shape)
    for (index, value) in values.enumerated() {
      storage.base.storeBytes(of: value ? 1 : 0, toByteOffset: index, as: UInt8.self)
    }
  }

  /// Copies texts; there must be `shape.count` of them.
  public init(_ texts: [String], shape: Shape) {
    precondition(texts.count == shape.count)
    self.init(uninitialized: .string, shape: shape)
    for (index, text) in texts.enumerated() {
      storage.base.storeBytes(of: TextTable.number(of: text), toByteOffset: index * 8, as: Int64.self)
    }
  }

  /// The elements of a string tensor; empty texts for other types.
  public var texts: [String] {
    guard elementType == .string else { return [String](repeating: "", count: shape.count) }
    return elements(as: Int64.self).map(TextTable.text)
  }

  /// The elements as float32, with integers and Booleans converted; strings are no numbers.
  public var floats: [Float] {
    switch elementType.storage {
    case .string: [Float](repeating: .nan, count: shape.count)
    case .float32: elements(as: Float.self)
    case .int64: elements(as: Int64.self).map(Float.init)
    case .bool: elements(as: UInt8.self).map { $0 == 0 ? 0 : 1 }
    }
  }

  /// The elements as int64: floats truncated towards zero and clamped to the range, Booleans as 0 and 1, strings as 0.
  public var integers: [Int64] {
    switch elementType.storage {
    case .string: [Int64](repeating: 0, count: shape.count)
    case .float32:
      elements(as: Float.self).map { value in
        value.isNaN ? 0 : Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
      }
    case .int64: elements(as: Int64.self)
    case .bool: elements(as: UInt8.self).map { $0 == 0 ? 0 : 1 }
    }
  }

  private func elements<Element: BitwiseCopyable>(as type: Element.Type) -> [Element] {
    [Element](unsafeUninitializedCapacity: shape.count) { elements, count in
      count = shape.count
      UnsafeMutableRawBufferPointer(elements).copyMemory(
        from: UnsafeRawBufferPointer(start: storage.base, count: count * MemoryLayout<Element>.size))
    }
  }

  /// The same elements with another shape of equal count.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.count == self.shape.count)
    return Tensor(elementType: elementType, shape: shape, storage: storage)
  }
}
