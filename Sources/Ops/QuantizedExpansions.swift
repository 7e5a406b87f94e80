import Graph

/// The operators on quantised tensors, taken apart: dequantise, compute in floating point, quantise again.
///
/// Sums of products are rounded to float32's 24 bits where integer arithmetic would be exact.
let quantizedExpansions: [OperatorExpansion] = [
  OperatorExpansion("QLinearConv") { node in
    let x = try node.dequantized(at: 0)
    let weights = try node.dequantized(at: 3, axis: 0)
    var inputs = [x, weights]
    if let bias = node.optional(8) {
      let scale = try node.add("Mul", [node.input(1), node.input(4)])
      inputs.append(try node.dequantized(bias, scale, nil, axis: 0))
    }
    let y = try node.add("Conv", inputs, node.attributes(), isNamed: true)
    try node.quantize(y, at: 6)
  },
  OperatorExpansion("QLinearMatMul") { node in
    let a = try node.dequantized(at: 0, axis: -2), b = try node.dequantized(at: 3, axis: -1)
    let y = try node.add("MatMul", [a, b], isNamed: true)
    try node.quantize(y, at: 6, axis: -2)
  },
  OperatorExpansion("ConvInteger") { node in
    let one = node.constant(Tensor([1], shape: []))
    let x = try node.dequantized(node.input(0), one, node.optional(2))
    let weights = try node.dequantized(node.input(1), one, node.optional(3), axis: 0)
    let y = try node.add("Conv", [x, weights], node.attributes(), isNamed: true)
    try node.roundToInt32(y, one)
  },
  OperatorExpansion("MatMulInteger") { node in
    let one = node.constant(Tensor([1], shape: []))
    let a = try node.dequantized(node.input(0), one, node.optional(2), axis: -2)
    let b = try node.dequantized(node.input(1), one, node.optional(3), axis: -1)
    let y = try node.add("MatMul", [a, b], isNamed: true)
    try node.roundToInt32(y, one)
  },
  quantizedBinary("QLinearAdd", "Add"),
  quantizedBinary("QLinearMul", "Mul"),
  quantizedUnary("QLinearLeakyRelu", "LeakyRelu"),
  quantizedUnary("QLinearSigmoid", "Sigmoid"),
  quantizedUnary("QLinearAveragePool", "AveragePool"),
  quantizedUnary("QLinearGlobalAveragePool", "GlobalAveragePool"),
  OperatorExpansion("QLinearConcat", domain: "com.microsoft") { node in
    let parts = try stride(from: 2, to: node.node.inputs.count, by: 3).map { try node.dequantized(at: $0) }
    let y = try node.add("Concat", parts, node.attributes(), isNamed: true)
    try node.quantize(y, at: 0)
  },
  OperatorExpansion("QGemm", domain: "com.microsoft") { node in
    let transposed = if case .int(let flag)? = node.node.attributes["transB"] { flag != 0 } else { false }
    var inputs = [
      try node.dequantized(at: 0), try node.dequantized(at: 3, axis: transposed ? 0 : 1),
    ]
    var attributes = node.attributes()
    if let addend = node.optional(6) {
      let scale = try node.add("Mul", [node.input(1), node.input(4)])
      inputs.append(try node.dequantized(addend, scale, nil, axis: -1))
      attributes["beta"] = attributes["alpha"]
    }
    guard node.optional(7) != nil else {
      try node.add("Gemm", inputs, attributes, isNamed: true, isLast: true)
      return
    }
    let y = try node.add("Gemm", inputs, attributes, isNamed: true)
    try node.quantize(y, at: 7)
  },
]

private func quantizedBinary(_ type: String, _ float: String) -> OperatorExpansion {
  OperatorExpansion(type, domain: "com.microsoft") { node in
    let y = try node.add(float, [node.dequantized(at: 0), node.dequantized(at: 3)], isNamed: true)
    try node.quantize(y, at: 6)
  }
}

private func quantizedUnary(_ type: String, _ float: String) -> OperatorExpansion {
  OperatorExpansion(type, domain: "com.microsoft") { node in
    var attributes = node.attributes()
    if case .int(let channelsLast)? = attributes.removeValue(forKey: "channels_last"), channelsLast != 0 {
      throw GradCAMError(.unsupported, at: "attribute 'channels_last'", problem: "channels must come first")
    }
    let y = try node.add(float, [node.dequantized(at: 0)], attributes, isNamed: true)
    try node.quantize(y, at: 3)
  }
}

extension NodeExpander {
  /// Dequantises the input at a position, its scale and zero point following it.
  fileprivate mutating func dequantized(at index: Int, axis: Int64 = 1) throws -> ValueID {
    try dequantized(input(index), input(index + 1), optional(index + 2), axis: axis)
  }

  fileprivate mutating func dequantized(
    _ x: ValueID, _ scale: ValueID, _ zeroPoint: ValueID?, axis: Int64 = 1
  ) throws -> ValueID {
    try add("DequantizeLinear", domain: "com.microsoft", [x, scale, zeroPoint], ["axis": .int(axis)])
  }

  /// Quantises the result with the scale at a position and the zero point that follows.
  fileprivate mutating func quantize(_ y: ValueID, at index: Int, axis: Int64 = 1) throws {
    try add(
      "QuantizeLinear", domain: "com.microsoft", [y, input(index), optional(index + 1)], ["axis": .int(axis)],
      isLast: true)
  }

  fileprivate mutating func roundToInt32(_ y: ValueID, _ one: ValueID) throws {
    let zero = constant(Tensor([0], shape: [], elementType: .int32))
    try add("QuantizeLinear", domain: "com.microsoft", [y, one, zero], isLast: true)
  }
}

/// Float operators that ONNX Runtime's optimiser fuses, taken apart again.
let activationExpansions: [OperatorExpansion] = [
  OperatorExpansion("FusedGemm", domain: "com.microsoft") { node in
    let attributes = node.attributes("alpha", "beta", "transA", "transB")
    let inputs = node.node.inputs
    guard case .string(let activation)? = node.attributes("activation")["activation"], !activation.isEmpty else {
      try node.add("Gemm", inputs, attributes, isNamed: true, isLast: true)
      return
    }
    let y = try node.add("Gemm", inputs, attributes, isNamed: true)
    let parameters = node.attributes("activation_alpha", "activation_beta", "activation_gamma")
    let named = Dictionary(uniqueKeysWithValues: parameters.map { (String($0.key.dropFirst(11)), $0.value) })
    try node.add(activation, [y], named, isLast: true)
  },
  OperatorExpansion("BiasGelu", domain: "com.microsoft") { node in
    let sum = try node.add("Add", [node.input(0), node.input(1)])
    try node.add("Gelu", domain: "com.microsoft", [sum], isNamed: true, isLast: true)
  },
  OperatorExpansion("FastGelu", domain: "com.microsoft") { node in
    guard let bias = node.optional(1) else { return }
    let sum = try node.add("Add", [node.input(0), bias])
    try node.add("FastGelu", domain: "com.microsoft", [sum], isNamed: true, isLast: true)
  },
]
