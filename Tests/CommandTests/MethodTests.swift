import Foundation
import GradCAM
import Testing

/// Methods whose maps are not one for each node.
struct MethodTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  private func entries(_ arguments: String...) throws -> (entries: [[String: Any]], errors: String) {
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--output", "maps/", "--json"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return (try outcome.json(), outcome.errors)
  }

  @Test func everyConceptHasAMapWithItsClass() throws {
    let found = try entries("--method", "dff", "--concepts", "3").entries
    var outputs: [String] = []
    for (index, entry) in found.enumerated() {
      let concept = try #require(entry["concept"] as? [String: Any])
      let top = try #require(concept["top"] as? [String: Any]), label = try #require(top["label"] as? String)
      #expect(concept["number"] as? Int == index + 1)
      outputs.append("maps/disc.plain.relu2.dff.\(index + 1)-\(label).png")
    }
    #expect(found.compactMap { $0["output"] as? String } == outputs && outputs.count == 3)
    #expect(workplace.files == ["maps"] + outputs)
    let text = try workplace.succeed("explain", fixture("plain.onnx"), picture, "--method", "dff", "--concepts", "1")
    #expect(text.output.contains("at relu2 by dff, concept 1 ("))
    #expect(try entries("--method", "gradcam").entries[0]["concept"] is NSNull)
  }

  @Test func aMapOfTheWholeNetworkIsMadeOnce() throws {
    let found = try entries("--node", "relu1", "--node", "relu2", "--method", "fullgrad", "--method", "gradcam")
    #expect(found.entries.compactMap { $0["node"] as? String } == ["image", "relu1", "relu2"])
    let warnings = try #require(found.entries[0]["warnings"] as? [[String: String]])
    #expect(warnings.compactMap { $0["code"] } == ["node-ignored"] && found.errors.contains("--node"))
    #expect(try entries("--method", "guided-backprop").errors.isEmpty)
  }

  @Test func aMapOfAllNodesIsMadeOnce() throws {
    let found = try entries("--node", "relu1", "--node", "relu2", "--method", "refinecam").entries
    #expect(found.compactMap { $0["node"] as? String } == ["relu1+relu2"])
  }

  /// A map of the input's size is drawn over the picture like any other.
  @Test func mapsOfTheInputsSizeAreSavedAndDrawn() throws {
    for method in ["guided-backprop", "guided-gradcam", "fullgrad", "refinecam"] {
      _ = try workplace.succeed(
        "explain", fixture("plain.onnx"), picture, "--method", method, "--save-map", "map.npy", "--output", "out.png")
      let map = try workplace.array("map.npy"), drawn = try workplace.picture("out.png")
      let truth = try LibraryResult(fixture("plain.onnx"), picture, methods: [method])
      let explanation = truth.explanations[0]
      #expect(map == NPYArray(shape: [16, 16], values: explanation.rectifiedMap().values), "\(method)")
      #expect((drawn.width, drawn.height) == (30, 20), "\(method)")
      #expect(drawn == DrawingStyle.overlay.draw(explanation.drawnMap(), on: truth.picture), "\(method)")
      #expect(map.values.contains { $0 > 0 }, "\(method)")
    }
  }

  @Test(arguments: ["0", "65", "many"])
  func conceptsAreCounted(_ count: String) throws {
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--method", "dff", "--concepts", count])
    #expect(outcome.code == 64 && outcome.errors.contains("--concepts"))
  }

  @Test func whatANetworkHasNotIsNamed() throws {
    let outcome = try workplace.run(["explain", fixture("plain.onnx"), picture, "--method", "legrad"])
    #expect(outcome.code == 69 && outcome.errors.contains("softmax attention"))
    #expect(workplace.files.isEmpty)
  }
}
