import Graph
import Ops
import TestSupport
import Testing

@Suite struct FixedCompositesTests {
  // x: 5 and 3 above their zero point 128 at scale 0.5; weights 2 and −1 at scales 0.25 and 1.
  @Test func quantisedConvolutionsEqualThoseOfRealNumbers() throws {
    let x = Tensor([133, 131], shape: [1, 1, 2], elementType: .uint8)
    let weights = Tensor([2, -1], shape: [2, 1, 1], elementType: .int8)
    let y = try evaluate(
      "QLinearConv",
      [
        x, scalar(0.5), integer(128, .uint8), weights, floats(0.25, 1), Tensor([0, 0], shape: [2], elementType: .int8),
        scalar(0.25), integer(10, .uint8), Tensor([8, 1], shape: [2], elementType: .int32),
      ])[0]
    // 2.5·0.5 + 1 = 2.25 and 1.5·0.5 + 1 = 1.75; −2.5 + 0.5 = −2 and −1.5 + 0.5 = −1.
    #expect(y.elementType == .uint8)
    #expect(y.integers == [19, 17, 2, 6])
    let sums = try evaluate("ConvInteger", [x, weights, integer(128, .uint8)])[0]
    #expect(sums.elementType == .int32)
    #expect(sums.integers == [10, 6, -5, -3])
  }

  @Test func quantisedProductsEqualThoseOfRealNumbers() throws {
    let a = Tensor([1, 2, 3, 4], shape: [2, 2], elementType: .uint8)
    let b = Tensor([5, 6, 7, 8], shape: [2, 2], elementType: .uint8)
    let sums = try evaluate("MatMulInteger", [a, b, integer(1, .uint8), integer(5, .uint8)])[0]
    #expect(sums.integers == [2, 3, 6, 11])
    let y = try evaluate(
      "QLinearMatMul",
      [a, scalar(0.5), integer(1, .uint8), b, scalar(2), integer(5, .uint8), scalar(0.5), integer(100, .uint8)])[0]
    #expect(y.integers == [104, 106, 112, 122])
  }

  @Test func quantisedSumsProductsAndPoolsEqualThoseOfRealNumbers() throws {
    let a = Tensor([2, 4], shape: [1, 1, 2], elementType: .uint8)
    let b = Tensor([10, 20], shape: [1, 1, 2], elementType: .uint8)
    let pair: [Tensor?] = [
      a, scalar(1), integer(0, .uint8), b, scalar(0.5), integer(10, .uint8), scalar(0.5), integer(1, .uint8),
    ]
    func values(_ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:]) throws -> [Int64] {
      try evaluate(type, inputs, attributes, domain: "com.microsoft")[0].integers
    }
    #expect(try values("QLinearAdd", pair) == [5, 19])
    #expect(try values("QLinearMul", pair) == [1, 41])
    let unary: [Tensor?] = [b, scalar(1), integer(15, .uint8), scalar(0.5), integer(100, .uint8)]
    #expect(try values("QLinearLeakyRelu", unary, ["alpha": .float(0.1)]) == [99, 110])
    #expect(
      try values("QLinearSigmoid", [b, scalar(1), integer(10, .uint8), scalar(0.01), integer(0, .uint8)]) == [50, 100])
    #expect(try values("QLinearGlobalAveragePool", unary) == [100])
    #expect(try values("QLinearAveragePool", unary, ["kernel_shape": .ints([1])]) == [90, 110])
    #expect(
      try values(
        "QLinearConcat",
        [scalar(1), integer(0, .uint8), a, scalar(1), integer(0, .uint8), b, scalar(0.5), integer(0, .uint8)],
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
    #expect(bias[0] == 0)
    expectClose(bias, [0, 0.8413447], within: 1e-6)
    for inputs in [[floats(2)], [floats(1), floats(1)]] {
      expectClose(try evaluate("FastGelu", inputs, domain: "com.microsoft")[0].floats, [1.9545977])
    }
  }

  @Test func anUnknownAttributeOfAFusedOperatorIsAnError() {
    expectError(.unsupported, saying: "'surprise'") {
      _ = try evaluate("BiasGelu", [floats(0), floats(0)], ["surprise": .int(1)], domain: "com.microsoft")
    }
  }
}
