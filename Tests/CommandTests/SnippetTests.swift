import Foundation
import GradCAM
import Testing

/// The example of the library: the one under Snippets is built with the tests, the others repeat it.
struct SnippetTests {
  @Test func exampleExplainsAPicture() throws {
    let place = try Workplace()
    try FileManager.default.createSymbolicLink(atPath: place.path("models"), withDestinationPath: ofPackage("models"))
    let outcome = try place.run([], program: "ExplainPicture")
    #expect(outcome.code == 0 && outcome.output.hasSuffix(": map.png\n"), "\(outcome)")
    let truth = try LibraryResult(shipped("shapes-resnet.onnx"), shipped("samples/pair-006-star-cross.png"))
    let drawn = DrawingStyle.overlay.draw(truth.explanations[0].drawnMap(), on: truth.picture)
    #expect(try place.picture("map.png") == drawn && drawn != truth.picture)
  }

  @Test(arguments: ["docs/embedding.md", "Sources/GradCAM/GradCAM.docc/GradCAM.md"])
  func documentationRepeatsTheExample(_ page: String) throws {
    func text(_ path: String) throws -> String { try String(contentsOfFile: ofPackage(path), encoding: .utf8) }
    let example = try text("Snippets/ExplainPicture.swift").split(separator: "// snippet.show\n")[1]
    #expect(try text(page).contains("```swift\n\(example)```"))
  }
}
