import Graph

/// Operators that ONNX Runtime's optimisers put in place of several standard ones, composed of those again.
let runtimeFusions: [OperatorEntry] = [
  fusion("FusedConv", inputs: 2...4) { body in
    let y = body.main("Conv", body.inputs(0..<3), body.windowAttributes())
    return [try body.activated(body.adding(body.optional(3), to: y), body.reader.floats("activation_params") ?? [])]
  },
  fusion("FusedGemm", inputs: 2...3) { body in
    let y = body.main("Gemm", body.inputs(0..<3), body.attributes("alpha", "beta", "transA", "transB"))
    let parameters = try ["activation_alpha", "activation_beta", "activation_gamma"].compactMap {
      try body.reader.float($0)
    }
    return [try body.activated(y, parameters)]
  },
  fusion("GemmFastGelu", inputs: 2...3) { body in
    let y = body.main("MatMul", body.inputs(0..<2))
    return [body.add("FastGelu", domain: microsoft, [body.adding(body.optional(2), to: y)])]
  },
  fusion("NhwcConv", inputs: 2...3) { body in
    let weights = body.channelsFirst(try body.input(1))
    let x = body.channelsFirst(try body.input(0))
    return [body.channelsLast(body.main("Conv", [x, weights, body.optional(2)], body.windowAttributes()))]
  },
  fusion("NhwcFusedConv", inputs: 2...4) { body in
    let x = body.channelsFirst(try body.input(0))
    let y = body.channelsLast(
      body.main("Conv", [x, try body.input(1), body.optional(2)], body.windowAttributes()))
    return [try body.activated(body.adding(body.optional(3), to: y), body.reader.floats("activation_params") ?? [])]
  },
  fusion("NhwcMaxPool", inputs: 1...1) { body in
    [body.channelsLast(body.main("MaxPool", [body.channelsFirst(try body.input(0))], body.attributes()))]
  },
  fusion("BiasGelu", inputs: 2...2) { body in
    [body.main("Gelu", [body.add("Add", [try body.input(0), try body.input(1)])])]
  },
  fusion("BiasSplitGelu", inputs: 2...2) { body in
    let sum = body.add("Add", [try body.input(0), try body.input(1)])
    let halves = body.add("Split", [sum], ["axis": .int(-1), "num_outputs": .int(2)], outputCount: 2)
    return [body.main("Mul", [halves[0], body.add("Gelu", [halves[1]])])]
  },
  fusion("BiasAdd", inputs: 3...3) { body in
    [body.main("Add", [body.add("Add", [try body.input(0), try body.input(1)]), try body.input(2)])]
  },
  fusion("SkipLayerNormalization", inputs: 3...5) { body in
    let sum = try body.skipped(bias: 4)
    let attributes: [String: Attribute] = ["epsilon": .float(try body.reader.float("epsilon", default: 1e-12))]
    let normalized = body.main(
      "LayerNormalization", [sum, try body.input(2), body.optional(3)], attributes, outputCount: 3)
    return normalized + [sum]
  },
  fusion("SkipSimplifiedLayerNormalization", inputs: 3...4) { body in
    let sum = try body.skipped(bias: 3)
    guard !body.returns(1) else {
      throw GradCAMError(.unsupported, problem: "the mean, which this normalisation does not subtract, is not computed")
    }
    let (y, factor) = try body.simplifiedNormalization(of: sum, by: 2, epsilon: 1e-12)
    return [y, factor, factor, sum]
  },
  simplifiedLayerNormalization(domain: ""),
  simplifiedLayerNormalization(domain: microsoft),
  fusion("GroupNorm", inputs: 3...3) { body in [try body.groupNormalization(of: try body.input(0))] },
  OperatorEntry("SkipGroupNorm", domain: microsoft, inputs: 4...5) { reader in
    let attributes = reader.node.attributes
    for name in attributes.keys { reader.ignore(name) }
    return Composite(axes: .elementwise) { inputs in
      var body = GraphBuilder(inputs)
      let skip = try inputs.required(3).shape
      // One number for each image and channel has no axes for the positions.
      let added = skip.rank == 2 ? body.reshape(3, [skip[0], 1, 1, skip[1]]) : 3
      var sum = body("Add", 0, added)
      if let bias = body.optional(4) { sum = body("Add", sum, bias) }
      return body.returning(body.node("GroupNorm", domain: microsoft, [sum, 1, 2], attributes)[0], sum)
    }
  },
]

