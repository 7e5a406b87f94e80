import Graph
import TestSupport
import Testing

@testable import ONNXLoader

@Suite struct StructureTests {
  @Test func initialisersListedAsInputs() throws {
    let graph = try load("listed.onnx")
    #expect(graph.names(graph.inputs) == ["x"])
    #expect(graph.names(graph.outputs) == ["y"])
    #expect(graph.opsets == ["": 8])
    #expect(graph.producer == "make 1")
    #expect(try graph.value("w").dimensions == [.fixed(2), .fixed(3)])
    #expect(graph.nodes[0].name == "")
    #expect(graph.describe(node: 0) == "node 'y' (Add, #0)")
  }

  @Test func declaredShapes() throws {
    let graph = try load("dynamic.onnx")
    #expect(try graph.value("x").dimensions == [.symbolic("batch"), .fixed(3), .symbolic(""), .symbolic("")])
    #expect(try graph.value("x").elementType == .float32)
    #expect(try graph.value("y").dimensions?.first == .symbolic("batch"))
  }

  @Test func nodesComeInAnOrderThatRuns() throws {
    #expect(try load("unsorted.onnx").nodes.map(\.name) == ["first", "second", "third", "fourth"])
  }

  @Test(arguments: [
    ([[], [0], [1]], TopologicalOrder.sorted([0, 1, 2])),
    ([[2], [], []], .sorted([2, 0, 1])),
    ([[], [2], [3], [1]], .cycle([1, 2, 3])),
    ([[0]], .cycle([0])),
  ])
  func topologicalOrder(dependencies: [[Int]], expected: TopologicalOrder) {
    #expect(TopologicalOrder(count: dependencies.count, dependencies: dependencies) == expected)
  }

  @Test func longChainsDoNotOverflowTheStack() {
    let count = 200_000
    let dependencies = (0..<count).map { $0 + 1 < count ? [$0 + 1] : [] }
    #expect(TopologicalOrder(count: count, dependencies: dependencies) == .sorted((0..<count).reversed()))
  }

  @Test func optionalInputsAndOutputs() throws {
    let graph = try load("optional.onnx")
    #expect(graph.names(graph.nodes[0].inputs) == ["x", nil, "w"])
    #expect(graph.names(graph.nodes[0].outputs) == ["y", nil, "z"])
  }

  @Test func versions() throws {
    #expect(try load("first_version.onnx").opsets == ["": 1])
    #expect(try load("newest_version.onnx").opsets == ["": 17])
  }

  @Test(arguments: ["attributes.onnx", "attributes_untyped.onnx"])
  func attributes(fixture: String) throws {
    let graph = try load(fixture)
    #expect(graph.opsets == ["": 17, "test": 2])
    let node = try graph.node("everything")
    #expect(node.operatorName == OperatorName(domain: "test", type: "Everything"))
    #expect(node.attributes.count == 10)
    func expect(_ name: String, _ matches: (Attribute) -> Bool) {
      #expect(node.attributes[name].map(matches) == true, "\(name)")
    }
    expect("int") { if case .int(-7) = $0 { true } else { false } }
    expect("float") { if case .float(0.5) = $0 { true } else { false } }
    expect("string") { if case .string("text") = $0 { true } else { false } }
    expect("tensor") { if case .tensor(let tensor) = $0 { tensor.floats == [0, 1, 2, 3, 4, 5] } else { false } }
    expect("graph") { if case .graph(let graph) = $0 { graph.nodes.count == 1 } else { false } }
    expect("ints") { if case .ints([1, -2, 3]) = $0 { true } else { false } }
    expect("floats") { if case .floats([0.5, 1.5]) = $0 { true } else { false } }
    expect("strings") { if case .strings(["a", "bc"]) = $0 { true } else { false } }
    expect("tensors") { if case .tensors(let tensors) = $0 { tensors.map(\.shape) == [[2], [1]] } else { false } }
    expect("graphs") { if case .graphs(let graphs) = $0 { graphs.count == 2 } else { false } }
  }

