import Foundation
import GradCAM
import TestSupport
import Testing

/// What the inputs of a network are given: several pictures, label files, files beside the network.
struct InputTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png"), pair = fixture("two-pictures.onnx")

  init() throws {
    workplace = try Workplace()
    // The disc, lower right instead of upper left.
    let disc = try Picture(contentsOf: picture)
    var pixels: [UInt8] = []
    for start in stride(from: disc.pixels.count - 3, through: 0, by: -3) { pixels += disc.pixels[start..<start + 3] }
    try Picture(width: disc.width, height: disc.height, pixels: pixels).write(to: workplace.path("turned.png"))
  }

  private func map(_ arguments: String...) throws -> [Float] {
    let outcome = try workplace.run(["explain", pair, "--save-map", "map.npy", "--class", "star"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try workplace.array("map.npy").values
  }

  /// Each side's map depends on both pictures only by the score, which is linear in both sides.
  @Test func nodesOfEitherPictureAreMapped() throws {
    let both = ["--image", "right=turned.png"]
    let left = try map(picture, both[0], both[1], "--node", "left.relu2")
    let right = try map(picture, both[0], both[1], "--node", "right.relu2")
    #expect(left != right && left.contains { $0 > 0 })
    #expect(try map("--image", "left=\(picture)", both[0], both[1], "--node", "left.relu2") == left)
    // The file on its own is for the input that has nothing yet.
    #expect(try map("turned.png", "--image", "left=\(picture)", "--node", "right.relu2") == right)
  }

  @Test func theFileDecidesWhichPictureIsDrawnOn() throws {
    let outcome = try workplace.succeed(
      "explain", pair, "turned.png", "--image", "left=\(picture)", "--output", "map.png", "--style", "mask")
    #expect(outcome.output.contains(" at right.relu2 by gradcam") && outcome.output.hasPrefix("turned.png\n"))
    let first = try workplace.succeed(
      "explain", pair, picture, "--image", "right=turned.png", "--output", "left.png", "--style", "mask")
    #expect(first.output.contains(" at left.relu2 by gradcam"))
    #expect(try workplace.picture("map.png") != workplace.picture("left.png"))
  }

  /// The libraries that read some formats are loaded inside of the sandbox.
  @Test(arguments: ["auto", "off"]) func picturesOfAllFormatsAreExplained(_ sandbox: String) throws {
    let formats = fixture("../../GradCAMTests/Fixtures/imaging/formats")
    let names = ["lossy.webp", "tiles.tif", "float32.tif", "runs8.bmp", "interlaced.gif", "text.ppm", "bits.pbm"]
    for name in names {
      try FileManager.default.createDirectory(atPath: workplace.path("in"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: "\(formats)/\(name)", toPath: workplace.path("in/\(name)"))
    }
    let outcome = try workplace.succeed(
      "explain", fixture("plain.onnx"), "in", "--output", "{image}.png", "--sandbox", sandbox, "--json")
    let reports = try outcome.json([[String: Any]].self)
    #expect(reports.count == names.count)
    for name in names {
      let stem = String(name[..<name.firstIndex(of: ".")!])
      let drawn = try workplace.picture("\(stem).png"), picture = try Picture(contentsOf: "\(formats)/\(name)")
      #expect((drawn.width, drawn.height) == (picture.width, picture.height))
    }
    let refused = try workplace.run(["explain", fixture("plain.onnx"), "in/lossy.webp", "--output", "map.webp"])
    #expect(refused.code == 64 && refused.errors.contains("read, but not written"), "\(refused.errors)")
  }

  @Test func picturesArePaddedOnDemand() throws {
    let wide = try Picture(contentsOf: picture).resized(width: 40, height: 20)
    try wide.write(to: workplace.path("wide.png"))
    let outcome = try workplace.succeed(
      "explain", fixture("plain.onnx"), "wide.png", "--preset", "raw", "--resize", "letterbox:top-left:0", "--output",
      "map.png")
    #expect(outcome.output.contains(", at the upper left, grey 0 (as given"), "\(outcome.output)")
    let map = try workplace.picture("map.png")
    #expect((map.width, map.height) == (40, 20))
    let wrong = try workplace.run(["explain", fixture("plain.onnx"), "wide.png", "--resize", "letterbox:left"])
    #expect(wrong.code == 64 && wrong.errors.contains("letterbox:left"))
  }

  @Test func aNodeThatSeesBothIsDrawnOnBoth() throws {
    _ = try workplace.succeed(
      "explain", pair, picture, "--image", "right=turned.png", "--node", "both", "--grid", "1x1", "--output", "both.png"
    )
    let one = try Picture(contentsOf: picture)
    let drawn = try workplace.picture("both.png")
    #expect((drawn.width, drawn.height) == (2 * one.width, one.height))
  }

  @Test func tensorsServeBothInputs() throws {
    let tensors = ["--tensor", "left=\(fixture("image.npy"))", "--tensor", "right=\(fixture("image.npy"))"]
    let outcome = try workplace.run(
      ["explain", pair, "--node", "right.relu2", "--save-gradient", "g.npy", "--output", "t.png"] + tensors)
    #expect(outcome.code == 0, "\(outcome.errors)")
    // The mean over 64 positions, times one weight of the class.
    let gradient = try workplace.array("g.npy").values
    #expect((0..<6).allSatisfy { Set(gradient[64 * $0..<64 * ($0 + 1)]).count == 1 } && gradient[0] != 0)
    #expect(try workplace.picture("t.png").width == 16)
    #expect(try workplace.succeed("verify", pair, "--node", "right.relu2").output.contains("agrees"))
    #expect(try workplace.succeed("sweep", pair, picture, "--image", "right=turned.png").output.contains("right.relu1"))
  }

  @Test func unreadablePicturesAreCounted() throws {
    try Data().write(to: URL(fileURLWithPath: workplace.path("empty.png")))
    let outcome = try workplace.run([
      "explain", fixture("plain.onnx"), "empty.png", picture, "missing.png", "--output", "maps",
    ])
    #expect(outcome.code == 65 && outcome.output.contains("disc.png"))
    #expect(outcome.errors.contains("empty.png: the file is empty; give a picture; skipped"))
    #expect(outcome.errors.contains("missing.png: cannot be opened"))
    #expect(outcome.errors.hasSuffix("gradcam: error: 2 of 3 pictures could not be explained; the others are done\n"))
    let json = try workplace.run([
      "explain", fixture("plain.onnx"), picture, "missing.png", "--output", "maps", "--json",
    ])
    #expect(try json.code == 65 && json.json([[String: Any]].self).count == 1)
  }

  @Test func labelFilesMustFit() throws {
    try Data(#"{"0": "a", "1": "b", "2": "c"}"#.utf8).write(to: URL(fileURLWithPath: workplace.path("three.json")))
    let outcome = try workplace.succeed(
      "explain", fixture("plain.onnx"), picture, "--labels", "three.json", "--class", "b", "--output", "b.png")
    #expect(outcome.output.contains("  b at relu2"))
    try Data("a\nb\n".utf8).write(to: URL(fileURLWithPath: workplace.path("two.txt")))
    let wrong = try workplace.run(["explain", fixture("plain.onnx"), picture, "--labels", "two.txt"])
    #expect(wrong.code == 65 && wrong.errors.contains("--labels two.txt: names 2 classes, but the model has 3"))
  }

  @Test func filesBesideTheNetworkAreRead() throws {
    try FileManager.default.copyItem(atPath: fixture("undescribed.onnx"), toPath: workplace.path("model.onnx"))
    let labels = (0..<1000).map { "\"\($0)\": \"thing \($0)\"" }.joined(separator: ", ")
    try Data("{\"model_type\": \"vit\", \"id2label\": {\(labels)}}".utf8).write(
      to: URL(fileURLWithPath: workplace.path("config.json")))
    try Data(
      #"{"size": {"height": 16, "width": 16}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3}"#
        .utf8
    ).write(to: URL(fileURLWithPath: workplace.path("preprocessor_config.json")))
    let outcome = try workplace.succeed(
      "explain", "model.onnx", picture, "--class", "thing 7", "--save-output", "read.npy", "--json", "--output", "a.png"
    )
    let warnings = try #require(try outcome.json([[String: Any]].self).first?["warnings"] as? [[String: String]])
    #expect(warnings.map { $0["code"] } == ["files-read", "files-read", "class-improbable"])
    _ = try workplace.succeed(
      "explain", fixture("undescribed.onnx"), picture, "--mean", "0.5", "--std", "0.5", "--resize", "16x16",
      "--interpolation", "bicubic", "--save-output", "asked.npy", "--output", "b.png")
    #expect(try workplace.array("read.npy") == workplace.array("asked.npy"))
    // What was read is not written over.
    let over = try workplace.run(["explain", "model.onnx", picture, "--save-output", "config.json"])
    #expect(over.code == 64)
  }
}
