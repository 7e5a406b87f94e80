import Graph
import Ops
import TestSupport
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
  let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
  try executor.set(0, to: x)
  try executor.forward()
  try executor.backward(seed: seed)
  return (executor.contents(of: last), executor.gradient(of: 0).floats)
}

@Suite struct QuantizationTests {
  @Test func roundsHalvesToEvenAndSaturates() throws {
    let x = floats(-2, -1, 1, 3, 5, 254, 1000, -1000)
    let unsigned = try evaluate("QuantizeLinear", [x, scalar(2), integer(128, .uint8)])[0]
    #expect(unsigned.elementType == .uint8)
    #expect(unsigned.integers == [127, 128, 128, 130, 130, 255, 255, 0])
    #expect(
      try evaluate("QuantizeLinear", [x, scalar(2), integer(1, .int8)])[0].integers == [0, 1, 1, 3, 3, 127, 127, -128])
    #expect(try evaluate("QuantizeLinear", [x, scalar(2)])[0].integers == [0, 0, 0, 2, 2, 127, 255, 0])
    #expect(try evaluate("QuantizeLinear", [x, scalar(0.01), integer(0, .int16)])[0].integers[6] == 32767)
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
    expectError(.badData, saying: "shape 3", "2×4") {
      _ = try evaluate("QuantizeLinear", [counting([2, 4]), floats(1, 2, 3)], ["axis": .int(1)])
    }
  }

  @Test func theScaleFollowsTheContents() throws {
    let y = try evaluate("DynamicQuantizeLinear", [floats(-1, 0, 4.1)], outputCount: 3)
    #expect(y[0].integers == [0, 50, 255])
    expectClose(y[1].floats, [0.02], within: 1e-7)
    #expect(y[2].integers == [50])
    #expect(try evaluate("DynamicQuantizeLinear", [floats(0, 0)], outputCount: 3)[0].integers == [0, 0])
  }

  @Test func gradientsPassStraightThroughInsideTheRange() throws {
    let scale = scalar(0.5), none = integer(0, .uint8)
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
        ("QuantizeLinear", "", [nil, scalar(1), integer(0, .int8)], [:]),
        ("MaxPool", "", [nil], ["kernel_shape": .ints([2]), "strides": .ints([2])]),
        ("Cast", "", [nil], ["to": .int(6)]), ("Cast", "", [nil], ["to": .int(1)]),
      ], seed: [2, 3])
    #expect(y.floats == [3, 5])
    #expect(gradient == [2, 0, 3, 0])
  }

  @Test func roundingAFloatToAnIntegerByCastStopsGradients() {
    expectError(.usage, at: "'x'", saying: "'y1'") {
      _ = try chain(
        floats(1, 2), [("Cast", "", [nil], ["to": .int(7)]), ("Cast", "", [nil], ["to": .int(1)])], seed: [1, 1])
    }
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
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(0, to: floats(-1, 0.5, 4))
    try executor.forward()
    try executor.backward(seed: [1, 2, 3])
    expectClose(executor.gradient(of: 0).floats, [1, 2, 3])
  }

  @Test func blocksOfFourBits() throws {
    // Two blocks of rows, the second cut short; scale and zero point of each column.
    let x = Tensor([-8, 7, 1, 2, 3, -4], shape: [3, 2], elementType: .int4)
    let scales = floats(1, 2, 0.5, 4, shape: [2, 2])
    let zeros = Tensor([0, 1, -1, 2], shape: [2, 2], elementType: .int4)
    let attributes: [String: Attribute] = ["axis": .int(0), "block_size": .int(2)]
    let y = try evaluate("DequantizeLinear", [x, scales, zeros], attributes, opset: 21)[0]
    #expect(y.floats == [-8, 12, 1, 2, 2, -24])
    let q = try evaluate("QuantizeLinear", [y, scales, zeros], attributes, opset: 21)[0]
    #expect(q.elementType == .int4 && q.integers == x.integers)
    #expect(
      try evaluate("QuantizeLinear", [floats(-9, 3, 20, .nan), scalar(1)], ["output_dtype": .int(25)], opset: 25)[0]
        .integers[..<3] == [0, 3, 3])
  }

  @Test func narrowFloatsAreScaled() throws {
    let x = floats(1, 100, -3000, 0.26), scale = scalar(2)
    let zero = Tensor([0], shape: [], floatingType: .float8e4m3fn)
    let q = try evaluate("QuantizeLinear", [x, scale, zero], opset: 19)[0]
    #expect(q.elementType == .float8e4m3fn && q.floats == [0.5, 48, -448, 0.125])
    #expect(try evaluate("DequantizeLinear", [q, scale], opset: 19)[0].floats == [1, 96, -896, 0.25])
  }

  /// The gradient passes straight through the rounding, and not outside the range.
  @Test func gradientsPassNarrowFloats() throws {
    let zero = Tensor([0], shape: [], floatingType: .float8e4m3fn)
    let result = try chain(
      floats(1, 100, -3000, 0.26),
      [
        ("QuantizeLinear", "", [nil, scalar(2), zero], [:]), ("DequantizeLinear", "", [nil, scalar(4)], [:]),
      ], seed: [1, 2, 3, 4])
    #expect(result.output.floats == [2, 192, -1792, 0.5] && result.gradient == [2, 4, 0, 8])
    let cast = try chain(
      floats(1, 1.06), [("Cast", "", [nil], ["to": .int(17)]), ("Cast", "", [nil], ["to": .int(1)])], seed: [1, 2])
    #expect(cast.output.floats == [1, 1] && cast.gradient == [1, 2])
  }
}
