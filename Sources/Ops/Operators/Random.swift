import Graph

/// Operators that draw random numbers, where their result is determined all the same: a distribution of one value.
///
/// A seed determines nothing: ONNX does not say which generator it starts.
let randomOperators: [OperatorEntry] = [
  OperatorEntry("RandomUniform", inputs: 0...0) { reader in try Draw(&reader, uniform: true, isLike: false) },
  OperatorEntry("RandomUniformLike", inputs: 1...1) { reader in try Draw(&reader, uniform: true, isLike: true) },
  OperatorEntry("RandomNormal", inputs: 0...0) { reader in try Draw(&reader, uniform: false, isLike: false) },
  OperatorEntry("RandomNormalLike", inputs: 1...1) { reader in try Draw(&reader, uniform: false, isLike: true) },
  OperatorEntry("Bernoulli", since: 15, inputs: 1...1) { reader in
    reader.ignore("seed")
    return Bernoulli(type: try reader.int("dtype").map(ElementType.init(onnx:)))
  },
]

private func undetermined() -> GradCAMError {
  GradCAMError(
    .unsupported, problem: "draws random numbers, so that nothing determines its result",
    advice: "export the model in evaluation mode")
}

/// A tensor of random numbers between two bounds, or around a mean.
private struct Draw: ConstantOperator {
  let type: ElementType?
  /// Nil for the shape of the input.
  let shape: [Int]?
  /// The only value of the distribution; nil if it has several.
  let value: Float?

  init(_ reader: inout AttributeReader, uniform isUniform: Bool, isLike: Bool) throws {
    reader.ignore("seed")
    type = try reader.int("dtype").map(ElementType.init(onnx:)) ?? (isLike ? nil : .float32)
    shape = isLike ? nil : try reader.ints("shape") ?? []
    if isUniform {
      let low = try reader.float("low", default: 0), high = try reader.float("high", default: 1)
      value = low == high ? low : nil
    } else {
      let mean = try reader.float("mean", default: 0), scale = try reader.float("scale", default: 1)
      value = scale == 0 ? mean : nil
    }
  }

  func value(_ inputs: NodeInputs) throws -> Tensor {
    let type = try type ?? inputs.required(0).elementType, shape = try self.shape.map { try Shape(constant: $0) }
    guard let value else { throw undetermined() }
    guard type.isFloatingPoint else { throw unsupportedType(type) }
    let result = try shape ?? Shape(constant: inputs.required(0).shape.dimensions)
    return Tensor([Float](repeating: type.nearest(value), count: result.count), shape: result, floatingType: type)
  }
}

/// Ones with the probabilities of the input: determined where each is 0 or 1.
private struct Bernoulli: ConstantOperator {
  let type: ElementType?

  func value(_ inputs: NodeInputs) throws -> Tensor {
    let x = try inputs.required(0), type = type ?? x.elementType
    guard let probabilities = x.constant?.floats, probabilities.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw undetermined()
    }
    switch type.storage {
    case .float32: return Tensor(probabilities, shape: x.shape, floatingType: type)
    case .int64: return Tensor(probabilities.map { Int64($0) }, shape: x.shape, elementType: type)
    case .bool: return Tensor(probabilities.map { $0 == 1 }, shape: x.shape)
    case .string: throw unsupportedType(type)
    }
  }
}
