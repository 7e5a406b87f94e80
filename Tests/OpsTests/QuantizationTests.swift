import Graph
import Ops
import Testing

private func quantize(_ domain: String, zero: ElementType, scale: Float, x: GradientCheck.Input) -> GradientCheck {
  GradientCheck(
    type: "QuantizeLinear", domain: domain,
    inputs: [x, .fixed(Tensor([scale], shape: [])), .fixed(Tensor([0], shape: [], elementType: zero))],
    tolerance: 5e-3)
}

/// Steps so small that the differences do not see them.
let quantizationGradientChecks: [GradientCheck] = [
  quantize("", zero: .int32, scale: 1e-6, x: .uniform([3, 4])),
  quantize("com.microsoft", zero: .int32, scale: 1e-6, x: .uniform([3, 4])),
  quantize("", zero: .uint16, scale: 1e-5, x: .away(from: [0, 0.65535], [40])),
  GradientCheck(type: "FastGelu", domain: "com.microsoft", inputs: [.uniform([3, 4], -2...2)]),
]

/// Operators whose rule cannot be compared with differences, their inputs being integers or their steps coarse; tested
/// below.
let quantizationCheckedByValue: Set<OperatorName> = [
  OperatorName(type: "DequantizeLinear"), OperatorName(domain: "com.microsoft", type: "DequantizeLinear"),
  OperatorName(type: "DynamicQuantizeLinear"),
]

