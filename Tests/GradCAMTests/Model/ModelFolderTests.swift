import Foundation
import GradCAM
import Graph
import TestSupport
import Testing

struct ModelFolderTests {
  /// Runs with a folder of two networks, a hidden one, and other files.
  private func withModels(_ body: (ModelFolder) throws -> Void) throws {
    try withTemporaryFolder { path in
      for name in ["vgg19.onnx", "resnet50.onnx", "resnet50.json", "notes.txt", ".hidden.onnx", "onnx"] {
        try Data().write(to: URL(filePath: path).appending(path: name))
      }
      try body(ModelFolder(path))
    }
  }

  @Test func namesAreThoseOfExportedFiles() throws {
    try withModels { folder in
      let names = try folder.names()
      #expect(names == ["resnet50", "vgg19"])
    }
  }

  @Test func namesMeanFilesWithAndWithoutExtension() throws {
    try withModels { folder in
      for (folder, name) in [(folder, "vgg19"), (folder, "vgg19.onnx"), (ModelFolder(folder.path + "/"), "vgg19")] {
        let path = try folder.resolve(name)
        #expect(path == folder.path + (folder.path.hasSuffix("/") ? "vgg19.onnx" : "/vgg19.onnx"))
      }
    }
  }

  @Test func pathsMeanThemselves() throws {
    try withModels { folder in
      for path in [folder.path + "/vgg19.onnx", folder.path + "/missing.onnx", "./vgg19", "", "/"] {
        let resolved = try folder.resolve(path)
        #expect(resolved == path)
      }
    }
  }

  @Test func whatIsNowhereIsAnErrorWithTheNearestNames() throws {
    try withModels { folder in
      expectError(.unreadable, at: "vgg-19", saying: "\(folder.path)/vgg-19.onnx", "vgg19;", "the models folder") {
        _ = try folder.resolve("vgg-19")
      }
      expectError(.unreadable, at: "NET5", saying: "resnet50;") { _ = try folder.resolve("NET5") }
      let foreign = #expect(throws: GradCAMError.self) { try folder.resolve("something-else-entirely") }
      #expect(foreign?.kind == .unreadable && foreign?.place.map(\.description) == ["something-else-entirely"])
      let advice = try #require(foreign?.advice?.description)
      #expect(advice.contains("the models folder") && !advice.contains("vgg19") && !advice.contains("resnet50"))
    }
  }

  @Test func aFolderThatIsMissingIsAnErrorThatSaysHowToNameOne() {
    let folder = ModelFolder("/nowhere/models")
    expectError(.unreadable, at: "vgg19", saying: "/nowhere/models/vgg19.onnx", "models or GRADCAM_MODELS") {
      _ = try folder.resolve("vgg19")
    }
    expectError(.unreadable, at: "/nowhere/models", saying: "models or GRADCAM_MODELS") { _ = try folder.names() }
  }
}
