import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Names in files of other makers than PyTorch's exporters: optimised ones, TensorFlow's, and those with functions.
@Suite struct FileNamesTests {
  /// A chain of nodes from an image to pooled scores; a convolution's weights are 3 × 3 × 1 × 1.
  private func catalogue(
    _ nodes: [(name: String, type: String, output: String)], producer: String = "", weights: String = "onnx::Conv_1",
    attributes: [String: Attribute] = [:]
  ) throws -> NodeCatalogue {
    let extents: [DeclaredDimension] = [1, 3, 4, 4].map { .fixed($0) }
    var graph = ComputeGraph(opsets: ["": 17, "com.microsoft": 1], producer: producer)
    graph.values = [
      Value(name: "image", elementType: .float32, dimensions: extents),
      Value(name: "onnx::Conv_2", constant: Tensor([1, 2, 3], shape: [3])),
    ]
    var last = 0
    for node in nodes + [("pool", "GlobalAveragePool", "pooled"), ("flatten", "Flatten", "logits")] {
      let isConvolution = node.type.hasSuffix("Conv"), number = graph.values.count
      if isConvolution {
        let name = number == 2 ? weights : "\(weights)_\(number)"
        graph.values.append(Value(name: name, constant: Tensor((0..<9).map(Float.init), shape: [3, 3, 1, 1])))
      }
      graph.values.append(Value(name: node.output))
      graph.nodes.append(
        Node(
          name: node.name,
          operatorName: OperatorName(domain: node.type == "FusedConv" ? "com.microsoft" : "", type: node.type),
          inputs: isConvolution ? [last, number, 1] : [last], outputs: [graph.values.count - 1],
          attributes: node.type == "FusedConv" ? attributes : [:]))
      last = graph.values.count - 1
    }
    (graph.inputs, graph.outputs) = ([0], [last])
    return try NodeCatalogue(
      Model(graph, path: "made.onnx", registry: .standard), size: PixelSize(width: 4, height: 4))
  }

  private func operatorType(_ match: NodeCatalogue.Match, in catalogue: NodeCatalogue) throws -> String {
    let node = try #require(catalogue.graph.producers[match.value])
    return catalogue.graph.nodes[node].operatorName.type
  }

  /// ONNX Runtime's optimiser merges Conv and Relu, names the node after the first and the tensor after the last.
  @Test func bothPartsOfAFusedConvolutionAreFound() throws {
    let catalogue = try catalogue(
      [
        ("/features/features.0/Conv", "FusedConv", "/features/features.1/Relu_output_0"),
        ("/features/features.2/Conv", "FusedConv", "/features/features.3/Relu_output_0"),
      ], weights: "features.0.weight", attributes: ["activation": .string("Relu")])
    for (query, type) in [
      ("Conv:-1", "Conv"), ("Relu:0", "Relu"), ("FusedConv:-1", "Relu"), ("features.2", "Conv"), ("features.3", "Relu"),
      ("features", "Relu"), ("/features/features.2/Conv", "Relu"), ("/features/features.3/Relu_output_0", "Relu"),
    ] {
      let match = try catalogue.match(query)
      #expect(try operatorType(match, in: catalogue) == type, "\(query)")
      #expect(match.notes.isEmpty, "\(query): \(match.notes)")
    }
    #expect(try catalogue.match("FusedConv:0").value == catalogue.match("features.1").value)
    #expect(catalogue.entries.map(\.module) == ["features.0", "features.1", "features.2", "features.3", nil, nil])
  }

