import Graph

/// Operators of `ai.onnx.ml` that stand before and after the scores of classifiers.
let machineLearningOperators: [OperatorEntry] = [
  // The scores in the order of the labels, of which a sequence of maps would be made.
  OperatorEntry("ZipMap", domain: machineLearning, inputs: 1...1) { reader in
    reader.ignore("classlabels_strings", "classlabels_int64s")
    return Identity()
  },
  OperatorEntry("ArrayFeatureExtractor", domain: machineLearning, inputs: 2...2) { _ in
    Composite { inputs in
      var body = GraphBuilder(inputs)
      let x = try inputs.required(0).shape, count = try inputs.required(1).shape.count
      let rows = x.rank == 1 ? body.reshape(0, [1, x[0]]) : 0
      return body.returning(body("Gather", rows, body.reshape(1, [count]), with: ["axis": .int(-1)]))
    }
  },
  OperatorEntry("LabelEncoder", domain: machineLearning, inputs: 1...1) { reader in try LabelEncoder(&reader) },
  OperatorEntry("Binarizer", domain: machineLearning, inputs: 1...1) { reader in
    Binarizer(threshold: try reader.float("threshold", default: 0))
  },
  OperatorEntry("Scaler", domain: machineLearning, inputs: 1...1) { reader in
    let offset = try reader.floats("offset") ?? [0], scale = try reader.floats("scale") ?? [1]
    return Composite(axes: .elementwise) { inputs in
      var body = GraphBuilder(inputs)
      let x = body.cast(0, to: .float32)
      let centred = body("Sub", x, body.numbers(offset, shape: [offset.count], type: .float32))
      return body.returning(body("Mul", centred, body.numbers(scale, shape: [scale.count], type: .float32)))
    }
  },
  OperatorEntry("Normalizer", domain: machineLearning, inputs: 1...1) { reader in
    let norm = try reader.choice("norm", default: Norm.maximum)
    return Composite(axes: .elementwise) { inputs in
      var body = GraphBuilder(inputs)
      let x = body.cast(0, to: .float32)
      let size = body(norm.reduction, x, body.integers([-1]), with: ["keepdims": .int(1)])
      let zero = body.number(0, type: .float32), one = body.number(1, type: .float32)
      return body.returning(body("Div", x, body("Where", body("Equal", size, zero), one, size)))
    }
  },
  OperatorEntry("FeatureVectorizer", domain: machineLearning, inputs: 1...Int.max) { reader in
    reader.ignore("inputdimensions")
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      let parts = try (0..<inputs.count).map { body.cast(try body.required($0), to: .float32) }
      return body.returning(body.concatenate(parts, axis: -1))
    }
  },
  OperatorEntry("LinearClassifier", domain: machineLearning, inputs: 1...1) { reader in try linearClassifier(&reader) },
  OperatorEntry("LinearRegressor", domain: machineLearning, inputs: 1...1) { reader in
    let targets = try reader.int("targets", default: 1)
    let change = try reader.choice("post_transform", default: ScoreChange.none)
    let weights = try reader.floats("coefficients") ?? [], bias = try reader.floats("intercepts")
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      return body.returning(
        change.apply(try linear(0, weights, bias, count: targets, in: &body), in: &body))
    }
  },
]

private let machineLearning = "ai.onnx.ml"

private enum Norm: String, CaseIterable {
  case maximum = "MAX"
  case absolute = "L1"
  case euclidean = "L2"

  var reduction: String {
    switch self {
    case .maximum: "ReduceMax"
    case .absolute: "ReduceL1"
    case .euclidean: "ReduceL2"
    }
  }
}

/// What is made of linear scores.
private enum ScoreChange: String, CaseIterable {
  case none = "NONE"
  case logistic = "LOGISTIC"
  case softmax = "SOFTMAX"

  func apply(_ scores: ValueID, in body: inout GraphBuilder) -> ValueID {
    switch self {
    case .none: scores
    case .logistic: body("Sigmoid", scores)
    case .softmax: body("Softmax", scores, with: ["axis": .int(-1)])
    }
  }
}

/// x · weightsᵀ + bias, for as many results as `count`.
private func linear(
  _ x: ValueID, _ weights: [Float], _ bias: [Float]?, count: Int, in body: inout GraphBuilder
) throws -> ValueID {
  guard count > 0, weights.count % count == 0, bias.map({ $0.count == count }) ?? true else {
    throw GradCAMError(.badData, problem: "\(weights.count) coefficients do not fit \(count) results")
  }
  let matrix = body.numbers(weights, shape: [count, weights.count / count], type: .float32)
  let addend = bias.map { body.numbers($0, shape: [count], type: .float32) }
  return body("Gemm", body.cast(x, to: .float32), matrix, addend, with: ["transB": .int(1)])
}