/// A fusion of ONNX Runtime's; its body uses the standard operators of one opset, whatever the file's.
private func fusion(
  _ type: String, domain: String = microsoft, inputs: ClosedRange<Int>,
  _ write: @escaping @Sendable (inout CompositeBody) throws -> [ValueID]
) -> OperatorEntry {
  OperatorEntry(type, domain: domain, inputs: inputs) { reader in try FixedComposite(&reader, opset: 23, write) }
}

/// The name that ONNX Runtime's optimiser gives to RMSNormalization, in the standard domain.
private func simplifiedLayerNormalization(domain: String) -> OperatorEntry {
  fusion("SimplifiedLayerNormalization", domain: domain, inputs: 2...2) { body in
    body.reader.ignore("stash_type")  // the precision of the sums, never below float32 here
    let (y, factor) = try body.simplifiedNormalization(of: try body.input(0), by: 1, epsilon: 1e-5)
    return [y, factor]
  }
}

extension CompositeBody {
  fileprivate func inputs(_ range: Range<Int>) -> [ValueID?] { range.map(optional) }

  /// The attributes of a convolution.
  fileprivate mutating func windowAttributes() -> [String: Attribute] {
    attributes("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
  }

  /// The activation that the attribute `activation` names, with its parameters in the order of ONNX's attributes.
  ///
  /// Throws `unsupported` for one that is not known.
  fileprivate mutating func activated(_ x: ValueID, _ parameters: [Float]) throws -> ValueID {
    let name = try reader.string("activation", default: "")
    func named(_ names: String...) -> [String: Attribute] {
      Dictionary(uniqueKeysWithValues: zip(names, parameters).map { ($0, .float($1)) })
    }
    func number(_ index: Int) -> ValueID? {
      index < parameters.count ? builder.constant(Tensor([parameters[index]], shape: [])) : nil
    }
    switch name {
    case "": return x
    case "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "Gelu": return add(name, [x])
    case "LeakyRelu", "Elu", "ThresholdedRelu": return add(name, [x], named("alpha"))
    case "HardSigmoid": return add(name, [x], named("alpha", "beta"))
    case "Clip": return add(name, [x, number(0), number(1)])
    default: throw GradCAMError(.unsupported, at: "attribute 'activation'", problem: "'\(name)' is not supported")
    }
  }

  /// Input, skip connection and an optional bias, added.
  fileprivate mutating func skipped(bias: Int) throws -> ValueID {
    adding(optional(bias), to: add("Add", [try input(0), try input(1)]))
  }

  /// Divides the rows from an axis on by their root mean square and scales them; returns the result and the inverse of
  /// the root mean square, or anything in its place if the node has no further outputs.
  fileprivate mutating func simplifiedNormalization(
    of x: ValueID, by scale: Int, epsilon: Float
  ) throws -> (y: ValueID, factor: ValueID) {
    let epsilon = try reader.float("epsilon", default: epsilon), axis = try reader.int("axis", default: -1)
    let y = main(
      "RMSNormalization", [x, try input(scale)], ["epsilon": .float(epsilon), "axis": .int(Int64(axis))])
    guard returns(1) || returns(2) else { return (y, y) }
    guard axis == -1 else {
      throw GradCAMError(.unsupported, problem: "the root mean square is returned over the last axis only")
    }
    let mean = add("ReduceMean", [add("Mul", [x, x]), builder.integers([-1])])
    let sum = add("Add", [mean, builder.constant(Tensor([epsilon], shape: []))])
    return (y, add("Reciprocal", [add("Sqrt", [sum])]))
  }

  /// Normalises groups of channels, which come last unless an attribute says otherwise, and applies Swish if wanted.
  fileprivate mutating func groupNormalization(of x: ValueID) throws -> ValueID {
    let isLast = try reader.flag("channels_last", default: true), activation = try reader.int("activation", default: 0)
    guard let groups = try reader.int("groups"), (0...1).contains(activation) else {
      throw GradCAMError(.badData, problem: "attribute 'groups' is missing, or 'activation' is not 0 or 1")
    }
    let epsilon = try reader.float("epsilon", default: 1e-5)
    let inputs = [isLast ? channelsFirst(x) : x, try input(1), try input(2)]
    var y = main("GroupNormalization", inputs, ["num_groups": .int(Int64(groups)), "epsilon": .float(epsilon)])
    if activation == 1 { y = add("Mul", [y, add("Sigmoid", [y])]) }
    return isLast ? channelsLast(y) : y
  }
}
