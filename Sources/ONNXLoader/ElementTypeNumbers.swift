import COnnx
import Graph

extension ElementType {
  /// The type with a number of `TensorProto.DataType`.
  ///
  /// Throws `unsupported` for types that the program does not support.
  init(onnxType number: Int32) throws {
    guard let type = ElementType(onnxCode: Int(number)) else {
      var names = onnx__tensor_proto__data_type__descriptor
      let name = text(protobuf_c_enum_descriptor_get_value(&names, number)?.pointee.name)
      throw GradCAMError(
        .unsupported, problem: "has elements of type \(name.isEmpty ? "number \(number)" : name)",
        advice: "this program computes with float32, float16, bfloat16, float64, integers of 8 to 64 bits and bool")
    }
    self = type
  }

  /// The size of one element in a file, in bytes.
  var fileByteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }
}