  /// A file of which another program folded the BatchNorms keeps the names of both ends.
  @Test func modulesThatBecameOneNodeAreNoted() throws {
    let catalogue = try catalogue([("/stem/conv/Conv", "Conv", "/stem/norm/BatchNormalization_output_0")])
    let convolution = try catalogue.match("stem.conv"), norm = try catalogue.match("stem.norm")
    #expect(convolution.value == norm.value)
    #expect(
      convolution.notes == [
        "'stem.conv' and 'stem.norm' are one tensor in this file: their operations were merged into one node"
      ])
    #expect(norm.notes.isEmpty)
    #expect(try catalogue.match("stem").notes.isEmpty)
  }

  @Test func aLayerOfKerasIsFoundAndIsNoOtherNode() throws {
    let layers = try catalogue(
      [
        ("call/net_1.00/Conv1/Conv2D", "Conv", "call/net_1.00/bn_Conv1/FusedBatchNormV3:0"),
        ("call/net_1.00/Conv1_relu/Relu6", "Relu", "call/net_1.00/Conv1_relu/Relu6:0"),
        ("call/net_1.00/block/Conv_1/Conv2D", "Conv", "call/net_1.00/block/Conv_1/Conv2D:0"),
      ], producer: "tf2onnx 1.16")
    for (query, tensor, notes) in [
      ("Conv_1", "call/net_1.00/block/Conv_1/Conv2D:0", ["'call/net_1.00/block/Conv_1' is meant"]),
      ("Conv1_relu", "call/net_1.00/Conv1_relu/Relu6:0", ["is meant"]),
      ("call/net_1.00/Conv1", "call/net_1.00/bn_Conv1/FusedBatchNormV3:0", ["one tensor"]),
      ("call/net_1.00/bn_Conv1", "call/net_1.00/bn_Conv1/FusedBatchNormV3:0", []),
    ] {
      let match = try layers.match(query)
      #expect(match.tensor == tensor)
      #expect(
        match.notes.count == notes.count && zip(match.notes, notes).allSatisfy { $0.contains($1) }, "\(match.notes)")
    }
    // The second convolution of a file without layers' names is not the layer of that name.
    let counted = try catalogue([("/Conv", "Conv", "a"), ("/Conv_1", "Conv", "b"), ("/Relu", "Relu", "c")])
    expectError(.usage, at: "node 'Conv_1'", saying: "no node, tensor or module", "/Conv_1") {
      _ = try counted.match("Conv_1")
    }
    #expect(try counted.match("/Conv_1").tensor == "b")
  }

  @Test func namesOfNothingButMarksAreNames() throws {
    let catalogue = try catalogue([("/", "Relu", "/_output_0"), ("//", "Relu", "."), ("/./Relu", "Relu", "..weight")])
    for (query, tensor) in [("/", "/_output_0"), ("//", "."), ("..weight", "..weight")] {
      #expect(try catalogue.match(query).tensor == tensor)
    }
    for query in ["x.-9223372036854775808", "x.9223372036854775807", ".", "..", "x.", ":0", "x:9223372036854775807"] {
      _ = try? catalogue.match(query)
    }
  }

  @Test func anInexactMatchIsSaid() throws {
    let catalogue = try catalogue([("/stem/act/Relu", "Relu", "/stem/act/Relu_output_0")])
    #expect(
      try catalogue.match("act").notes == ["no name is exactly 'act'; 'stem.act' is meant, the only one that ends so"])
  }

  /// A module of the same name as another's second call is told apart by what it computes.
  @Test func aModuleNamedLikeACallIsNotTheCall() throws {
    let catalogue = try catalogue([
      ("/relu/Relu", "Relu", "a"), ("/relu_1/Tanh", "Tanh", "b"), ("/neg/Neg", "Neg", "c"),
      ("/relu_1/Relu", "Relu", "d"), ("/Exp", "Exp", "e"), ("/relu_2/Relu", "Relu", "f"),
    ])
    for (query, tensor) in [("relu", "f"), ("relu:0", "a"), ("relu:1", "d"), ("relu_1", "b"), ("relu_2", "f")] {
      #expect(try catalogue.match(query).tensor == tensor, "\(query)")
    }
    #expect(
      try catalogue.match("relu").notes == [
        "module 'relu' is called 3 times, in this file 'relu', 'relu_1', 'relu_2'; its last call is used ('relu:0' is the first)"
      ])
  }

  @Test func aFunctionsCallIsItsResult() throws {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [
      Value(name: "image", elementType: .float32, dimensions: [1, 3, 4, 4].map { .fixed($0) }), Value(name: "f1/c"),
      Value(name: "f1"), Value(name: "pooled"), Value(name: "logits"),
    ]
    for (type, input, output) in [("Tanh", 0, 1), ("Relu", 1, 2), ("GlobalAveragePool", 2, 3), ("Flatten", 3, 4)] {
      graph.nodes.append(
        Node(name: "", operatorName: OperatorName(type: type), inputs: [input], outputs: [output]))
    }
    (graph.inputs, graph.outputs) = ([0], [4])
    graph.expanded = [ExpandedNode(name: "block1", operatorName: OperatorName(domain: "my", type: "Block"), result: 2)]
    let model = try Model(graph, path: "made.onnx", registry: .standard)
    let catalogue = try NodeCatalogue(model, size: PixelSize(width: 4, height: 4))
    for query in ["block1", "Block:0", "Relu:0", "f1"] { #expect(try catalogue.match(query).value == 2, "\(query)") }
    #expect(catalogue.entries.map(\.name) == ["", "block1", "", ""])
  }
}
