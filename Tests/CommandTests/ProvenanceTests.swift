import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// Every result says how it came about.
struct ProvenanceTests {
  private let place: Workplace
  private let picture = "pair-006-star-cross.png"

  init() throws {
    place = try Workplace()
    for name in [picture, "single-003-star.png"] {
      try FileManager.default.copyItem(atPath: shipped("samples/\(name)"), toPath: place.path(name))
    }
    try FileManager.default.copyItem(atPath: shipped("shapes-vgg.onnx"), toPath: place.path("model.onnx"))
  }

  private typealias Object = [String: Any]

  private func object(_ file: String) throws -> Object {
    try #require(try JSONSerialization.jsonObject(with: try place.contents(file)) as? Object)
  }

  private func sha256(_ file: String) throws -> String { try #require(FileDigest.ofFile(place.path(file))).hexadecimal }

  /// The paths and digests in a list of files.
  private func files(_ list: Any?) throws -> [String: String] {
    let list = try #require(list as? [Object])
    return Dictionary(uniqueKeysWithValues: list.map { ($0["path"] as! String, $0["sha256"] as? String ?? "none") })
  }

  @Test func wholeRun() throws {
    try Data(#"{"gradcam.preset": "raw"}"#.utf8).write(to: place.folder.appendingPathComponent("model.json"))
    try Data("a\nb\nc\nd\ne\nf\ng\nh\n".utf8).write(to: place.folder.appendingPathComponent("names.txt"))
    let arguments = [
      "explain", "model.onnx", picture, "single-003-star.png", "--node", "Conv:-1", "--class", "3", "--method",
      "layercam", "--labels", "names.txt", "--threads", "2", "--save-heat", "heat.npz", "--sheet", "sheet.jpg",
      "--output", "maps", "--provenance", "p.json",
    ]
    #expect(try place.run(arguments).code == 0)
    let whole = try object("p.json")
    #expect(whole["version"] as? String == programVersion && whole["arguments"] as? [String] == arguments)
    #expect(
      whole["directory"] as? String == place.folder.resolvingSymlinksInPath().path && whole["threads"] as? Int == 2)
    let cpu = try #require(whole["cpu"] as? [String: String])
    #expect(
      cpu["instructions"]?.isEmpty == false && cpu["blas"]?.hasPrefix("OpenBLAS 0.") == true && cpu["name"] != nil)
    let inputs = try #require(whole["inputs"] as? Object)
    #expect(
      try files(inputs["models"]) == ["model.onnx": sha256("model.onnx"), "model.json": sha256("model.json")])
    #expect(
      try files(inputs["images"]) == [picture: sha256(picture), "single-003-star.png": sha256("single-003-star.png")])
    #expect(try files(inputs["others"]) == ["names.txt": sha256("names.txt")] && files(inputs["plugins"]).isEmpty)
    let results = try #require(whole["results"] as? [Object])
    #expect(results.map { $0["image"] as? String } == [picture, "single-003-star.png"])
    let tensor = try #require(results[0]["tensor"] as? String)
    #expect(results[0]["node"] as? String == "Conv:-1" && tensor.contains("features"))
    #expect(results[0]["class"] as? Int == 3 && results[0]["method"] as? String == "layercam")
    #expect((results[0]["preprocessing"] as? String)?.hasPrefix("RGB 0–1, minus 0.5") ?? false, "\(results[0])")
    let outputs = try files(whole["outputs"])
    #expect(Set(outputs.keys) == Set(place.files.filter { $0.hasPrefix("maps/") } + ["heat.npz", "sheet.jpg"]))
    #expect(outputs.count == 4)
    for (path, digest) in outputs { #expect(try digest == sha256(path), "\(path)") }
  }

  /// An entry is about its own picture: its arguments and files make it again.
  @Test(arguments: ["--json", "--jsonl"]) func entries(_ option: String) throws {
    let outcome = try place.succeed("explain", "model.onnx", picture, "single-003-star.png", option)
    let entries: [Object] =
      option == "--json"
      ? try outcome.json()
      : try outcome.output.split(separator: "\n").flatMap { line -> [Object] in
        let line = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? Object)
        return try #require(line["results"] as? [Object])
      }
    #expect(entries.count == 2)
    for entry in entries {
      let image = try #require(entry["image"] as? String), own = try #require(entry["provenance"] as? Object)
      #expect(own["arguments"] as? [String] == ["explain", "model.onnx", image, option])
      let inputs = try #require(own["inputs"] as? Object), output = try #require(entry["output"] as? String)
      #expect(try files(inputs["images"]) == [image: sha256(image)])
      #expect(try files(inputs["models"]) == ["model.onnx": sha256("model.onnx"), "model.json": "none"])
      #expect(try files(own["outputs"]) == [output: sha256(output)])
    }
  }

  /// A picture that is also the value of an option, and a folder of pictures, stay.
  @Test func argumentsOfOnePicture() throws {
    let arguments = PictureArguments(
      ["explain", "m.onnx", "a.png", "b.png", "c.png", place.folder.path, "--embedding", "b.png"],
      pictures: ["a.png", "b.png", "c.png", place.folder.path])
    #expect(
      arguments.naming(only: "a.png")
        == ["explain", "m.onnx", "a.png", "b.png", place.folder.path, "--embedding", "b.png"])
  }

  @Test func otherCommands() throws {
    let sweep = try place.succeed("sweep", "model.onnx", picture, "--metric", "none", "--json").json(Object.self)
    let compared = try place.succeed(
      "compare", "model.onnx", picture, "--metric", "none", "--json", "--report", "page.html"
    ).json(Object.self)
    let digest = try sha256("model.onnx")
    for document in [sweep, compared] {
      let inputs = try #require((document["provenance"] as? Object)?["inputs"] as? Object)
      #expect(try files(inputs["models"])["model.onnx"] == digest && files(inputs["images"]).keys.contains(picture))
    }
    let page = String(decoding: try place.contents("page.html"), as: UTF8.self)
    for text in [digest, try sha256(picture), "OpenBLAS", "gradcam compare model.onnx"] {
      #expect(page.replacing("<wbr/>", with: "").contains(text), "\(text)")
    }
  }

  /// Rows say of which configuration they are, and have the digests of pictures.
  @Test func evaluation() throws {
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    try FileManager.default.moveItem(atPath: place.path(picture), toPath: place.path("photos/a.png"))
    let arguments =
      ["evaluate", "model.onnx", "photos", "--metric", "average-drop", "--no-random", "--provenance", "p.json"]
    #expect(try place.run(arguments).code == 0)
    let lines = String(decoding: try place.contents("model.evaluation.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 2)
    let objects = try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? Object) }
    let configuration = try #require(objects[0]["configuration"] as? Object)
    #expect(try configuration["model"] as? String == sha256("model.onnx"))
    #expect(configuration["node"] as? String == "auto")
    #expect(try objects[1]["sha256"] as? String == sha256("photos/a.png"))
    let whole = try object("p.json")
    #expect(try files(whole["outputs"]) == ["model.evaluation.jsonl": sha256("model.evaluation.jsonl")])
    #expect(try files((whole["inputs"] as? Object)?["images"]) == ["photos/a.png": sha256("photos/a.png")])
    #expect((whole["results"] as? [Object])?.first?["node"] as? String == "features.20")
  }

  /// Rows of another model's bytes are not continued.
  @Test func continuedEvaluation() throws {
    let arguments = ["evaluate", "model.onnx", ".", "--metric", "average-drop", "--no-random", "--resume", "--limit"]
    #expect(try place.run(arguments + ["1"]).code == 0)
    let before = try place.contents("model.evaluation.jsonl")
    var model = try place.contents("model.onnx")
    // A further `doc_string` of the model, which changes nothing else.
    model.append(contentsOf: [0x32, 1, 0x61])
    try model.write(to: place.folder.appendingPathComponent("model.onnx"))
    let other = try place.run(arguments + ["2"])
    #expect(other.code == 64 && other.errors.contains("holds rows of other contents of the model"), "\(other.errors)")
    #expect(try place.contents("model.evaluation.jsonl") == before)
  }

  @Test func wrongFiles() throws {
    for (path, code) in [(picture, 64), ("model.onnx", 64), ("no/p.json", 73), ("", 64)] as [(String, Int32)] {
      let before = try place.contents(picture)
      let outcome = try place.run(["explain", "model.onnx", picture, "--provenance", path, "--output", "map.png"])
      #expect(outcome.code == code, "\(path): \(outcome.errors)")
      #expect(try place.contents(picture) == before)
    }
    let best = try place.run(["sweep", "model.onnx", picture, "--best", "--provenance", "p.json"])
    #expect(best.code == 64)
  }

  // MARK: Texts in pictures

  /// The texts of a PNG file in Latin-1, by keyword.
  private func texts(_ file: String) throws -> [String: String] {
    let bytes = [UInt8](try place.contents(file))
    var texts: [String: String] = [:], position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      if String(decoding: bytes[position + 4..<position + 8], as: UTF8.self) == "tEXt" {
        let parts = bytes[(position + 8)...].prefix(length).split(separator: 0)
        texts[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
      }
      position += 12 + length
    }
    return texts
  }

  @Test func picturesSayWhatTheyShow() throws {
    _ = try place.succeed(
      "explain", place.path("model.onnx"), picture, "--method", "fast", "--smooth", "eigen", "--class", "star",
      "--sheet", "sheet.png", "--output", "maps")
    var expected = [
      "Software": "gradcam \(programVersion)", "gradcam:model": "model.onnx", "gradcam:node": "features.20",
      "gradcam:class": "star", "gradcam:method": "gradcam.eigen",
    ]
    let stem = "maps/pair-006-star-cross.model.features.20"
    #expect(try texts("\(stem).gradcam.eigen.png") == expected, "\(place.files)")
    for file in ["sheet.png", "\(stem).fast.eigen.png"] {
      let found = try texts(file)
      #expect(found["gradcam:method"]?.contains(" more") ?? false, "\(file): \(found)")
      #expect(found["gradcam:class"] == "star" && !found.values.contains { $0.contains(place.folder.path) })
    }
    _ = try place.succeed("sweep", "model.onnx", picture, "--metric", "none", "--output", "sweep.png")
    #expect(try texts("sweep.png")["gradcam:node"]?.contains(" more") ?? false)
    _ = try place.succeed(
      "compare", "model.onnx", picture, "--metric", "none", "--output", "grid.png", "--class", "star")
    expected["gradcam:method"] = "gradcam"
    #expect(try texts("grid.png") == expected)
    _ = try place.succeed(
      "explain", "model.onnx", picture, "--target", "logits", "--output", "sum.png", "--style", "heat")
    let sum = try texts("sum.png")
    #expect(sum["gradcam:class"] == nil && sum["gradcam:target"]?.contains("logits") ?? false, "\(sum)")
  }
}
