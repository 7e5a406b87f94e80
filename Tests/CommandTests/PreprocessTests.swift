import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// `gradcam preprocess` finds and keeps a preprocessing.
struct PreprocessTests {
  private let place: Workplace
  private let model: String
  private let pictures = ["pair-006-star-cross.png", "pair-004-moon-circle.png", "pair-003-ring-triangle.png"].map {
    shipped("samples/\($0)")
  }

  init() throws {
    place = try Workplace()
    model = place.path("plain.onnx")
    try FileManager.default.copyItem(atPath: fixture("undescribed.onnx"), toPath: model)
  }

  @Test func everyPresetIsTried() throws {
    let outcome = try place.run(["preprocess", shipped("shapes-vgg.onnx")] + pictures + ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let rows = try #require(try outcome.json([String: Any].self)["rows"] as? [[String: Any]])
    #expect(
      rows.map { $0["name"] as? String }.prefix(4) == ["now", "imagenet", "imagenet-centre", "imagenet-squashed"])
    #expect(rows.count == 17 && rows.allSatisfy { ($0["top"] as? [Any])?.count == 3 })
    // What the file says is what every other command does.
    let now = try #require((rows[0]["top"] as? [[[String: Any]]])?[0][0]["probability"] as? Double)
    let explained = try place.run(["explain", shipped("shapes-vgg.onnx"), pictures[0], "--json"]).json(
      [[String: Any]].self)
    #expect(explained[0]["probability"] as? Double == now)
  }

  /// What is written is read by the next command, and what was there about something else stays.
  @Test func whatIsWrittenIsRead() throws {
    let sidecar = URL(filePath: place.path("plain.json"))
    let labels = (0..<1000).map { "\"thing \($0)\"" }.joined(separator: ", ")
    try Data(#"{"gradcam.mean": [0.1, 0.2, 0.3], "labels": [\#(labels)]}"#.utf8).write(to: sidecar)
    let outcome = try place.run(["preprocess", model, pictures[0], "--write", "caffe-squashed"])
    #expect(
      outcome.code == 0 && outcome.output.hasSuffix("written: \(place.path("plain.json"))\n"), "\(outcome.errors)")
    let text = try String(contentsOf: sidecar, encoding: .utf8)
    #expect(text.contains(#""preset": "caffe""#) && text.contains(#""thing 999""#) && !text.contains("mean"))
    let explained = try place.run(["explain", model, pictures[0], "--json"]).json([[String: Any]].self)
    let asked = try place.run(["explain", model, pictures[0], "--json", "--preset", "caffe", "--resize", "16x16"])
      .json([[String: Any]].self)
    #expect(explained[0]["logit"] as? Double == asked[0]["logit"] as? Double)
    let said = try #require(explained[0]["preprocessing"] as? String)
    #expect(said.hasPrefix("BGR 0–255, minus 103.9, 116.8, 123.7") && said.hasSuffix("(from plain.json)"))
  }

  @Test(
    arguments: [
      (["--write", "cafe"], 64, "is not the name of a preprocessing; choose from imagenet"),
      (["--class", "nothing"], 64, "is not the label of a class"),
    ] as [([String], Int32, String)])
  func wrongUse(_ options: [String], _ code: Int32, _ message: String) throws {
    let outcome = try place.run(["preprocess", model, pictures[0]] + options)
    #expect(outcome.code == code && outcome.errors.contains(message), "\(outcome.errors)")
    #expect(place.files == ["plain.onnx"])
  }

  @Test func aFileWithEntriesOfItsOwnNeedsNoSidecar() throws {
    let outcome = try place.run(["preprocess", shipped("shapes-vgg.onnx"), pictures[0], "--write", "raw"])
    #expect(outcome.code == 64 && outcome.errors.contains("has entries 'gradcam.…' of its own"))
  }

  @Test(
    arguments: [
      ("--layer", "--node"), ("--target-layer=x", "--node"), ("--out", "--output"), ("--cmap", "--colormap"),
      ("--input", "pictures follow the model"),
    ])
  func otherToolsOptionsAreTranslated(_ option: String, _ own: String) throws {
    let outcome = try place.run(["explain", model, pictures[0], option, "x"])
    #expect(outcome.code == 64 && outcome.errors.contains("is not an option; ") && outcome.errors.contains(own))
  }
}
