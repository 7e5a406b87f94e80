import Graph
import Testing

@testable import GradCAM

@Suite struct NetworkOutlineTests {
  private func outline(_ name: String, _ exporter: String) throws -> (NetworkOutline, NodeCatalogue) {
    let network = try NetworkFixture.named(name), model = try network.model(exporter)
    let catalogue = try NodeCatalogue(model, size: network.size)
    return (NetworkOutline(model, catalogue), catalogue)
  }

  @Test(
    arguments: try NetworkFixture.all.flatMap { network in network.models.keys.sorted().map { (network.name, $0) } })
  func everyMapHasANodeOrPassesOnAnothersNumbers(_ name: String, _ exporter: String) throws {
    let (outline, catalogue) = try outline(name, exporter)
    let shown = Set(outline.nodes.map(\.entry.index))
    for entry in catalogue.entries where entry.isMappable && !shown.contains(entry.index) {
      #expect(catalogue.graph.nodes[entry.index].role == .identity, "\(entry.tensor)")
    }
    for node in outline.nodes {
      for input in node.inputs { #expect(input < node.entry.index && shown.contains(input)) }
      for output in node.outputs { #expect(output > node.entry.index && shown.contains(output)) }
    }
    #expect(outline.groups[0].operatorCount == outline.nodes.count)
    #expect(outline.groups[0].parent == nil)
  }

  @Test func constantsAndBookkeepingAreLeftOut() throws {
    let network = try #require(NetworkFixture.all.first)
    for exporter in network.models.keys {
      let (outline, _) = try outline(network.name, exporter)
      for node in outline.nodes {
        #expect(
          !["Constant", "Shape", "Identity", "Dropout", "Flatten", "Reshape"].contains(node.entry.operatorName.type))
      }
    }
  }
}
