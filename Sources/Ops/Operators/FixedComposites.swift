import Graph

/// Operators composed of others regardless of their inputs' extents: those on quantised tensors, which dequantise,
/// compute in floating point and quantise again, and float operators that ONNX Runtime's optimiser fuses.
///
/// Sums of products are rounded to float32's 24 bits, whereas integer arithmetic would be exact.
let fixedComposites: [OperatorEntry] = [
  composite("QLinearConv") { body in
    var inputs = [try body.dequantized(at: 0), try body.dequantized(at: 3, axis: 0)]
    if let bias = body.optional(8) {
      let scale = body.add("Mul", [try body.input(1), try body.input(4)])
      inputs.append(body.dequantized(bias, scale, nil, axis: 0))
    }
    return try body.quantize(body.main("Conv", inputs, body.attributes()), at: 6)
  },
  composite("QLinearMatMul") { body in
    let factors = [try body.dequantized(at: 0, axis: -2), try body.dequantized(at: 3, axis: -1)]
    return try body.quantize(body.main("MatMul", factors), at: 6, axis: -2)
  },
  composite("ConvInteger") { body in
    let one = body.constant(Tensor([1], shape: []))
    let x = body.dequantized(try body.input(0), one, body.optional(2))
    let weights = body.dequantized(try body.input(1), one, body.optional(3), axis: 0)
    return body.roundToInt32(body.main("Conv", [x, weights], body.attributes()), one)
  },
  composite("MatMulInteger") { body in
    let one = body.constant(Tensor([1], shape: []))
    let a = body.dequantized(try body.input(0), one, body.optional(2), axis: -2)
    let b = body.dequantized(try body.input(1), one, body.optional(3), axis: -1)
    return body.roundToInt32(body.main("MatMul", [a, b]), one)
  },
  quantizedBinary("QLinearAdd", "Add"),
  quantizedBinary("QLinearMul", "Mul"),
  quantizedUnary("QLinearLeakyRelu", "LeakyRelu"),
  quantizedUnary("QLinearSigmoid", "Sigmoid"),
  quantizedUnary("QLinearAveragePool", "AveragePool"),
  quantizedUnary("QLinearGlobalAveragePool", "GlobalAveragePool"),
  composite("QLinearConcat", domain: microsoft) { body in
    let parts = try stride(from: 2, to: body.node.inputs.count, by: 3).map { try body.dequantized(at: $0) }
    return try body.quantize(body.main("Concat", parts, body.attributes()), at: 0)
  },
  composite("QGemm", domain: microsoft) { body in
    let isTransposed = if case .int(let flag)? = body.node.attributes["transB"] { flag != 0 } else { false }
    var inputs = [try body.dequantized(at: 0), try body.dequantized(at: 3, axis: isTransposed ? 0 : 1)]
    var attributes = body.attributes()
    if let addend = body.optional(6) {
      let scale = body.add("Mul", [try body.input(1), try body.input(4)])
      inputs.append(body.dequantized(addend, scale, nil, axis: -1))
      attributes["beta"] = attributes["alpha"]
    }
    let product = body.main("Gemm", inputs, attributes)
    return body.optional(7) == nil ? product : try body.quantize(product, at: 7)
  },
  composite("FusedGemm", domain: microsoft) { body in
    let attributes = body.attributes("alpha", "beta", "transA", "transB")
    let product = body.main("Gemm", body.node.inputs.indices.map { body.optional($0) }, attributes)
    guard case .string(let activation)? = body.attributes("activation")["activation"], !activation.isEmpty else {
      return product
    }
    let parameters = body.attributes("activation_alpha", "activation_beta", "activation_gamma")
    let named = Dictionary(uniqueKeysWithValues: parameters.map { (String($0.key.dropFirst(11)), $0.value) })
    return body.add(activation, [product], named)
  },
  composite("FusedConv", domain: microsoft) { body in
    let activation = body.attributes("activation", "activation_params")
    let parts = (0..<3).map { body.optional($0) }
    let own = body.attributes().filter { !$0.key.hasPrefix("activation") }
    var result = body.main("Conv", parts[2] == nil ? Array(parts.prefix(2)) : parts, own)
    if let residual = body.optional(3) { result = body.add("Add", [result, residual]) }
    return try body.activate(result, activation)
  },
  composite("BiasGelu", domain: microsoft) { body in
    body.main("Gelu", domain: microsoft, [body.add("Add", [try body.input(0), try body.input(1)])])
  },
]

/// The domain of ONNX Runtime's own operators.
let microsoft = "com.microsoft"

/// An operator with one output.
func composite(
  _ type: String, domain: String = "", _ write: @escaping @Sendable (inout CompositeBody) throws -> ValueID
) -> OperatorEntry {
  OperatorEntry(type, domain: domain) { reader in try FixedComposite(&reader, write) }
}

