import Graph

/// Operators on quantised tensors, composed of others regardless of their inputs' extents: they dequantise, compute in
/// floating point and quantise again.
///
/// Sums of products are rounded to float32's 24 bits, whereas integer arithmetic would be exact.
let fixedComposites: [OperatorEntry] = [
  composite("QLinearConv", inputs: 8...9) { body in
    var inputs = [try body.dequantized(at: 0), try body.dequantized(at: 3, axis: 0)]
    if let bias = body.optional(8) {
      let scale = body.add("Mul", [try body.input(1), try body.input(4)])
      inputs.append(body.dequantized(bias, scale, nil, axis: 0))
    }
    return try body.quantize(body.main("Conv", inputs, body.attributes()), at: 6)
  },
  composite("QLinearMatMul", inputs: 8...8) { body in
    let factors = [try body.dequantized(at: 0, axis: -2), try body.dequantized(at: 3, axis: -1)]
    return try body.quantize(body.main("MatMul", factors), at: 6, axis: -2)
  },
  composite("ConvInteger", inputs: 2...4) { body in
    let one = body.constant(Tensor([1], shape: []))
    let x = body.dequantized(try body.input(0), one, body.optional(2))
    let weights = body.dequantized(try body.input(1), one, body.optional(3), axis: 0)
    return body.roundToInt32(body.main("Conv", [x, weights], body.attributes()), one)
  },
  composite("MatMulInteger", inputs: 2...4) { body in
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
  composite("QLinearConcat", domain: microsoft, inputs: 3...Int.max) { body in
    let parts = try stride(from: 2, to: body.node.inputs.count, by: 3).map { try body.dequantized(at: $0) }
    return try body.quantize(body.main("Concat", parts, body.attributes()), at: 0)
  },
  composite("QGemm", domain: microsoft, inputs: 6...9) { body in
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
  quantizedUnary("QLinearSoftmax", "Softmax", ignoring: "opset"),
  quantizedUnary("QLinearReduceMean", "ReduceMean"),
  composite("QLinearWhere", domain: microsoft, inputs: 9...9) { body in
    let parts = [try body.dequantized(at: 1), try body.dequantized(at: 4)]
    return try body.quantize(body.main("Where", [try body.input(0)] + parts), at: 7)
  },
  composite("DynamicQuantizeMatMul", domain: microsoft, inputs: 3...5) { body in
    let quantized = body.add("DynamicQuantizeLinear", [try body.input(0)], outputCount: 3)
    let a = body.dequantized(quantized[0], quantized[1], quantized[2])
    let b = body.dequantized(try body.input(1), try body.input(2), body.optional(3), axis: -1)
    return body.adding(body.optional(4), to: body.main("MatMul", [a, b]))
  },
  composite("MatMulIntegerToFloat", domain: microsoft, inputs: 4...7) { body in
    let a = body.dequantized(try body.input(0), try body.input(2), body.optional(4), axis: -2)
    let b = body.dequantized(try body.input(1), try body.input(3), body.optional(5), axis: -1)
    return body.adding(body.optional(6), to: body.main("MatMul", [a, b]))
  },
  composite("QAttention", domain: microsoft, inputs: 5...9) { body in
    let x = body.dequantized(try body.input(0), try body.input(3), body.optional(6))
    let weights = body.dequantized(try body.input(1), try body.input(4), body.optional(7), axis: 1)
    let inputs = [x, weights, body.optional(2), body.optional(5), body.optional(8)]
    return body.main("Attention", domain: microsoft, inputs, body.attributes())
  },
]

/// The domain of ONNX Runtime's own operators.
let microsoft = "com.microsoft"

/// An operator with one output.
func composite(
  _ type: String, domain: String = "", inputs: ClosedRange<Int>,
  _ write: @escaping @Sendable (inout CompositeBody) throws -> ValueID
) -> OperatorEntry {
  OperatorEntry(type, domain: domain, inputs: inputs) { reader in try FixedComposite(&reader) { [try write(&$0)] } }
}

extension FixedComposite {
  /// Writes the body of a node.
  ///
  /// - Parameter opset: the version of the standard operators in the body; by default, the file's.
  init(
    _ reader: inout AttributeReader, opset: Int? = nil, _ write: (inout CompositeBody) throws -> [ValueID]
  ) throws {
    var body = CompositeBody(reader, opset: opset)
    let outputs = try write(&body)
    self.init(body.finish(&reader, outputs))
  }
}

private func quantizedBinary(_ type: String, _ float: String) -> OperatorEntry {
  composite(type, domain: microsoft, inputs: 7...8) { body in
    try body.quantize(body.main(float, [try body.dequantized(at: 0), try body.dequantized(at: 3)]), at: 6)
  }
}

private func quantizedUnary(_ type: String, _ float: String, ignoring ignored: String? = nil) -> OperatorEntry {
  composite(type, domain: microsoft, inputs: 4...5) { body in
    var attributes = body.attributes()
    if let ignored { attributes[ignored] = nil }
    let x = try body.dequantized(at: 0)
    guard case .int(let channelsLast)? = attributes.removeValue(forKey: "channels_last"), channelsLast != 0 else {
      return try body.quantize(body.main(float, [x], attributes), at: 3)
    }
    return try body.quantize(body.channelsLast(body.main(float, [body.channelsFirst(x)], attributes)), at: 3)
  }
}

/// The body of a node while it is being written.
struct CompositeBody {
  var builder: GraphBuilder
  /// Reads the node's attributes.
  var reader: AttributeReader

  init(_ reader: AttributeReader, opset: Int? = nil) {
    self.reader = reader
    let opsets = opset.map { reader.opsets.merging(["": $0]) { $1 } } ?? reader.opsets
    builder = GraphBuilder(inputs: reader.node.inputs.map { $0 != nil }, opsets: opsets)
  }

  var node: Node { reader.node }

  /// Whether the node has an output at a position.
  func returns(_ index: Int) -> Bool { index < node.outputs.count && node.outputs[index] != nil }

  /// The finished body; the attributes that were taken count as read.
  mutating func finish(_ reader: inout AttributeReader, _ outputs: [ValueID]) -> ComputeGraph {
    reader = self.reader
    return builder.returning(outputs)
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

  mutating func add(
    _ type: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], outputCount: Int
  ) -> [ValueID] { builder.node(type, inputs, attributes, outputCount: outputCount) }

  /// The sum of a value and an optional one.
  mutating func adding(_ addend: ValueID?, to x: ValueID) -> ValueID { addend.map { add("Add", [x, $0]) } ?? x }

  /// Images with their channels moved from the last axis to the second.
  mutating func channelsFirst(_ x: ValueID) -> ValueID { builder.transpose(x, [0, 3, 1, 2]) }

  /// Images with their channels moved from the second axis to the last.
  mutating func channelsLast(_ x: ValueID) -> ValueID { builder.transpose(x, [0, 2, 3, 1]) }

  /// Adds the node that keeps the composite's name, by which users refer to it.
  mutating func main(
    _ type: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]
  ) -> ValueID { builder.node(type, domain: domain, inputs, attributes, name: node.name)[0] }

  /// Adds that node with several outputs.
  mutating func main(
    _ type: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], outputCount: Int
  ) -> [ValueID] { builder.node(type, inputs, attributes, name: node.name, outputCount: outputCount) }

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

  mutating func roundToInt32(_ y: ValueID, _ one: ValueID) -> ValueID {
    let zero = constant(Tensor([0], shape: [], elementType: .int32))
    return add("QuantizeLinear", domain: microsoft, [y, one, zero])
  }
}
