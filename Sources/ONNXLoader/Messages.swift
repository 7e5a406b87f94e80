import COnnx
import Graph

/// The descriptor that protoc-c generated for a message type.
struct MessageDescriptor: @unchecked Sendable { let pointer: UnsafePointer<ProtobufCMessageDescriptor> }

/// The descriptor of the message type that `initialize` (such as `onnx__model_proto__init`) initialises.
func messageDescriptor<Message>(_ initialize: (UnsafeMutablePointer<Message>?) -> Void) -> MessageDescriptor {
  let message = UnsafeMutablePointer<Message>.allocate(capacity: 1)
  defer { message.deallocate() }
  initialize(message)
  return MessageDescriptor(pointer: UnsafeRawPointer(message).load(as: ProtobufCMessage.self).descriptor)
}

/// Calls `body` with the message that a file holds; weights are left in the file, see `WeightScan`.
func withMessage<Message, Result>(
  in file: MappedFile, _ initialize: (UnsafeMutablePointer<Message>?) -> Void, _ body: (Message) throws -> Result
) throws -> Result {
  let descriptor = messageDescriptor(initialize)
  let bytes = try WeightScan.rewrite(file.bytes, as: descriptor)
  guard let message = protobuf_c_message_unpack(descriptor.pointer, nil, bytes.count, bytes) else {
    throw GradCAMError(.badData, problem: "is not in ONNX format", advice: "download or export it again")
  }
  defer { protobuf_c_message_free_unpacked(message, nil) }
  return try body(UnsafeRawPointer(message).load(as: Message.self))
}

/// The text of a string field; empty if it is absent.
func text(_ field: UnsafePointer<CChar>?) -> String { field.map { String(cString: $0) } ?? "" }

/// The text of a bytes field.
func text(_ field: ProtobufCBinaryData) -> String {
  String(decoding: UnsafeBufferPointer(start: field.data, count: field.len), as: UTF8.self)
}

/// The texts of a repeated string field.
func texts(_ field: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  UnsafeBufferPointer(start: field, count: count).map { text($0) }
}

/// The messages of a repeated field.
func messages<Message>(_ field: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int) -> [Message] {
  UnsafeBufferPointer(start: field, count: count).compactMap { $0?.pointee }
}

/// The entries of a metadata field; the last of equal keys wins.
func dictionary(
  _ field: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__StringStringEntryProto>?>?, _ count: Int
) -> [String: String] {
  Dictionary(messages(field, count).map { (text($0.key), text($0.value)) }, uniquingKeysWith: { $1 })
}
