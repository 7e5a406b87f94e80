import COnnx
import Graph

/// Turns TensorProto messages of one file into tensors.
struct TensorDecoder {
  let file: MappedFile
  let externalData: ExternalData

  /// Weights of at least this many bytes stay in the mapped file, float32 for good and others until they are first
  /// read; smaller ones are copied to aligned memory.
  static let mappedByteCount = 64 * 1024

  func tensor(_ message: Onnx__TensorProto) throws -> Tensor {
    try located("tensor '\(text(message.name))'") {
      let elementType = try ElementType(onnxType: message.data_type)
      let shape = try Shape(checked: UnsafeBufferPointer(start: message.dims, count: message.n_dims).map(Int.init))
      if elementType == .string { return try decodeTexts(message, shape) }
      let byteCount = elementType.fileByteCount(shape.count)
      if message.has_data_location != 0 && message.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL {
        let entries = dictionary(message.external_data, message.n_external_data)
        let (bytes, owner) = try externalData.bytes(entries, byteCount: byteCount)
        return decode(bytes, of: owner, elementType, shape)
      }
      guard message.has_raw_data != 0 else { return try decodeTypedFields(message, elementType, shape) }
      let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[FileRange(message.raw_data).range])
      guard bytes.count == byteCount else {
        throw GradCAMError(
          .badData, problem: "holds \(bytes.count) bytes where \(elementType) of shape \(shape) needs \(byteCount)",
          advice: "the file is damaged; download or export it again")
      }
      return decode(bytes, of: file, elementType, shape)
    }
  }

  /// Decodes packed elements; there are as many bytes as the shape needs.
  private func decode(
    _ bytes: UnsafeRawBufferPointer, of owner: MappedFile, _ elementType: ElementType, _ shape: Shape
  ) -> Tensor {
    guard bytes.count >= TensorDecoder.mappedByteCount else {
      let tensor = Tensor(uninitialized: elementType, shape: shape)
      unpack(bytes, elementType, count: shape.count, to: tensor.storage.base)
      return tensor
    }
    if elementType == .float32 {
      return Tensor(elementType: .float32, shape: shape, storage: TensorStorage(borrowing: bytes, from: owner))
    }
    let source = MappedBytes(bytes: bytes, owner: owner)
    return Tensor(
      elementType: elementType, shape: shape,
      storage: TensorStorage(byteCount: shape.count * elementType.storage.byteCount) { target in
        unpack(source.bytes, elementType, count: shape.count, to: target)
        source.owner.rest(source.bytes)
      })
  }

  private struct MappedBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    let owner: MappedFile
  }

  /// Decodes the field that ONNX uses for the element type.
  private func decodeTypedFields(
    _ message: Onnx__TensorProto, _ elementType: ElementType, _ shape: Shape
  ) throws -> Tensor {
    func make<Source, Target: BitwiseCopyable>(
      _ values: UnsafeMutablePointer<Source>?, _ count: Int, _ convert: (Source) -> Target
    ) throws -> Tensor {
      try check(count, shape.count, elementType, shape)
      let tensor = Tensor(uninitialized: elementType, shape: shape)
      for (index, value) in UnsafeBufferPointer(start: values, count: count).enumerated() {
        tensor.storage.base.storeBytes(
          of: convert(value), toByteOffset: index * MemoryLayout<Target>.size, as: Target.self)
      }
      return tensor
    }
    func makeNarrow<Target: BitwiseCopyable>(_ convert: (Int32) -> Target) throws -> Tensor {
      try make(message.int32_data, message.n_int32_data, convert)
    }
    switch elementType {
    case .float32: return try make(message.float_data, message.n_float_data) { $0 }
    case .float64: return try make(message.double_data, message.n_double_data) { Float($0) }
    case .float16: return try makeNarrow { float(float16: UInt16(truncatingIfNeeded: $0)) }
    case .bfloat16: return try makeNarrow { float(bfloat16: UInt16(truncatingIfNeeded: $0)) }
    case .int64: return try make(message.int64_data, message.n_int64_data) { $0 }
    case .int32: return try makeNarrow { Int64($0) }
    case .int16: return try makeNarrow { Int64(Int16(truncatingIfNeeded: $0)) }
    case .int8: return try makeNarrow { Int64(Int8(truncatingIfNeeded: $0)) }
    case .uint16: return try makeNarrow { Int64(UInt16(truncatingIfNeeded: $0)) }
    case .uint8: return try makeNarrow { Int64(UInt8(truncatingIfNeeded: $0)) }
    case .uint32: return try make(message.uint64_data, message.n_uint64_data) { Int64(UInt32(truncatingIfNeeded: $0)) }
    case .uint64: return try make(message.uint64_data, message.n_uint64_data) { Int64(clamping: $0) }
    case .bool: return try makeNarrow { UInt8($0 == 0 ? 0 : 1) }
    case .float6e2m3, .float6e3m2:
      let values = NarrowFloat(elementType)!.values
      return try makeNarrow { values[Int($0) & 0x3f] }
    case .int2, .uint2, .int4, .uint4, .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
      .float8e8m0:
      // Each number is one byte of the packed form.
      try check(message.n_int32_data, elementType.fileByteCount(shape.count), elementType, shape)
      let bytes = UnsafeBufferPointer(start: message.int32_data, count: message.n_int32_data)
        .map { UInt8(truncatingIfNeeded: $0) }
      let tensor = Tensor(uninitialized: elementType, shape: shape)
      bytes.withUnsafeBytes { unpack($0, elementType, count: shape.count, to: tensor.storage.base) }
      return tensor
    case .string: return try decodeTexts(message, shape)
    }
  }

  private func check(_ count: Int, _ expected: Int, _ elementType: ElementType, _ shape: Shape) throws {
    guard count == expected else {
      throw GradCAMError(
        .badData, problem: "holds \(count) values of \(elementType) where shape \(shape) needs \(expected)",
        advice: "the file is damaged; download or export it again")
    }
  }

  private func decodeTexts(_ message: Onnx__TensorProto, _ shape: Shape) throws -> Tensor {
    let entries = UnsafeBufferPointer(start: message.string_data, count: message.n_string_data)
    try check(entries.count, shape.count, .string, shape)
    return Tensor(entries.map { String(decoding: file.bytes[FileRange($0).range], as: UTF8.self) }, shape: shape)
  }
}

