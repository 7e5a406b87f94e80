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
    #expect(workplace.files.contains("disc.plain.relu2.gradcam.png"))
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

/// `models`.
struct ModelListTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try FileManager.default.createDirectory(atPath: workplace.path("models"), withIntermediateDirectories: true)
  }

  private func put(_ names: String...) throws {
    for name in names {
      try FileManager.default.copyItem(
        atPath: fixture("\(name).onnx"), toPath: workplace.path("models/\(name).onnx"))
    }
  }

  /// The entries of the list by name.
  private func listed(_ options: String...) throws -> [String: [String: Any]] {
    let outcome = try workplace.run(["models", "--json"] + options)
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let entries = try outcome.json([[String: Any]].self)
    for entry in entries {
      #expect(
        Set(entry.keys) == [
          "name", "path", "exporter", "input", "classes", "labels", "labels_assumed", "parameters", "bytes", "auto",
          "supported", "missing", "error", "preprocessing",
        ])
    }
    return Dictionary(uniqueKeysWithValues: entries.map { ($0["name"] as? String ?? "", $0) })
  }

  @Test func shippedModelsAreDescribed() throws {
    let models = try listed("--models", shipped(""))
    #expect(models.keys.sorted() == ["shapes-detector", "shapes-resnet", "shapes-vgg"])
    let model = try #require(models["shapes-vgg"])
    #expect(model["path"] as? String == shipped("") + "/shapes-vgg.onnx")
    #expect((model["exporter"] as? String)?.hasPrefix("pytorch 2.") == true)
    let input = try #require(model["input"] as? [String: Any])
    #expect(input["layout"] as? String == "nchw" && input["height"] as? Int == 96 && input["channels"] as? Int == 3)
    #expect(model["classes"] as? Int == 8)
    #expect(model["labels"] as? [String] == ["circle", "square", "triangle", "star", "cross"])
    #expect(model["auto"] as? String == "features.20")
    #expect(model["parameters"] as? Int == 192_976)
    let size = try FileManager.default.attributesOfItem(atPath: shipped("shapes-vgg.onnx"))[.size] as? Int
    #expect(model["bytes"] as? Int == size)
    #expect(model["supported"] as? Bool == true && model["error"] is NSNull)
  }

  @Test func brokenFilesAreRowsWithTheReason() throws {
    try put("plain", "cut-short", "text", "no-image", "wrong-shape", "two-inputs")
    try FileManager.default.createDirectory(
      atPath: workplace.path("models/folder.onnx"), withIntermediateDirectories: true)
    let models = try listed()
    let reasons = models.mapValues { $0["error"] as? String ?? "" }
    #expect(reasons["plain"] == "" && models.count == 7)
    for (name, reason) in [
      ("cut-short", "cut short or damaged"), ("text", "is text, not an ONNX model"), ("folder", "is a folder"),
      ("no-image", "no input has the shape of an image"), ("wrong-shape", "node '/conv1/Conv' (Conv, #0)"),
    ] {
      #expect(reasons[name]?.hasPrefix("models/\(name).onnx: ") == true)
      #expect(reasons[name]?.contains(reason) == true, "\(reasons[name] ?? "")")
    }
    #expect(models["text"]?["supported"] is NSNull && models["no-image"]?["supported"] as? Bool == true)
    #expect(models["no-image"]?["parameters"] as? Int == 18)
    let rows = try workplace.succeed("models").output.split(separator: "\n")
    #expect(rows.count == 8 && rows.contains { $0.hasPrefix("text ") && $0.contains("  is text, not an ONNX model") })
  }

  @Test func missingOperatorsAreNamed() throws {
    try put("unknown-operator", "unknown-attribute", "foreign-operator")
    let models = try listed()
    func missing(_ name: String) throws -> [String: Any] {
      #expect(models[name]?["supported"] as? Bool == false)
      return try #require((models[name]?["missing"] as? [[String: Any]])?.first)
    }
    let unknown = try missing("unknown-operator")
    #expect(unknown["operator"] as? String == "Frobnicate" && unknown["plugin"] as? Bool == false)
    #expect((unknown["node"] as? String)?.contains("/strange/Frobnicate") == true)
    #expect(
      try missing("unknown-attribute")["reason"] as? String == "attribute 'leakiness' is not known to this program")
    let foreign = try missing("foreign-operator")
    #expect(foreign["operator"] as? String == "example.SoftClip" && foreign["plugin"] as? Bool == true)
    #expect(foreign["nodes"] as? Int == 2)
    #expect(try workplace.succeed("models").output.contains("needs a plugin"))
  }

  @Test func dataFilesCount() throws {
    try put("plain")
    let before = try #require(listed()["plain"]?["bytes"] as? Int)
    try Data("{\"gradcam.labels\": []}".utf8).write(to: workplace.folder.appending(path: "models/plain.json"))
    #expect(try listed()["plain"]?["bytes"] as? Int == before + 22)
  }

  @Test func anEmptyFolderIsSaidToBe() throws {
    let outcome = try workplace.succeed("models")
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("gradcam: warning: models holds no .onnx file; put exported networks into it"))
    #expect(try listed().isEmpty)
    let missing = try workplace.run(["models", "--models", "nowhere"])
    #expect(missing.code == 66 && missing.errors.contains("nowhere: is not a folder that can be listed; name the"))
  }
}
