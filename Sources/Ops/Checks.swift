import Graph

extension Shape {
  /// The shape of a constant that is computed when a plan is made, element by element.
  ///
  /// Throws `badData` as for any shape, and if there are more than 2²⁷ elements.
  init(constant dimensions: [Int]) throws {
    try self.init(checked: dimensions)
    guard count <= Shape.constantLimit else {
      throw GradCAMError(.badData, problem: "a constant of shape \(self) is too large")
    }
  }

  /// The largest number of elements of such a constant.
  static let constantLimit = 1 << 27

  /// The common shape that several shapes broadcast to.
  ///
  /// Throws `badData` if they do not match or the result would be too large.
  static func broadcast(_ shapes: [Shape]) throws -> Shape {
    try shapes.reduce(Shape([])) { try $0.broadcast(with: $1) }
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

  /// The contents of an integer input that determines a shape or a parameter, nil if it is omitted.
  ///
  /// Throws `unsupported` if they depend on the model's inputs, `badData` if one lies beyond what shapes may have.
  func integers(_ index: Int) throws -> [Int]? {
    try contents(index)?.integers.map { value in
      guard value.magnitude <= Shape.elementLimit else {
        throw GradCAMError(.badData, problem: "input \(index) holds \(value), which is out of range")
      }
      return Int(value)
    }
  }

  /// The contents of an integer input that holds positions along axes, nil if it is omitted; those far outside of any
  /// tensor are brought to ±`Shape.elementLimit`.
  ///
  /// Throws `unsupported` if they depend on the model's inputs.
  func positions(_ index: Int) throws -> [Int]? { try contents(index)?.integers.map { Int($0).asPosition } }

  /// The positions of a required input.
  ///
  /// Throws `badData` if it is missing, `unsupported` if it depends on the model's inputs.
  func requiredPositions(_ index: Int) throws -> [Int] {
    _ = try required(index)
    return try positions(index)!
  }

  /// The contents of a required integer input.
  ///
  /// Throws `badData` if it is missing, `unsupported` if it depends on the model's inputs.
  func requiredIntegers(_ index: Int) throws -> [Int] {
    _ = try required(index)
    return try integers(index)!
  }

  /// The single element of an integer input, nil if it is omitted.
  ///
  /// Throws `badData` if it does not have exactly one element or lies beyond what shapes may have, `unsupported` if it
  /// depends on the model's inputs.
  func integer(_ index: Int) throws -> Int? { try single(try integers(index), index) }

  /// The single position of an integer input, nil if it is omitted.
  ///
  /// Throws as `integer` does.
  func position(_ index: Int) throws -> Int? { try single(try positions(index), index) }

  private func single(_ values: [Int]?, _ index: Int) throws -> Int? {
    guard let values else { return nil }
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
