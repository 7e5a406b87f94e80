import Graph

let constantOperators: [OperatorEntry] = [
  OperatorEntry("Constant", inputs: 0...0, make: Constant.make),
  OperatorEntry("ConstantOfShape", since: 9, inputs: 1...1) { reader in
    ConstantOfShape(element: try reader.tensor("value") ?? Tensor([Float(0)], shape: [1]))
  },
  OperatorEntry("Shape", inputs: 1...1) { reader in
    ShapeOf(start: try reader.position("start") ?? 0, end: try reader.position("end"))
  },
  OperatorEntry("Size", inputs: 1...1) { _ in SizeOf() },
  OperatorEntry("Range", since: 11, inputs: 3...3) { reader in
    reader.ignore("stash_type")
    return Progression()
  },
  OperatorEntry("EyeLike", since: 9, inputs: 1...1) { reader in
    EyeLike(
      elementType: try reader.int("dtype").map(ElementType.init(onnx:)), diagonal: try reader.int("k", default: 0))
  },
  OperatorEntry("NonZero", since: 9, inputs: 1...1) { _ in NonZero() },
]

/// An operator whose only output is known before the model runs.
protocol ConstantOperator: Operator {
  /// The output.
  func value(_ inputs: NodeInputs) throws -> Tensor
}

extension ConstantOperator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [ValueInfo(try value(inputs))] }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    throw GradCAMError(.defect, problem: "a constant needs no kernel")
  }
}

struct Constant: ConstantOperator {
  let tensor: Tensor

  static func make(_ reader: inout AttributeReader) throws -> Self {
    guard let name = constantForms.first(where: reader.has) else {
      throw GradCAMError(.unsupported, problem: "the constant has none of \(constantForms.joined(separator: ", "))")
    }
    switch (name, reader.attribute(name)!) {
    case ("value", .tensor(let tensor)): return Constant(tensor: tensor)
    case ("value_float", .float(let value)): return Constant(tensor: Tensor([value], shape: []))
    case ("value_floats", .floats(let values)): return Constant(tensor: Tensor(values, shape: [values.count]))
    case ("value_int", .int(let value)): return Constant(tensor: Tensor([value], shape: []))
    case ("value_ints", .ints(let values)): return Constant(tensor: Tensor(values, shape: [values.count]))
    case ("value_string", .string(let text)): return Constant(tensor: Tensor([text], shape: []))
    case ("value_strings", .strings(let texts)): return Constant(tensor: Tensor(texts, shape: [texts.count]))
    case (_, .unsupported(let error)): throw error
    default: throw GradCAMError(.badData, at: "attribute '\(name)'", problem: "does not have the type in its name")
    }
  }

  func value(_ inputs: NodeInputs) throws -> Tensor { tensor }
}

private let constantForms = [
  "value", "value_float", "value_floats", "value_int", "value_ints", "value_string", "value_strings",
]

struct ConstantOfShape: ConstantOperator {
  let element: Tensor

  func value(_ inputs: NodeInputs) throws -> Tensor {
    guard element.shape.count == 1 else {
      throw GradCAMError(.badData, at: "attribute 'value'", problem: "has \(element.shape.count) elements, not one")
    }
    let shape = try Shape(constant: inputs.requiredIntegers(0))
    let result = Tensor(uninitialized: element.elementType, shape: shape)
    let fill = StridedMap(axes: [.init(extent: result.shape.count, source: 0, target: 1)])
    fill.copy(
      from: element.storage.base, to: result.storage.base, storage: element.elementType.storage,
      pool: ThreadPool(threadCount: 1))
    return result
  }
}

struct ShapeOf: ConstantOperator {
  let start: Int
  let end: Int?

  func value(_ inputs: NodeInputs) throws -> Tensor {
    let shape = try inputs.required(0).shape
    func clamped(_ index: Int) -> Int { max(0, min(shape.rank, index < 0 ? index + shape.rank : index)) }
    let first = clamped(start), last = clamped(end ?? shape.rank)
    let extents = first < last ? shape.dimensions[first..<last].map(Int64.init) : []
    return Tensor(extents, shape: [extents.count])
  }
}

struct SizeOf: ConstantOperator {
  func value(_ inputs: NodeInputs) throws -> Tensor { Tensor([Int64(try inputs.required(0).shape.count)], shape: []) }
}

/// The operator Range.
struct Progression: ConstantOperator {
  func value(_ inputs: NodeInputs) throws -> Tensor {
    let bounds = try (0..<3).map { index in
      _ = try inputs.required(index)
      let tensor = try inputs.contents(index)!
      guard tensor.shape.count == 1 else {
        throw GradCAMError(.badData, problem: "input \(index) has \(tensor.shape.count) elements, not one")
      }
      return tensor
    }
    let elementType = bounds[0].elementType
    if elementType.isFloatingPoint {
      let (start, limit, delta) = (bounds[0].floats[0], bounds[1].floats[0], bounds[2].floats[0])
      let count = try count(((Double(limit) - Double(start)) / Double(delta)).rounded(.up))
      let values = (0..<count).map { start + Float($0) * delta }
      let tensor = Tensor(values, shape: [count])
      return Tensor(elementType: elementType, shape: tensor.shape, storage: tensor.storage)
    }
    let (start, limit, delta) = (bounds[0].integers[0], bounds[1].integers[0], bounds[2].integers[0])
    _ = try count(((Double(limit) - Double(start)) / Double(delta)).rounded(.up))
    let values = Array(stride(from: start, to: limit, by: Int64.Stride(delta)))
    return Tensor(values, shape: [values.count], elementType: elementType)
  }

  private func count(_ exact: Double) throws -> Int {
    guard exact.isFinite, exact <= Double(Shape.constantLimit) else {
      throw GradCAMError(.badData, problem: "the range has no end")
    }
    return Int(max(0, exact))
  }
}

struct EyeLike: ConstantOperator {
  let elementType: ElementType?
  let diagonal: Int

  func value(_ inputs: NodeInputs) throws -> Tensor {
    let x = try inputs.required(0)
    guard x.shape.rank == 2 else {
      throw GradCAMError(.badData, problem: "the input has shape \(x.shape) and is not a matrix")
    }
    let elementType = elementType ?? x.elementType
    let (rows, columns) = (x.shape[0], x.shape[1])
    _ = try Shape(constant: x.shape.dimensions)
    let ones = (0..<x.shape.count).map { $0 % columns - $0 / columns == diagonal }
    switch elementType.storage {
    case .bool: return Tensor(ones, shape: [rows, columns])
    case .int64: return Tensor(ones.map { $0 ? 1 : 0 }, shape: [rows, columns], elementType: elementType)
    case .string: throw unsupportedType(elementType)
    case .float32:
      let tensor = Tensor(ones.map { $0 ? Float(1) : 0 }, shape: [rows, columns])
      return Tensor(elementType: elementType, shape: tensor.shape, storage: tensor.storage)
    }
  }
}

/// The indices of nonzero elements, as many as the contents have.
struct NonZero: ConstantOperator {
  func value(_ inputs: NodeInputs) throws -> Tensor {
    let x = try inputs.required(0), values = try inputs.contents(0)!.floats
    let hits = values.indices.filter { values[$0] != 0 }
    let indices = zip(x.shape.dimensions, x.shape.strides).flatMap { extent, stride in
      hits.map { Int64($0 / stride % extent) }
    }
    return Tensor(indices, shape: [x.shape.rank, hits.count])
  }
}
