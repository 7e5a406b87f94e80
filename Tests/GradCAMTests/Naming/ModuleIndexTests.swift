import Graph
import Testing

@testable import GradCAM

@Suite struct ModuleIndexTests {
  @Test func aQuantisedModuleReturnsItsLastFloatTensor() {
    var graph = ComputeGraph(values: ["input", "sum", "quantised", "next"].map { Value(name: $0) })
    func add(_ name: String, _ type: String, _ input: ValueID, _ output: ValueID) {
      graph.nodes.append(Node(name: name, operatorName: OperatorName(type: type), inputs: [input], outputs: [output]))
    }
    add("/block/Add", "Add", 0, 1)
    add("/block/DynamicQuantizeLinear", "DynamicQuantizeLinear", 1, 2)
    add("/next/Conv", "Conv", 2, 3)
    graph.inputs = [0]
    let modules = ModuleIndex(graph) { ValueInfo($0 == 2 ? .uint8 : .float32, [1]) }.modules
    #expect(modules["block"]?.results.map(\.value) == [1])
    #expect(modules["next"]?.results.map(\.value) == [3])
  }
}