/// The label of the highest score, and all scores; one row of coefficients gives the score s of the second of two
/// classes, and the first has 1 − s, as in ONNX Runtime.
private func linearClassifier(_ reader: inout AttributeReader) throws -> FixedComposite {
  reader.ignore("multi_class")
  let weights = try reader.floats("coefficients") ?? [], bias = try reader.floats("intercepts")
  let change = try reader.choice("post_transform", default: ScoreChange.none)
  let labels: Tensor
  switch (reader.attribute("classlabels_strings"), try reader.exactInts("classlabels_ints")) {
  case (.strings(let texts)?, _): labels = Tensor(texts, shape: [texts.count])
  case (_, let numbers?): labels = Tensor(numbers.map(Int64.init), shape: [numbers.count])
  default: throw GradCAMError(.badData, problem: "names no classes")
  }
  let count = labels.shape.count
  var body = GraphBuilder(inputs: [true], opsets: ["": 23])
  let isBinary = count == 2 && bias?.count == 1
  var scores = change.apply(try linear(0, weights, bias, count: isBinary ? 1 : count, in: &body), in: &body)
  if isBinary {
    guard change != .softmax else {
      throw GradCAMError(.unsupported, problem: "a softmax of the only score of two classes has no agreed meaning")
    }
    let others = body("Sub", body.number(1, type: .float32), scores)
    scores = body.concatenate([others, scores], axis: -1)
  }
  let highest = body("ArgMax", scores, with: ["axis": .int(-1), "keepdims": .int(0)])
  return FixedComposite(body.returning(body("Gather", body.constant(labels), highest), scores))
}

/// Ones where numbers exceed a threshold, else zeros.
private struct Binarizer: Operator {
  let threshold: Float

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    guard x.elementType.isNumeric else { throw unsupportedType(x.elementType) }
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count, isFloat = outputs[0].elementType.isFloatingPoint
    return Kernel("binarize") { run in
      if isFloat {
        let x = run.input(0), y = run.output(0)
        for index in 0..<count { y[index] = x[index] > threshold ? 1 : 0 }
      } else {
        let x = run.input(0, as: Int64.self), y = run.output(0, as: Int64.self)
        for index in 0..<count { y[index] = Float(x[index]) > threshold ? 1 : 0 }
      }
    }
  }
}

/// Replaces every key by its value, and everything else by a default.
private struct LabelEncoder: Operator {
  private let keys, values, other: Tensor
  /// For version 1, which is used in both directions, the other one.
  private let reversed: (keys: Tensor, values: Tensor, other: Tensor)?

  init(_ reader: inout AttributeReader) throws {
    func list(_ prefix: String) throws -> Tensor? {
      if case .strings(let texts)? = reader.attribute(prefix + "_strings") {
        return Tensor(texts, shape: [texts.count])
      }
      if let integers = try reader.exactInts(prefix + "_int64s") {
        return Tensor(integers.map(Int64.init), shape: [integers.count])
      }
      if let floats = try reader.floats(prefix + "_floats") { return Tensor(floats, shape: [floats.count]) }
      return try reader.tensor(prefix + "_tensor")
    }
    let text = Tensor([try reader.string("default_string", default: "_Unused")], shape: [1])
    let integer = Tensor([Int64(try reader.exactInt("default_int64") ?? -1)], shape: [1])
    let number = Tensor([try reader.float("default_float", default: -0.0)], shape: [1])
    if case .strings(let classes)? = reader.attribute("classes_strings") {
      let texts = Tensor(classes, shape: [classes.count])
      let numbers = Tensor(classes.indices.map(Int64.init), shape: [classes.count])
      (keys, values, other) = (texts, numbers, integer)
      reversed = (numbers, texts, text)
      return
    }
    guard let keys = try list("keys"), let values = try list("values"), keys.shape.count == values.shape.count else {
      throw GradCAMError(.badData, problem: "keys and values are missing or differ in number")
    }
    (self.keys, self.values, reversed) = (keys, values, nil)
    let given = try reader.tensor("default_tensor")
    other = given ?? (values.elementType == .string ? text : values.elementType.isFloatingPoint ? number : integer)
    guard other.shape.count == 1, other.elementType.storage == values.elementType.storage else {
      throw GradCAMError(.badData, at: "attribute 'default_tensor'", problem: "is not one element of the values' type")
    }
  }

  /// What serves an input of a type.
  private func table(_ type: ElementType) throws -> (keys: Tensor, values: Tensor, other: Tensor) {
    if type.storage == keys.elementType.storage { return (keys, values, other) }
    guard let reversed, type.storage == reversed.keys.elementType.storage else { throw unsupportedType(type) }
    return reversed
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    return [ValueInfo(try table(x.elementType).values.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let type = try inputs.required(0).elementType, (keys, values, other) = try table(type)
    let count = outputs[0].shape.count, size = outputs[0].elementType.storage.byteCount
    let places = Dictionary(
      (0..<keys.shape.count).map { (key(keys.storage.base, $0, type), $0) }, uniquingKeysWith: { first, _ in first })
    return Kernel("look up") { run in
      let x = run.inputs[0]!, y = run.outputs[0]!
      for index in 0..<count {
        let place = places[key(x, index, type)]
        let source = place.map { values.storage.base + $0 * size } ?? other.storage.base
        (y + index * size).copyMemory(from: source, byteCount: size)
      }
    }
  }

  /// An element as a key: numbers that are equal have one, and so has NaN.
  private func key(_ base: UnsafeRawPointer, _ index: Int, _ type: ElementType) -> Int64 {
    switch type.storage {
    case .int64, .string: return base.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
    case .bool: return Int64(base.load(fromByteOffset: index, as: UInt8.self))
    case .float32:
      let value = base.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
      return Int64(value.isNaN ? Float.nan.bitPattern : (value + 0).bitPattern)
    }
  }
}
