import Graph

extension Shape {
  /// The shape that all of several shapes broadcast to.
  ///
  /// Throws `badData` where they do not match or the result would be too large.
  static func broadcast(_ shapes: [Shape]) throws -> Shape {
    try Shape(checked: shapes.reduce(Shape([])) { try $0.broadcast(with: $1) }.dimensions)
  }

  /// The axes that a list from a file means.
  ///
  /// Throws `badData` where one does not exist or is named twice.
  func axes(_ indices: [Int]) throws -> [Int] {
    let axes = try indices.map(axis)
    guard Set(axes).count == axes.count else {
      throw GradCAMError(.badData, problem: "axes \(indices) name one axis twice")
    }
    return axes
  }
}

extension NodeInputs {
  /// Throws `unsupported` where some input is not of a floating-point type.
  func expectFloats() throws {
    for index in 0..<count {
      if let type = self[index]?.elementType, !type.isFloatingPoint { throw unsupportedType(type) }
    }
  }

  /// Throws `badData` where more inputs are written down than the operator has.
  func expect(atMost limit: Int) throws {
    guard count <= limit else {
      throw GradCAMError(.badData, problem: "has \(count) inputs where at most \(limit) are known")
    }
  }

  /// The contents of an integer input that decides a shape or a parameter, nil where it is left out.
  ///
  /// Throws `unsupported` where they depend on the model's inputs.
  func integers(_ index: Int) throws -> [Int]? { try contents(index)?.integers.map(Int.init) }

  /// The contents of an integer input that must be there.
  ///
  /// Throws `badData` where it is missing, `unsupported` where it depends on the model's inputs.
  func requiredIntegers(_ index: Int) throws -> [Int] {
    _ = try required(index)
    return try integers(index)!
  }

  /// The only element of an integer input, nil where it is left out.
  ///
  /// Throws `badData` where it has not exactly one, `unsupported` where it depends on the model's inputs.
  func integer(_ index: Int) throws -> Int? {
    guard let values = try integers(index) else { return nil }
    guard values.count == 1 else {
      throw GradCAMError(.badData, problem: "input \(index) has \(values.count) elements where one is expected")
    }
    return values[0]
  }

  /// The only element of an integer input that must be there.
  ///
  /// Throws `badData` where it is missing or has not exactly one, `unsupported` where it depends on the model's inputs.
  func requiredInteger(_ index: Int) throws -> Int {
    _ = try required(index)
    return try integer(index)!
  }
}

/// The error for a derivative that does not exist or is not computed.
func noGradient(ofInput index: Int) -> GradCAMError {
  GradCAMError(.unsupported, problem: "no gradient is computed for input \(index), and it lies between tap and score")
}

extension ElementType {
  /// The type that a number of ONNX's `TensorProto.DataType` means.
  ///
  /// Throws `unsupported` for a type that this program does not compute with.
  init(onnx code: Int) throws {
    guard let type = ElementType(onnxCode: code) else {
      throw GradCAMError(.unsupported, problem: "element type number \(code) is not supported")
    }
    self = type
  }
}