  @Test(arguments: [
    ("complex_used.onnx", "tensor 'w': has elements of type COMPLEX64"), ("complex_unused.onnx", "COMPLEX64"),
    ("sparse.onnx", "tensor 'w': is sparse"),
  ])
  func unsupportedInitialisersAreLeftToWhoNeedsThem(fixture: String, problem: String) throws {
    let graph = try load(fixture)
    let value = try graph.value("w")
    #expect(value.constant == nil && value.problem?.kind == .unsupported)
    #expect(value.problem?.description.contains(problem) == true)
    // Nothing stands in for them.
    #expect(graph.nodes.count == 1 && graph.inputs.map { graph.values[$0].name } == ["x"])
  }

  @Test func unsupportedAttributesAreLeftToWhoNeedsThem() throws {
    let graph = try load("attribute_type.onnx")
    let id = try #require(graph.values.firstIndex { $0.name == "y" })
    var reader = AttributeReader(graph.nodes[try #require(graph.producers[id])], opsets: ["": 17])
    expectError(.unsupported, saying: "is of type TYPE_PROTO") { _ = try reader.tensor("type") }
  }

  @Test func subgraphs() throws {
    let graph = try load("subgraph.onnx")
    // The branch that `if` holds reads what the other two compute.
    #expect(graph.nodes.map(\.name) == ["early", "late", "if"])
    guard case .graph(let then) = graph.nodes[2].attributes["then_branch"],
      case .graph(let other) = graph.nodes[2].attributes["else_branch"],
      case .graph(let innermost) = then.nodes[0].attributes["then_branch"]
    else {
      Issue.record("branches are missing")
      return
    }
    #expect(innermost.names(innermost.nodes[0].inputs) == ["early", "late"])
    #expect(innermost.inputs.isEmpty)
    #expect(innermost.producers.count == 1)
    // A graph between passes on what a graph inside it reads.
    #expect(Set(then.values.map(\.name)) == ["condition", "early", "late", "t"])
    #expect(try other.value("w").constant?.shape == [2, 3])
    #expect(other.opsets == graph.opsets)
  }

  @Test func functionsAreInlined() throws {
    let graph = try load("functions.onnx")
    #expect(graph.nodes.map(\.operatorName.type) == ["LeakyRelu", "Softmax", "If", "LeakyRelu", "Softmax", "If"])
    #expect(graph.nodes.map(\.name) == ["s/m/leaky", "", "s/choose", "y/m/leaky", "", "y/choose"])
    #expect(graph.nodes.map { graph.names($0.outputs)[0] } == ["s/m/t", "s/m", "s", "y/m/t", "y/m", "y"])
    #expect(graph.names(graph.nodes[3].inputs) == ["s"])
    #expect(graph.expanded.map(\.name) == ["first", "s/call", "second", "y/call"])
    #expect(graph.names(graph.expanded.map(\.result)) == ["s", "s/m", "y", "y/m"])
    // The first call gives the attribute, through two functions; the second leaves the inner function its default.
    for (node, slope) in [(graph.nodes[0], Float(0.5)), (graph.nodes[3], 0.25)] {
      guard case .float(slope) = node.attributes["alpha"] else {
        Issue.record("\(node.attributes)")
        continue
      }
    }
    #expect(graph.nodes[1].attributes.isEmpty)
    guard case .graph(let branch) = graph.nodes[5].attributes["then_branch"] else {
      Issue.record("the branch is missing")
      return
    }
    #expect(branch.names(branch.nodes[0].inputs) == ["y/m", "w"])
  }

  @Test func metadata() throws {
    let graph = try load("metadata.onnx")
    #expect(graph.metadata == ["gradcam.mean": "0.1,0.2,0.3", "author": "somebody"])
    #expect(graph.nodes[0].metadata == ["pkg.torch.onnx.name_scopes": "['', 'features', 'features.0']"])
  }
}
