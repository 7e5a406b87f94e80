import Graph

extension Shape {
  /// The common shape that several shapes broadcast to.
  ///
  /// Throws `badData` if they do not match or the result would be too large.
  static func broadcast(_ shapes: [Shape]) throws -> Shape {
    try Shape(checked: shapes.reduce(Shape([])) { try $0.broadcast(with: $1) }.dimensions)
  }

  /// The axes that a list of indices in a file refers to.
  ///
  /// Throws `badData` if an axis does not exist or is named twice.
  func axes(_ indices: [Int]) throws -> [Int] {
    let axes = try indices.map(axis)
    guard Set(axes).count == axes.count else {
      throw GradCAMError(.badData, problem: "axes \(indices) name the same axis twice")
    }
    return axes
  }
}

extension NodeInputs {
  /// Throws `unsupported` if an input is not of a floating-point type.
  func expectFloats() throws {
    for index in 0..<count {
      if let type = self[index]?.elementType, !type.isFloatingPoint { throw unsupportedType(type) }
    }
  }

  /// Throws `badData` if the node has more inputs than the operator takes.
  func expect(atMost limit: Int) throws {
    guard count <= limit else {
      throw GradCAMError(.badData, problem: "has \(count) inputs, more than the \(limit) supported")
    }
  }

  /// The contents of an integer input that determines a shape or a parameter, nil if it is omitted.
  ///
  /// Throws `unsupported` if they depend on the model's inputs.
  func integers(_ index: Int) throws -> [Int]? { try contents(index)?.integers.map(Int.init) }

  /// The contents of a required integer input.
  ///
  /// Throws `badData` if it is missing, `unsupported` if it depends on the model's inputs.
  func requiredIntegers(_ index: Int) throws -> [Int] {
    _ = try required(index)
    return try integers(index)!
  }

  /// The single element of an integer input, nil if it is omitted.
  ///
  /// Throws `badData` if it does not have exactly one element, `unsupported` if it depends on the model's inputs.
  func integer(_ index: Int) throws -> Int? {
    guard let values = try integers(index) else { return nil }
    guard values.count == 1 else {
      throw GradCAMError(.badData, problem: "input \(index) has \(values.count) elements, not one")
    }
    return values[0]
  }

  /// The single element of a required integer input.
  ///
  /// Throws `badData` if it is missing or not a single element, `unsupported` if it depends on the model's inputs.
  func requiredInteger(_ index: Int) throws -> Int {
    _ = try required(index)
    return try integer(index)!
  }
}

/// The error for a derivative that does not exist or is not computed.
func noGradient(ofInput index: Int) -> GradCAMError {
  GradCAMError(.unsupported, problem: "no gradient is computed for input \(index), which lies between tap and score")
}

extension ElementType {
  /// The type that a value of ONNX's `TensorProto.DataType` stands for.
  ///
  /// Throws `unsupported` for a type that this program does not support.
  init(onnx code: Int) throws {
    guard let type = ElementType(onnxCode: code) else {
      throw GradCAMError(.unsupported, problem: "element type number \(code) is not supported")
    }
    self = type
  }
}
