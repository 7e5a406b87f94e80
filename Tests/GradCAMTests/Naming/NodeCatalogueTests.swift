import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct NodeCatalogueTests {
  private let script, dynamo: NodeCatalogue
  private let scriptGraph, dynamoGraph: ComputeGraph

  init() throws {
    let network = try NetworkFixture.named("residual")
    let scriptModel = try network.model("torchscript"), dynamoModel = try network.model("dynamo")
    (scriptGraph, dynamoGraph) = (scriptModel.graph, dynamoModel.graph)
    script = try NodeCatalogue(scriptModel, size: network.size)
    dynamo = try NodeCatalogue(dynamoModel, size: network.size)
  }

  private func tensor(_ query: String, dynamo isDynamo: Bool = false) throws -> String {
    let graph = isDynamo ? dynamoGraph : scriptGraph
    return graph.values[try (isDynamo ? dynamo : script).match(query).value].name
  }

  @Test(arguments: [
    ("auto", "/layer2/layer2.0/relu_1/Relu_output_0"),
    ("#0", "/conv1/Conv_output_0"), ("#21", "output"),
    ("/layer1/layer1.0/Add", "/layer1/layer1.0/Add_output_0"),
    ("/layer1/layer1.0/Add_output_0", "/layer1/layer1.0/Add_output_0"), ("input", "input"),
    ("layer1.0", "/layer1/layer1.0/relu_1/Relu_output_0"), ("layer1", "/layer1/layer1.1/relu_1/Relu_output_0"),
    ("layer1.0.relu:0", "/layer1/layer1.0/relu/Relu_output_0"),
    ("layer1.0.relu:-2", "/layer1/layer1.0/relu/Relu_output_0"),
    ("layer1.0.relu", "/layer1/layer1.0/relu_1/Relu_output_0"),
    ("layer1.0.bn2", "/layer1/layer1.0/conv2/Conv_output_0"),
    ("layer2.0.downsample.1", "/layer2/layer2.0/downsample/downsample.0/Conv_output_0"),
    ("Conv:0", "/conv1/Conv_output_0"), ("Add:-1", "/layer2/layer2.0/Add_output_0"),
    ("Conv:-1", "/layer2/layer2.0/downsample/downsample.0/Conv_output_0"),
    ("1.conv2", "/layer1/layer1.1/conv2/Conv_output_0"), ("maxpool/MaxPool_output_0", "/maxpool/MaxPool_output_0"),
    ("downsample", "/layer2/layer2.0/downsample/downsample.0/Conv_output_0"),
  ])
  func torchScriptNames(query: String, expected: String) throws {
    #expect(try tensor(query) == expected)
  }

  @Test(arguments: [
    ("auto", "relu_6"), ("node_relu_2", "relu_2"), ("relu_2", "relu_2"), ("layer1.0", "relu_2"),
    ("layer1.0.relu:0", "relu_1"), ("layer1.0.relu", "relu_2"), ("layer1.0.bn1", "getitem_3"),
    ("layer1.0.conv1", "getitem_3"), ("conv1", "getitem"), ("bn1", "getitem"), ("layer2.0.downsample.0", "getitem_21"),
    ("layer2.0.downsample", "getitem_21"), ("layer2", "relu_6"), ("MaxPool:0", "max_pool2d"), ("#2", "max_pool2d"),
    ("1.conv2", "getitem_12"),
  ])
  func dynamoNames(query: String, expected: String) throws { #expect(try tensor(query, dynamo: true) == expected) }

  @Test func aFoldedModuleAndARepeatedOneAreNoted() throws {
    // TorchScript's exporter does not name the BatchNorm.
    #expect(
      try script.match("layer1.0.conv1").notes.first?.hasPrefix("'layer1.0.conv1' and the BatchNorm after it are")
        == true)
    for (catalogue, query) in [
      (script, "layer1.0.bn1"), (dynamo, "layer1.0.conv1"), (dynamo, "layer1.0.bn1"),
    ] {
      let note = try #require(catalogue.match(query).notes.first)
      #expect(note.contains("'layer1.0.conv1'") && note.contains("'layer1.0.bn1'"), "\(note)")
    }
    for catalogue in [script, dynamo] {
      #expect(try catalogue.match("layer1.0.relu").notes.first?.contains("called 2 times") == true)
      #expect(try catalogue.match("layer1.0.relu:0").notes.isEmpty)
      #expect(try catalogue.match("layer1.0").notes.isEmpty)
    }
  }

  @Test func labelsAreWhatTheUserWrote() throws {
    #expect(try script.match("layer1.0.relu:0").label == "layer1.0.relu:0")
    #expect(try script.match("#3").label == "#3")
  }

  @Test(arguments: [
    ("layer1.0.relo", ["no node, tensor or module", "layer1.0.relu"]), ("laier1", ["layer1"]),
    ("relu_1", ["means several nodes", "give more of the name"]), ("conv1/Conv_output_0", ["means several nodes"]),
    ("conv2", ["means several nodes", "layer1.0.conv2"]),
    ("#22", ["not the index", "#0 to #21"]), ("#-1", ["not the index"]), ("#x", ["not the index"]),
    ("layer1.0.relu:2", ["only 2 calls", "0 to 1"]), ("layer1.0.relu:-3", ["only 2 calls"]),
    ("Conv:99", ["only 8 nodes of operator Conv"]), ("LSTM:0", ["no node, tensor or module"]),
    ("conv1.weight", ["no node, tensor or module"]),
  ])
  func whatCannotBeFoundIsAUsageError(query: String, words: [String]) {
    for word in words { expectError(.usage, at: "node '\(query)'", saying: word) { _ = try script.match(query) } }
  }

  @Test func anEmptyNameIsAUsageError() {
    expectError(.usage, at: "node", saying: "empty") { _ = try script.match("") }
  }

  @Test func entriesTellShapesModulesAndOneAuto() {
    for catalogue in [script, dynamo] {
      #expect(catalogue.entries.count == 22)
      #expect(catalogue.entries.map(\.index) == Array(0..<22))
      #expect(catalogue.entries.filter(\.isAuto).map(\.index) == [18])
      #expect(catalogue.entries.filter(\.isMappable).map(\.index) == Array(0...18))
      #expect(catalogue.entries[18].shape == [1, 8, 3, 4])
      #expect(catalogue.entries[7].module?.hasPrefix("layer1.0.relu") == true)
      #expect(catalogue.entries[21].module == "fc")
    }
  }

  @Test func nodesAreSpreadOverTheDepth() throws {
    let model = try shippedModel("shapes-vgg.onnx")
    let catalogue = try NodeCatalogue(model, size: DecidedPreprocessing(for: model).inputSize)
    #expect(catalogue.spread(4) == ["auto", "#0", "#3", "#7", "#10"])
    #expect(catalogue.spread(0) == ["auto"])
    #expect(catalogue.spread(100) == ["auto"] + (0..<14).map { "#\($0)" })
  }
}
