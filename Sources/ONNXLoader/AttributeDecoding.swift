import COnnx
import Graph

extension Attribute {
  /// Decodes an attribute; `graph` decodes the graphs that it holds.
  ///
  /// Throws `unsupported` for kinds that the program does not support.
  init(
    _ message: Onnx__AttributeProto, tensors: TensorDecoder, graph: (Onnx__GraphProto) throws -> ComputeGraph
  ) throws {
    func required<Message>(_ field: UnsafeMutablePointer<Message>?) throws -> Message {
      guard let field else { throw GradCAMError(.badData, problem: "has no value") }
      return field.pointee
    }
    let type = message.has_type != 0 ? message.type : Attribute.impliedType(message)
    switch type {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: self = .float(message.f)
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: self = .int(message.i)
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING: self = .string(text(message.s))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR: self = .tensor(try tensors.tensor(required(message.t)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH: self = .graph(try graph(required(message.g)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
      self = .floats(Array(UnsafeBufferPointer(start: message.floats, count: message.n_floats)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
      self = .ints(Array(UnsafeBufferPointer(start: message.ints, count: message.n_ints)))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
      self = .strings(UnsafeBufferPointer(start: message.strings, count: message.n_strings).map { text($0) })
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS:
      self = .tensors(try messages(message.tensors, message.n_tensors).map(tensors.tensor))
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS:
      self = .graphs(try messages(message.graphs, message.n_graphs).map(graph))
    default:
      var names = onnx__attribute_proto__attribute_type__descriptor
      let number = Int32(bitPattern: type.rawValue)
      let name = text(protobuf_c_enum_descriptor_get_value(&names, number)?.pointee.name)
      throw GradCAMError(.unsupported, problem: "is of type \(name.isEmpty ? "number \(number)" : name)")
    }
  }

  /// The type of an attribute that does not state it, as in files of the first versions.
  private static func impliedType(_ message: Onnx__AttributeProto) -> Onnx__AttributeProto__AttributeType {
    if message.has_f != 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT }
    if message.has_i != 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT }
    if message.has_s != 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING }
    if message.t != nil { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR }
    if message.g != nil { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH }
    if message.n_floats > 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS }
    if message.n_ints > 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS }
    if message.n_strings > 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS }
    if message.n_tensors > 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS }
    if message.n_graphs > 0 { return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS }
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED
  }
}
