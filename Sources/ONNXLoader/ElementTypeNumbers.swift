import COnnx
import Graph

extension ElementType {
  /// The type that a number of `TensorProto.DataType` means.
  ///
  /// Throws `unsupported` for types that the program does not compute with.
  init(onnxType number: Int32) throws {
    switch Onnx__TensorProto__DataType(rawValue: UInt32(bitPattern: number)) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: self = .float32
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16: self = .float16
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: self = .bfloat16
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: self = .float64
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8: self = .int8
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16: self = .int16
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: self = .int32
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: self = .int64
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8: self = .uint8
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16: self = .uint16
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32: self = .uint32
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64: self = .uint64
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: self = .bool
    default:
      var names = onnx__tensor_proto__data_type__descriptor
      let name = text(protobuf_c_enum_descriptor_get_value(&names, number)?.pointee.name)
      throw GradCAMError(
        .unsupported, problem: "has elements of type \(name.isEmpty ? "number \(number)" : name)",
        advice: "this program computes with float32, float16, bfloat16, float64, integers of 8 to 64 bits and bool")
    }
  }

  /// The bytes that one element takes in a file.
  var fileByteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }
}
