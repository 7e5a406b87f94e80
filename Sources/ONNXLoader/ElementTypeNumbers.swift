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
        advice: "this program reads floating-point numbers of 4 to 64 bits, integers of 2 to 64 bits, bool and strings")
    }
    self = type
  }

  /// The size of a number of elements in a file, in bytes.
  func fileByteCount(_ count: Int) -> Int { bitCount < 8 ? (count * bitCount + 7) / 8 : count * (bitCount / 8) }
}
