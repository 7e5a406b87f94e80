import Foundation
import Graph
import Ops
import TestSupport
import Testing

private func row(
  _ type: String, _ inputs: [GradientCheck.Input], _ attributes: [String: Attribute] = [:], outputs: Int = 1,
  wanted: [Int]? = nil, domain: String = "com.microsoft", opset: Int = 17
) -> GradientCheck {
  GradientCheck(
    type: type, domain: domain, attributes: attributes, inputs: inputs, outputCount: outputs, opset: opset,
    wanted: wanted, tolerance: 5e-3)
}

private let heads: [String: Attribute] = ["num_heads": .int(2)]
private let filters: [GradientCheck.Input] = [.uniform([1, 3, 5, 5]), .uniform([4, 3, 2, 2]), .uniform([4])]
private let image: GradientCheck.Input = .uniform([2, 3, 2, 4], -2...2)

let runtimeFusionGradientChecks: [GradientCheck] = [
  row("FusedConv", filters, ["activation": .string("Sigmoid")]),
  row("FusedConv", filters + [.uniform([1, 4, 4, 4])], ["activation": .string("Tanh")]),
  row(
    "FusedConv", [.uniform([1, 3, 5, 5], 0.2...1), .uniform([4, 3, 2, 2], 0.2...1)], ["activation": .string("Relu")]),
  row(
    "FusedConv", filters, ["activation": .string("HardSigmoid"), "activation_params": .floats([0.05, 0.5])]),
  row(
    "FusedGemm", [.uniform([3, 4]), .uniform([5, 4]), .uniform([5])],
    ["activation": .string("Tanh"), "transB": .int(1)]),
  row("GemmFastGelu", [.uniform([3, 4]), .uniform([4, 5]), .uniform([5])]),
  row("NhwcConv", [.uniform([1, 5, 5, 3]), .uniform([4, 2, 2, 3]), .uniform([4])]),
  row("NhwcFusedConv", [.uniform([1, 5, 5, 3]), .uniform([4, 3, 2, 2]), .uniform([4]), .uniform([1, 4, 4, 4])]),
  row("NhwcMaxPool", [.uniform([1, 4, 4, 2], spread: true)], ["kernel_shape": .ints([2, 2])]),
  row("BiasGelu", [.uniform([2, 3, 4]), .uniform([4])]),
  row("BiasSplitGelu", [.uniform([2, 3, 8]), .uniform([8])]),
  row("BiasAdd", [.uniform([2, 3, 4]), .uniform([4]), .uniform([2, 3, 4])]),
  row(
    "SkipLayerNormalization",
    [.uniform([2, 3, 8]), .uniform([1, 3, 8]), .uniform([8]), .uniform([8]), .uniform([8])], ["epsilon": .float(0.1)]),
  row(
    "SkipLayerNormalization",
    [.uniform([2, 3, 8]), .uniform([1, 3, 8]), .uniform([8]), .uniform([8]), .uniform([8])], ["epsilon": .float(0.1)],
    outputs: 4, wanted: [0, 1, 4]),
  row("SkipSimplifiedLayerNormalization", [.uniform([2, 3, 8]), .uniform([2, 3, 8]), .uniform([8]), .uniform([8])]),
  row("SimplifiedLayerNormalization", [.uniform([2, 3, 8]), .uniform([8])]),
  row("SimplifiedLayerNormalization", [.uniform([2, 3, 8]), .uniform([8])], domain: ""),
  row("SimplifiedLayerNormalization", [.uniform([2, 3, 8]), .uniform([8])], outputs: 2, wanted: [0], domain: ""),
  row(
    "LayerNormalization", [.uniform([2, 3, 8]), .uniform([8]), .uniform([8])], domain: "", opset: 13),
  row("GroupNorm", [image, .uniform([4]), .uniform([4])], ["groups": .int(2), "activation": .int(1)]),
  row("SkipGroupNorm", [image, .uniform([4]), .uniform([4]), .uniform([2, 4]), .uniform([4])], ["groups": .int(2)]),
  row(
    "SkipGroupNorm", [image, .uniform([4]), .uniform([4]), image, .uniform([4])], ["groups": .int(2)], outputs: 2,
    wanted: [0, 3, 4]),
  row("FusedMatMul", [.uniform([3, 2, 2, 4]), .uniform([2, 2, 4, 5])], ["transBatchA": .int(1)]),
  row("TransposeMatMul", [.uniform([2, 3, 4]), .uniform([4, 5])]),
  row(
    "MatMulNBits",
    [
      .uniform([2, 16]), .fixed(Tensor((0..<24).map { Int64($0 * 9 % 256) }, shape: [3, 1, 8], elementType: .uint8)),
      .fixed(floats(0.5, 0.25, 1)),
    ],
    ["K": .int(16), "N": .int(3), "block_size": .int(16)]),
  row(
    "MultiHeadAttention",
    [.uniform([1, 3, 8]), .uniform([1, 4, 8]), .uniform([1, 4, 6]), .uniform([22]), .none, .uniform([1, 2, 3, 4])],
    heads),
  row("MultiHeadAttention", [.uniform([1, 3, 2, 3, 4])], heads),
  row("MultiHeadAttention", [.uniform([1, 3, 8]), .uniform([1, 4, 2, 2, 4])], heads),
  row(
    "Attention", [.uniform([1, 3, 6]), .uniform([6, 24]), .uniform([24]), .none, .uniform([2, 1, 2, 2, 4])],
    heads, outputs: 2, wanted: [0, 1, 2]),
  row("RotaryEmbedding", [.uniform([1, 3, 8]), .fixed(integers(1)), .uniform([6, 2]), .uniform([6, 2])]),
  row(
    "EmbedLayerNormalization",
    [
      .fixed(integers(1, 0, shape: [1, 2])), .none, .uniform([3, 6]), .uniform([4, 6]), .none, .uniform([6]),
      .uniform([6]),
    ],
    ["epsilon": .float(0.1)]),
  row(
    "DynamicQuantizeLSTM",
    [
      .uniform([3, 1, 2]), .fixed(Tensor((0..<16).map { Int64($0 * 7 - 50) }, shape: [1, 2, 8], elementType: .int8)),
      .fixed(Tensor((0..<16).map { Int64(60 - $0 * 7) }, shape: [1, 2, 8], elementType: .int8)), .uniform([1, 16]),
      .none, .none, .none,
      .none, .fixed(floats(0.01)), .fixed(Tensor([3], shape: [1], elementType: .int8)), .fixed(floats(0.01)),
    ], ["hidden_size": .int(2)], outputs: 3, wanted: [0]),
]