/// The outputs of nodes that follow one another, each reading the first output of the one before and constants, and
/// the gradient of the first input where the last output has the gradient `seed`.
private func chain(
  _ x: Tensor, _ nodes: [(type: String, domain: String, constants: [Tensor?], attributes: [String: Attribute])],
  seed: [Float]
) throws -> (output: Tensor, gradient: [Float]) {
  var graph = ComputeGraph(values: [Value(name: "x")], opsets: ["": 20])
  graph.inputs = [0]
  var last = 0
  for (index, node) in nodes.enumerated() {
    let inputs: [ValueID?] = node.constants.enumerated().map { position, constant in
      guard let constant else { return last }
      graph.values.append(Value(name: "constant\(index)_\(position)", constant: constant))
      return graph.values.count - 1
    }
    graph.values.append(Value(name: "y\(index)"))
    last = graph.values.count - 1
    graph.nodes.append(
      Node(
        name: "node\(index)", operatorName: OperatorName(domain: node.domain, type: node.type), inputs: inputs,
        outputs: [last], attributes: node.attributes))
  }
  graph.outputs = [last]
  let plan = try Plan(
    graph, operators: .standard,
    request: PlanRequest(
      inputs: [0: ValueInfo(x.elementType, x.shape)], outputs: [last], taps: [0], target: last,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
  let executor = Executor(plan, pool: ThreadPool(threadCount: 2))
  try executor.set(0, to: x)
  try executor.forward()
  try executor.backward(seed: seed)
  return (executor.contents(of: last), executor.gradient(of: 0).floats)
}

private func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }
private func zero(_ value: Int64, _ type: ElementType) -> Tensor { Tensor([value], shape: [], elementType: type) }

@Suite struct QuantizationTests {
  @Test func roundsHalvesToEvenAndSaturates() throws {
    let x = floats(-2, -1, 1, 3, 5, 254, 1000, -1000)
    let unsigned = try evaluate("QuantizeLinear", [x, scalar(2), zero(128, .uint8)])[0]
    #expect(unsigned.elementType == .uint8)
    #expect(unsigned.integers == [127, 128, 128, 130, 130, 255, 255, 0])
    #expect(
      try evaluate("QuantizeLinear", [x, scalar(2), zero(1, .int8)])[0].integers == [0, 1, 1, 3, 3, 127, 127, -128])
    #expect(try evaluate("QuantizeLinear", [x, scalar(2)])[0].integers == [0, 0, 0, 2, 2, 127, 255, 0])
    #expect(try evaluate("QuantizeLinear", [x, scalar(0.01), zero(0, .int16)])[0].integers[6] == 32767)
  }

  @Test func scalesMayDifferAlongAnAxisAndInBlocks() throws {
    let x = counting([2, 4])
    let q = try evaluate(
      "QuantizeLinear", [x, floats(1, 2), Tensor([0, 10], shape: [2], elementType: .uint8)], ["axis": .int(0)])[0]
    #expect(q.integers == [0, 1, 2, 3, 12, 12, 13, 14])
    let back = try evaluate(
      "DequantizeLinear", [q, floats(1, 2), Tensor([0, 10], shape: [2], elementType: .uint8)], ["axis": .int(0)])[0]
    #expect(back.floats == [0, 1, 2, 3, 4, 4, 6, 8])
    let blocks = try evaluate(
      "DequantizeLinear",
      [Tensor([1, 1, 1, 1, 1, 1], shape: [2, 3], elementType: .int8), floats(1, 2, 3, 4, shape: [2, 2])],
      ["axis": .int(1), "block_size": .int(2)])[0]
    #expect(blocks.floats == [1, 1, 2, 3, 3, 4])
  }

  @Test func scalesThatDoNotFitAreAnError() {
    let error = #expect(throws: GradCAMError.self) {
      try evaluate("QuantizeLinear", [counting([2, 4]), floats(1, 2, 3)], ["axis": .int(1)])
    }
    #expect(error?.kind == .badData)
  }

  @Test func theScaleFollowsTheContents() throws {
    let y = try evaluate("DynamicQuantizeLinear", [floats(-1, 0, 4.1)], outputCount: 3)
    #expect(y[0].integers == [0, 50, 255])
    #expect(abs(y[1].floats[0] - 0.02) < 1e-7)
    #expect(y[2].integers == [50])
    #expect(try evaluate("DynamicQuantizeLinear", [floats(0, 0)], outputCount: 3)[0].integers == [0, 0])
  }

  @Test func gradientsPassStraightThroughInsideTheRange() throws {
    let scale = scalar(0.5), none = zero(0, .uint8)
    let (y, gradient) = try chain(
      floats(-1, 0.1, 3, 127.6, 200),
      [
        ("QuantizeLinear", "", [nil, scale, none], [:]), ("Identity", "", [nil], [:]),
        ("DequantizeLinear", "", [nil, scale, none], [:]),
      ], seed: [1, 2, 3, 4, 5])
    #expect(y.floats == [0, 0, 3, 127.5, 127.5])
    #expect(gradient == [0, 2, 3, 4, 0])
  }

  @Test func maximaAndCastsOfIntegersCarryGradients() throws {
    let (y, gradient) = try chain(
      floats(3, -7, 5, 1, shape: [1, 1, 4]),
      [
        ("QuantizeLinear", "", [nil, scalar(1), zero(0, .int8)], [:]),
        ("MaxPool", "", [nil], ["kernel_shape": .ints([2]), "strides": .ints([2])]),
        ("Cast", "", [nil], ["to": .int(6)]), ("Cast", "", [nil], ["to": .int(1)]),
      ], seed: [2, 3])
    #expect(y.floats == [3, 5])
    #expect(gradient == [2, 0, 3, 0])
  }

  @Test func roundingAFloatToAnIntegerByCastStopsGradients() {
    let error = #expect(throws: GradCAMError.self) {
      try chain(
        floats(1, 2), [("Cast", "", [nil], ["to": .int(7)]), ("Cast", "", [nil], ["to": .int(1)])], seed: [1, 1])
    }
    #expect(error?.kind == .usage)
  }

  @Test func dynamicScalesAreHeldFixed() throws {
    var graph = ComputeGraph(opsets: ["": 20])
    for name in ["x", "q", "scale", "zero", "y"] { graph.values.append(Value(name: name)) }
    graph.nodes = [
      Node(name: "q", operatorName: OperatorName(type: "DynamicQuantizeLinear"), inputs: [0], outputs: [1, 2, 3]),
      Node(name: "d", operatorName: OperatorName(type: "DequantizeLinear"), inputs: [1, 2, 3], outputs: [4]),
    ]
    let plan = try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, [3])], outputs: [4], taps: [0], target: 4,
        kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    let executor = Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(0, to: floats(-1, 0.5, 4))
    try executor.forward()
    try executor.backward(seed: [1, 2, 3])
    #expect(zip(executor.gradient(of: 0).floats, [1, 2, 3]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  // x: 5 and 3 above their zero point 128 at scale 0.5; weights 2 and −1 at scales 0.25 and 1.
  @Test func quantisedConvolutionsEqualThoseOfRealNumbers() throws {
    let x = Tensor([133, 131], shape: [1, 1, 2], elementType: .uint8)
    let weights = Tensor([2, -1], shape: [2, 1, 1], elementType: .int8)
    let y = try evaluate(
      "QLinearConv",
      [
        x, scalar(0.5), zero(128, .uint8), weights, floats(0.25, 1), Tensor([0, 0], shape: [2], elementType: .int8),
        scalar(0.25), zero(10, .uint8), Tensor([8, 1], shape: [2], elementType: .int32),
      ])[0]
    // 2.5·0.5 + 1 = 2.25 and 1.5·0.5 + 1 = 1.75; −2.5 + 0.5 = −2 and −1.5 + 0.5 = −1.
    #expect(y.elementType == .uint8)
    #expect(y.integers == [19, 17, 2, 6])
    let sums = try evaluate("ConvInteger", [x, weights, zero(128, .uint8)])[0]
    #expect(sums.elementType == .int32)
    #expect(sums.integers == [10, 6, -5, -3])
  }

  @Test func quantisedProductsEqualThoseOfRealNumbers() throws {
    let a = Tensor([1, 2, 3, 4], shape: [2, 2], elementType: .uint8)
    let b = Tensor([5, 6, 7, 8], shape: [2, 2], elementType: .uint8)
    let sums = try evaluate("MatMulInteger", [a, b, zero(1, .uint8), zero(5, .uint8)])[0]
    #expect(sums.integers == [2, 3, 6, 11])
    let y = try evaluate(
      "QLinearMatMul",
      [a, scalar(0.5), zero(1, .uint8), b, scalar(2), zero(5, .uint8), scalar(0.5), zero(100, .uint8)])[0]
    #expect(y.integers == [104, 106, 112, 122])
  }

  @Test func quantisedSumsProductsAndPoolsEqualThoseOfRealNumbers() throws {
    let a = Tensor([2, 4], shape: [1, 1, 2], elementType: .uint8)
    let b = Tensor([10, 20], shape: [1, 1, 2], elementType: .uint8)
    let pair: [Tensor?] = [
      a, scalar(1), zero(0, .uint8), b, scalar(0.5), zero(10, .uint8), scalar(0.5), zero(1, .uint8),
    ]
    func values(_ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:]) throws -> [Int64] {
      try evaluate(type, inputs, attributes, domain: "com.microsoft")[0].integers
    }
    #expect(try values("QLinearAdd", pair) == [5, 19])
    #expect(try values("QLinearMul", pair) == [1, 41])
    let unary: [Tensor?] = [b, scalar(1), zero(15, .uint8), scalar(0.5), zero(100, .uint8)]
    #expect(try values("QLinearLeakyRelu", unary, ["alpha": .float(0.1)]) == [99, 110])
    #expect(
      try values("QLinearSigmoid", [b, scalar(1), zero(10, .uint8), scalar(0.01), zero(0, .uint8)]) == [50, 100])
    #expect(try values("QLinearGlobalAveragePool", unary) == [100])
    #expect(try values("QLinearAveragePool", unary, ["kernel_shape": .ints([1])]) == [90, 110])
    #expect(
      try values(
        "QLinearConcat",
        [scalar(1), zero(0, .uint8), a, scalar(1), zero(0, .uint8), b, scalar(0.5), zero(0, .uint8)],
        ["axis": .int(2)]) == [2, 4, 5, 10])
  }

  @Test func theFloatNodeBearsTheNameOfWhatItStandsFor() throws {
    var graph = ComputeGraph(opsets: ["": 20])
    for index in 0..<7 { graph.values.append(Value(name: "v\(index)")) }
    graph.nodes = [
      Node(
        name: "convolution", operatorName: OperatorName(type: "ConvInteger"), inputs: [0, 1], outputs: [2],
        metadata: ["module": "features.0"]),
      Node(name: "cast", operatorName: OperatorName(type: "Cast"), inputs: [2], outputs: [3]),
    ]
    let expanded = OperatorSet.standard.resolving(graph)
    let types = expanded.nodes.map(\.operatorName.type)
    #expect(types == ["DequantizeLinear", "DequantizeLinear", "Conv", "QuantizeLinear", "Cast"])
    #expect(expanded.nodes.filter { $0.name == "convolution" }.map(\.operatorName.type) == ["Conv"])
    #expect(expanded.nodes[2].metadata == ["module": "features.0"])
    #expect(expanded.nodes[3].outputs == [2])
    #expect(Set(expanded.values.map(\.name)).count == expanded.values.count)
    #expect(Set(expanded.nodes.map(\.name)).count == expanded.nodes.count)
  }

  @Test func fusedOperatorsAreTakenApart() throws {
    let gemm = try evaluate(
      "FusedGemm", [floats(1, -1, shape: [1, 2]), floats(1, 2, 3, 1, shape: [2, 2]), floats(1, 1)],
      ["activation": .string("LeakyRelu"), "activation_alpha": .float(0.5)], domain: "com.microsoft")[0]
    #expect(gemm.floats == [-0.5, 2])
    let bias = try evaluate("BiasGelu", [floats(0, 1), floats(0, 0)], domain: "com.microsoft")[0].floats
    #expect(bias[0] == 0 && abs(bias[1] - 0.8413447) < 1e-6)
    for inputs in [[floats(2)], [floats(1), floats(1)]] {
      let fast = try evaluate("FastGelu", inputs, domain: "com.microsoft")[0].floats
      #expect(abs(fast[0] - 1.9545977) < 1e-5)
    }
  }

  @Test func anUnknownAttributeOfAFusedOperatorIsAnError() {
    let error = #expect(throws: GradCAMError.self) {
      try evaluate("BiasGelu", [floats(0), floats(0)], ["surprise": .int(1)], domain: "com.microsoft")
    }
    #expect(error?.kind == .unsupported)
  }
}
