import COnnx
import Graph

/// Opens an ONNX model.
///
/// Weights stay in the file, which is mapped for as long as a tensor needs it; so do those in data files beside it.
/// Functions that the model defines are inlined. Nodes are in topological order, the file's own if possible. A graph
/// that an attribute holds reads a value of an enclosing graph through a value of the same name, which has no producer
/// and no constant and is not an input. Unsupported attributes become `Attribute.unsupported`, unsupported initialisers
/// have a `Value.problem`. Anything else that is wrong with the file is thrown as a `GradCAMError` that names it.
public func loadModel(at path: String) throws -> ComputeGraph {
  try located(path) {
    let file = try MappedFile(path: path)
    return try parse(file) {
      try withMessage(in: file, onnx__model_proto__init) { (model: Onnx__ModelProto) in
        guard let graph = model.graph?.pointee else {
          throw GradCAMError(.badData, problem: "holds no graph", advice: "is it an ONNX model?")
        }
        let externalData = ExternalData(modelPath: path)
        let tensors = TensorDecoder(file: file, externalData: externalData)
        let context = try ModelContext(model, tensors: tensors)
        var result = try GraphDecoder(context).build(graph, scope: Scope())
        result.metadata = dictionary(model.metadata_props, model.n_metadata_props)
        result.producer = [text(model.producer_name), text(model.producer_version)]
          .filter { !$0.isEmpty }.joined(separator: " ")
        result.files = [path] + externalData.paths
        MemoryLimit.noteModel(byteCount: file.bytes.count + externalData.byteCount)
        return result
      }
    }
  }
}

/// Reads one serialised tensor, such as a `.pb` file of ONNX's backend tests.
public func loadTensor(at path: String) throws -> (name: String, tensor: Tensor) {
  try located(path) {
    let file = try MappedFile(path: path)
    return try parse(file) {
      try withMessage(in: file, onnx__tensor_proto__init) { (message: Onnx__TensorProto) in
        let tensors = TensorDecoder(file: file, externalData: ExternalData(modelPath: path))
        return (text(message.name), try tensors.tensor(message))
      }
    }
  }
}

/// The tensors of a serialised sequence, or of an optional that holds one, as in ONNX's backend tests; nil for an
/// optional that holds nothing.
///
/// - Parameter kind: what the file holds: it does not say so itself.
public func loadTensors(at path: String, of kind: ValueKind) throws -> [Tensor]? {
  try located(path) {
    let file = try MappedFile(path: path)
    let tensors = TensorDecoder(file: file, externalData: ExternalData(modelPath: path))
    func elements(_ sequence: Onnx__SequenceProto) throws -> [Tensor] {
      try messages(sequence.tensor_values, sequence.n_tensor_values).map(tensors.tensor)
    }
    switch kind {
    case .tensor: return [try loadTensor(at: path).tensor]
    case .sequence: return try withMessage(in: file, onnx__sequence_proto__init, elements)
    case .optionalTensor, .optionalSequence:
      return try withMessage(in: file, onnx__optional_proto__init) { (optional: Onnx__OptionalProto) in
        if let tensor = optional.tensor_value?.pointee { return [try tensors.tensor(tensor)] }
        return try optional.sequence_value.map { try elements($0.pointee) }
      }
    case .other: throw GradCAMError(.unsupported, problem: "is neither a tensor nor a sequence of tensors")
    }
  }
}

/// Runs `body`; if the file turns out to be of another format, the error names it.
private func parse<Result>(_ file: MappedFile, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    throw foreignFileError(file.bytes) ?? error
  }
}
