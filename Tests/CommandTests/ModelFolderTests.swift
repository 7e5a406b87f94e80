import Foundation
import Testing

/// Names of the models folder in place of paths.
struct ModelFolderTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    for (folder, model) in [("models", "plain"), ("others", "grey"), ("others", "plain")] {
      let place = workplace.folder.appending(path: folder)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: fixture("\(model).onnx"), toPath: place.path + "/\(model).onnx")
    }
  }

  @Test func everyCommandThatOpensAModelTakesAName() throws {
    #expect(try workplace.succeed("nodes", "plain").output.contains("relu2"))
    #expect(try workplace.succeed("verify", "plain.onnx").output.hasPrefix("models/plain.onnx"))
    #expect(try workplace.succeed("bench", "plain", "--runs", "1").output.hasPrefix("models/plain.onnx at relu2"))
    _ = try workplace.succeed("explain", "plain", fixture("disc.png"))
    #expect(workplace.files.contains("disc.gradcam.png"))
  }

  @Test func theFolderIsTheOptionsElseTheEnvironments() throws {
    func run(_ arguments: String...) throws -> Workplace.Outcome {
      try workplace.run(arguments, environment: ["GRADCAM_MODELS": "others"])
    }
    #expect(try run("bench", "grey", "--runs", "1").output.hasPrefix("others/grey.onnx"))
    #expect(try run("bench", "plain", "--runs", "1", "--models", "models").output.hasPrefix("models/plain.onnx"))
    #expect(try run("nodes", "grey", "--models", "models").code == 66)
  }

  @Test func aFileWinsOverAName() throws {
    try FileManager.default.copyItem(atPath: fixture("grey.onnx"), toPath: workplace.path("plain"))
    #expect(try workplace.succeed("bench", "plain", "--runs", "1").output.hasPrefix("plain at "))
  }
}