/// A node with what ONNX Runtime computes, as Fixtures/runtime/make.py wrote it.
struct RuntimeRow: Decodable, Sendable, CustomStringConvertible {
  struct Array: Decodable, Sendable {
    let type: String
    let shape: [Int]
    let values: [Float]

    var tensor: Tensor {
      switch type {
      case "float": Tensor(values, shape: Shape(shape))
      case "bool": Tensor(values.map { $0 != 0 }, shape: Shape(shape))
      default: Tensor(values.map { Int64($0) }, shape: Shape(shape), elementType: ElementType(rawValue: type)!)
      }
    }
  }

  enum AttributeValue: Decodable, Sendable {
    case int(Int64), float(Float), string(String), ints([Int64]), floats([Float])

    var attribute: Attribute {
      switch self {
      case .int(let number): .int(number)
      case .float(let number): .float(number)
      case .string(let text): .string(text)
      case .ints(let numbers): .ints(numbers)
      case .floats(let numbers): .floats(numbers)
      }
    }
  }

  let name, type, domain: String
  let attributes: [String: AttributeValue]
  let inputs, outputs: [Array?]

  var description: String { "\(type), \(name)" }

  static let all: [RuntimeRow] = {
    do {
      let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/runtime/runtime.json")
      return try JSONDecoder().decode([RuntimeRow].self, from: Data(contentsOf: file))
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }()
}

@Suite struct RuntimeFusionTests {
  @Test(arguments: RuntimeRow.all) func computesWhatONNXRuntimeComputes(_ row: RuntimeRow) throws {
    let found = try evaluate(
      row.type, row.inputs.map { $0?.tensor }, row.attributes.mapValues(\.attribute), domain: row.domain, opset: 17,
      outputCount: row.outputs.count, skipped: Set(row.outputs.indices.filter { row.outputs[$0] == nil }))
    // Integers may differ by one step, and ONNX Runtime rounds a recurrence's steps to eight bits.
    let isRounded = row.type == "DynamicQuantizeLSTM"
    for (found, expected) in zip(found, row.outputs.compactMap { $0 }) {
      #expect(found.shape == Shape(expected.shape))
      if expected.type == "float" {
        // Sums in another order differ by a share of the largest numbers.
        let size = Double(max(1, expected.values.map(abs).max() ?? 0))
        expectClose(found.floats, expected.values, within: isRounded ? 5e-3 : 1e-6 * size + 1e-5)
      } else {
        for (a, b) in zip(found.integers, expected.values) { #expect(abs(Float(a) - b) <= 1) }
      }
    }
  }

  @Test func filesForOneProcessorAreCalledThat() {
    expectError(.unsupported, saying: "com.microsoft.nchwc.Conv", "one processor", "made from") {
      _ = try evaluate("Conv", [floats(1)], domain: "com.microsoft.nchwc")
    }
  }

  @Test func whatIsNotKnownIsRefused() {
    let filter: [Tensor?] = [counting([1, 1, 2, 2]), counting([1, 1, 1, 1])]
    expectError(.unsupported, saying: "'activation'", "'Snake'") {
      _ = try evaluate("FusedConv", filter, ["activation": .string("Snake")], domain: "com.microsoft")
    }
    expectError(.unsupported, saying: "3 bits") {
      _ = try evaluate(
        "MatMulNBits", [floats(1, 2, shape: [1, 2]), Tensor([1], shape: [1, 1, 1], elementType: .uint8), floats(1)],
        ["K": .int(2), "N": .int(1), "bits": .int(3), "block_size": .int(2)], domain: "com.microsoft")
    }
    expectError(.badData, saying: "mask 7") {
      let x = counting([1, 3, 4])
      _ = try evaluate(
        "MultiHeadAttention", [x, x, x, nil, integers(1, 1, 1, 1, 1, 1, 1)], ["num_heads": .int(2)],
        domain: "com.microsoft")
    }
  }

  @Test func aFusedConvolutionIsAConvolutionAndAnActivation() throws {
    var graph = ComputeGraph(values: (0..<3).map { Value(name: "v\($0)") }, opsets: ["": 17])
    graph.nodes = [
      Node(
        name: "features.0", operatorName: OperatorName(domain: "com.microsoft", type: "FusedConv"), inputs: [0, 1],
        outputs: [2], attributes: ["activation": .string("Relu")])
    ]
    let expanded = OperatorSet.standard.resolving(graph)
    #expect(expanded.nodes.map(\.operatorName.type) == ["Conv", "Relu"])
    #expect(expanded.nodes[0].name == "features.0")
    #expect(expanded.nodes[1].outputs == [2])
  }
}
