import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct TransformerTests {
  private func catalogue(_ name: String, _ exporter: String) throws -> NodeCatalogue {
    let network = try NetworkFixture.named(name)
    return try NodeCatalogue(network.model(exporter), size: network.size)
  }

  @Test(arguments: NetworkGradientTests.exporters)
  func autoIsTheFirstNormalisationOfTheLastBlock(_ exporter: String) throws {
    let catalogue = try catalogue("tokens", exporter)
    let match = try catalogue.match("auto")
    #expect(match.label == "layers.1.ln_1")
    #expect(match.notes.contains { $0.contains("3×4") && $0.contains("class token") }, "\(match.notes)")
  }

  @Test(arguments: NetworkGradientTests.exporters)
  func tokensThatTheScoreDoesNotReadAreNotListed(_ exporter: String) throws {
    let entries = try catalogue("tokens", exporter).entries
    for module in ["layers.1.ln_2", "layers.1.mlp.1", "ln"] {
      #expect(entries.allSatisfy { $0.module != module || !$0.isMappable }, "\(module)")
    }
    #expect(entries.contains { $0.module == "layers.0.ln_2" && $0.isMappable })
  }

  @Test(arguments: NetworkGradientTests.exporters)
  func aMapAfterTheLastAttentionSaysWhyItIsEmpty(_ exporter: String) throws {
    let network = try NetworkFixture.named("tokens"), numbers = try network.contents()
    let explainer = try Explainer(network.model(exporter), nodes: ["layers.1.ln_2"], inputSize: network.size)
    let image = explainer.prepare(numbers[network.input])
    let warnings = try explainer.explain(classIndex: 0, of: explainer.observe(image))[0].warnings
    #expect(warnings.contains { $0.code == .gradientZero && $0.text.description.contains("class token") })
  }

  @Test(arguments: NetworkGradientTests.exporters)
  func windowsWithChannelsLastHaveTheLastMapForAuto(_ exporter: String) throws {
    #expect(try catalogue("windows", exporter).match("auto").label == "permute")
  }

  @Test func aHintThatDoesNotFitIsAUsageError() throws {
    let catalogue = try catalogue("tokens", "dynamo")
    expectError(.usage, saying: "node 'layers.0'", "1×13×8", "grid or axis") {
      _ = try catalogue.match("layers.0", as: FeatureMapHint(grid: .init(height: 5, width: 5)))
    }
    let square = try catalogue.match("layers.0", as: FeatureMapHint(grid: .init(height: 2, width: 6)))
    #expect((square.layout?.height, square.layout?.width) == (2, 6))
  }
}
