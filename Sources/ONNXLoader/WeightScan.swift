import COnnx
import Graph

/// Rewrites a serialised message so that protobuf-c, which copies everything it reads, has little to copy.
///
/// Fields that onnx.proto does not declare are dropped. `TensorProto.raw_data` becomes the `FileRange` of its bytes in
/// the file. Everything else is unchanged, except that lengths are rewritten.
struct WeightScan {
  private let bytes: UnsafeRawBufferPointer
  private var output: [UInt8] = []

  private static let tensor = messageDescriptor(onnx__tensor_proto__init)
  private static let node = messageDescriptor(onnx__node_proto__init)
  private static let deepestNesting = 64

  /// The message that `bytes` hold, without weights.
  static func rewrite(_ bytes: UnsafeRawBufferPointer, as descriptor: MessageDescriptor) throws -> [UInt8] {
    var scan = WeightScan(bytes: bytes)
    try scan.copyMessage(at: 0..<bytes.count, as: descriptor.pointer, depth: 0)
    return scan.output
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private mutating func copyMessage(
    at range: Range<Int>, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws {
    guard depth < WeightScan.deepestNesting else {
      throw GradCAMError(.badData, problem: "messages are nested more than \(WeightScan.deepestNesting) deep")
    }
    var reader = WireReader(bytes, in: range)
    var seen: UInt64 = 0
    while let field = try reader.next() {
      guard let declared = protobuf_c_message_descriptor_get_field(descriptor, field.number) else { continue }
      switch declared.pointee.type {
      case PROTOBUF_C_TYPE_MESSAGE where field.encoding == .lengthDelimited:
        if descriptor == WeightScan.node.pointer && String(cString: declared.pointee.name) == "metadata_props"
          && !isKept(nodeMetadata: field.payload)
        {
          continue
        }
        if declared.pointee.label != PROTOBUF_C_LABEL_REPEATED {
          // Protobuf would merge the two, but no exporter writes them.
          let bit: UInt64 = 1 << UInt64(declared - descriptor.pointee.fields)
          guard seen & bit == 0 else {
            throw GradCAMError(.badData, problem: "damaged: '\(String(cString: declared.pointee.name))' appears twice")
          }
          seen |= bit
        }
        appendTag(field.number, .lengthDelimited)
        let lengthPosition = output.count
        output.append(contentsOf: repeatElement(0, count: WeightScan.lengthByteCount))
        let nested = declared.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        try copyMessage(at: field.payload, as: nested, depth: depth + 1)
        writeLength(output.count - lengthPosition - WeightScan.lengthByteCount, at: lengthPosition)
      case PROTOBUF_C_TYPE_BYTES where field.encoding == .lengthDelimited && descriptor == WeightScan.tensor.pointer:
        appendTag(field.number, .lengthDelimited)
        let fileRange = FileRange(field.payload).encoded
        output.append(UInt8(fileRange.count))
        output.append(contentsOf: fileRange)
      default:
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[field.extent]))
      }
    }
  }

  /// Whether a node's entry says where it comes from: exporters attach whole stack traces too.
  private func isKept(nodeMetadata range: Range<Int>) -> Bool {
    var reader = WireReader(bytes, in: range)
    while let field = try? reader.next() {
      if field.number == 1 { return MetadataNotes.nodeKeys.contains { bytes[field.payload].elementsEqual($0.utf8) } }
    }
    return false
  }

  private mutating func appendTag(_ number: UInt32, _ encoding: WireField.Encoding) {
    var tag = UInt64(number) << 3 | UInt64(encoding.rawValue)
    while tag >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: tag) | 0x80)
      tag >>= 7
    }
    output.append(UInt8(tag))
  }

  /// The space reserved for a length that is not known yet; protobuf accepts a varint with leading zeros.
  private static let lengthByteCount = 5

  private mutating func writeLength(_ length: Int, at position: Int) {
    for index in 0..<WeightScan.lengthByteCount {
      let isLast = index == WeightScan.lengthByteCount - 1
      output[position + index] = UInt8(truncatingIfNeeded: length >> (7 * index)) & 0x7F | (isLast ? 0 : 0x80)
    }
  }
}

/// The position of some bytes in a file.
struct FileRange {
  let range: Range<Int>

  init(_ range: Range<Int>) { self.range = range }

  /// Decodes `encoded`.
  init(_ data: ProtobufCBinaryData) {
    let bytes = UnsafeRawBufferPointer(start: data.data, count: data.len)
    let start = bytes.loadUnaligned(fromByteOffset: 0, as: Int.self)
    range = start..<bytes.loadUnaligned(fromByteOffset: MemoryLayout<Int>.size, as: Int.self)
  }

  var encoded: [UInt8] { withUnsafeBytes(of: (range.lowerBound, range.upperBound)) { Array($0) } }
}