/// Writes packed elements in the form of their type's storage.
private func unpack(
  _ bytes: UnsafeRawBufferPointer, _ elementType: ElementType, count: Int, to target: UnsafeMutableRawPointer
) {
  func fill<Source: BitwiseCopyable, Target: BitwiseCopyable>(_ convert: (Source) -> Target) {
    for index in 0..<count {
      let source = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Source>.size, as: Source.self)
      target.storeBytes(of: convert(source), toByteOffset: index * MemoryLayout<Target>.size, as: Target.self)
    }
  }
  /// Looks up the codes of less than a byte, packed from the lowest bit on.
  func fillPacked<Target: BitwiseCopyable>(_ values: [Target]) {
    let width = elementType.bitCount
    for index in 0..<count {
      let bit = index * width, low = Int(bytes[bit / 8]) >> (bit % 8)
      let high = bit % 8 + width > 8 ? Int(bytes[bit / 8 + 1]) << (8 - bit % 8) : 0
      target.storeBytes(
        of: values[(low | high) & ((1 << width) - 1)], toByteOffset: index * MemoryLayout<Target>.size,
        as: Target.self)
    }
  }
  switch elementType {
  case .float32, .int64: target.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(target), byteCount: bytes.count)
  case .float16: fill(float(float16:))
  case .bfloat16: fill(float(bfloat16:))
  case .float64: fill { (value: Double) in Float(value) }
  case .int8: fill { (value: Int8) in Int64(value) }
  case .int16: fill { (value: Int16) in Int64(value) }
  case .int32: fill { (value: Int32) in Int64(value) }
  case .uint8: fill { (value: UInt8) in Int64(value) }
  case .uint16: fill { (value: UInt16) in Int64(value) }
  case .uint32: fill { (value: UInt32) in Int64(value) }
  case .uint64: fill { (value: UInt64) in Int64(clamping: value) }
  case .bool: fill { (value: UInt8) in UInt8(value == 0 ? 0 : 1) }
  case .int2, .int4, .uint2, .uint4:
    let largest = elementType.integerRange.upperBound, codeCount = Int64(1) << elementType.bitCount
    fillPacked((0..<codeCount).map { $0 > largest ? $0 - codeCount : $0 })
  case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float6e2m3, .float6e3m2,
    .float4e2m1:
    fillPacked(NarrowFloat(elementType)!.values)
  case .string: preconditionFailure("strings are not packed")
  }
}

private func float(float16 bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }

private func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