extension FixedComposite {
  /// Writes the body of a node.
  init(_ reader: inout AttributeReader, _ write: (inout CompositeBody) throws -> ValueID) throws {
    var body = CompositeBody(reader)
    let output = try write(&body)
    self.init(body.finish(&reader, output))
  }
}

private func quantizedBinary(_ type: String, _ float: String) -> OperatorEntry {
  composite(type, domain: microsoft) { body in
    try body.quantize(body.main(float, [try body.dequantized(at: 0), try body.dequantized(at: 3)]), at: 6)
  }
}

private func quantizedUnary(_ type: String, _ float: String) -> OperatorEntry {
  composite(type, domain: microsoft) { body in
    var attributes = body.attributes()
    if case .int(let channelsLast)? = attributes.removeValue(forKey: "channels_last"), channelsLast != 0 {
      throw GradCAMError(.unsupported, at: "attribute 'channels_last'", problem: "channels must come first")
    }
    return try body.quantize(body.main(float, [try body.dequantized(at: 0)], attributes), at: 3)
  }
}

/// The body of a node while it is being written.
struct CompositeBody {
  private(set) var builder: GraphBuilder
  private var reader: AttributeReader

  init(_ reader: AttributeReader) {
    self.reader = reader
    builder = GraphBuilder(inputs: reader.node.inputs.map { $0 != nil }, opsets: reader.opsets)
  }

  var node: Node { reader.node }

  /// The finished body; the attributes that were taken count as read.
  mutating func finish(_ reader: inout AttributeReader, _ output: ValueID) -> ComputeGraph {
    reader = self.reader
    return builder.returning(output)
  }

  func optional(_ index: Int) -> ValueID? { builder.optional(index) }
  func input(_ index: Int) throws -> ValueID { try builder.required(index) }
  mutating func constant(_ tensor: Tensor) -> ValueID { builder.constant(tensor) }

  /// Takes attributes of the node: those with the given names, or all if no names are given.
  mutating func attributes(_ names: String...) -> [String: Attribute] {
    let taken = names.isEmpty ? node.attributes : node.attributes.filter { names.contains($0.key) }
    for name in taken.keys { _ = reader.attribute(name) }
    return taken
  }

  mutating func add(
    _ type: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]
  ) -> ValueID { builder.node(type, domain: domain, inputs, attributes)[0] }

  /// Adds the node that keeps the composite's name, by which users refer to it.
  mutating func main(
    _ type: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]
  ) -> ValueID { builder.node(type, domain: domain, inputs, attributes, name: node.name)[0] }

  /// Dequantises the input at a position with the scale and zero point that follow.
  mutating func dequantized(at index: Int, axis: Int64 = 1) throws -> ValueID {
    dequantized(try input(index), try input(index + 1), optional(index + 2), axis: axis)
  }

  mutating func dequantized(_ x: ValueID, _ scale: ValueID, _ zeroPoint: ValueID?, axis: Int64 = 1) -> ValueID {
    add("DequantizeLinear", domain: microsoft, [x, scale, zeroPoint], ["axis": .int(axis)])
  }

  /// Quantises with the scale at a position and the zero point that follows.
  mutating func quantize(_ y: ValueID, at index: Int, axis: Int64 = 1) throws -> ValueID {
    add("QuantizeLinear", domain: microsoft, [y, try input(index), optional(index + 1)], ["axis": .int(axis)])
  }

  /// Applies the activation of a `FusedConv` with its parameters, in the order of the operator's own.
  mutating func activate(_ x: ValueID, _ attributes: [String: Attribute]) throws -> ValueID {
    guard case .string(let name)? = attributes["activation"], !name.isEmpty else { return x }
    let parameters = if case .floats(let values)? = attributes["activation_params"] { values } else { [Float]() }
    let names = ["LeakyRelu": ["alpha"], "HardSigmoid": ["alpha", "beta"], "Clip": ["min", "max"]][name] ?? []
    guard ["Relu", "Tanh", "Sigmoid", "HardSwish"].contains(name) || names.count == parameters.count && !names.isEmpty
    else { throw GradCAMError(.unsupported, at: "attribute 'activation'", problem: "'\(name)' is not supported") }
    if name == "Clip", builder.graph.opsets["", default: .max] >= 11 {
      return add(name, [x] + parameters.map { constant(Tensor([$0], shape: [])) })
    }
    return add(name, [x], Dictionary(uniqueKeysWithValues: zip(names, parameters.map { .float($0) })))
  }

  mutating func roundToInt32(_ y: ValueID, _ one: ValueID) -> ValueID {
    let zero = constant(Tensor([0], shape: [], elementType: .int32))
    return add("QuantizeLinear", domain: microsoft, [y, one, zero])
  }
}
