import Foundation
import GradCAM
import Testing

/// Where results go: never over what is read, never two to one place, under the names that scripts expect.
struct OutputTests {
  private let workplace: Workplace
  private let plain = fixture("plain.onnx")

  init() throws {
    workplace = try Workplace()
    try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: workplace.path("disc.png"))
  }

  @Test func defaultNameSaysImageModelNodeAndMethod() throws {
    _ = try workplace.succeed("explain", plain, "disc.png", fixture("flipped.jpg"))
    #expect(workplace.files == ["disc.plain.relu2.gradcam.png", "disc.png", "flipped.plain.relu2.gradcam.png"])
    #expect(try workplace.picture("disc.plain.relu2.gradcam.png").width == 30)
  }

  @Test func severalPicturesAreNamedInAFolder() throws {
    _ = try workplace.succeed(
      "explain", plain, "disc.png", "--output", "maps/deep", "--node", "relu1", "--node", "Conv:-1", "--method",
      "gradcam", "--method", "random")
    #expect(
      workplace.files == [
        "disc.png", "maps", "maps/deep", "maps/deep/disc.plain.Conv_-1.gradcam.png",
        "maps/deep/disc.plain.Conv_-1.random.png", "maps/deep/disc.plain.relu1.gradcam.png",
        "maps/deep/disc.plain.relu1.random.png",
      ])
  }

  @Test func classesAreInTheNamesWhereThereAreSeveral() throws {
    _ = try workplace.succeed("explain", plain, "disc.png", "--output", "maps", "--top", "9")
    let made = ["circle", "square", "star"].map { "maps/disc.plain.relu2.\($0).gradcam.png" }
    #expect(workplace.files == ["disc.png", "maps"] + made)
  }

  @Test func whatIsNamedTwiceIsMadeOnce() throws {
    _ = try workplace.succeed(
      "explain", plain, "disc.png", "--class", "star", "--class", "2", "--node", "relu1", "--node", "relu1", "--output",
      "one.jpg")
    #expect(workplace.files == ["disc.png", "one.jpg"])
  }

  @Test func onePictureGoesIntoAFolderThatExists() throws {
    try FileManager.default.createDirectory(atPath: workplace.path("maps"), withIntermediateDirectories: false)
    _ = try workplace.succeed("explain", plain, "disc.png", "--output", "maps")
    #expect(workplace.files == ["disc.png", "maps", "maps/disc.plain.relu2.gradcam.png"])
  }

  @Test func imagesOfOneNameDoNotMeet() throws {
    _ = try workplace.succeed("explain", plain, "disc.png", fixture("disc.png"))
    #expect(workplace.files == ["disc.plain.relu2.gradcam-2.png", "disc.plain.relu2.gradcam.png", "disc.png"])
  }

  @Test(arguments: ["disc.png", "./disc.png", "link.png", "hard.png"], ["--output", "--save-map"])
  func inputsAreNotOverwritten(_ path: String, _ option: String) throws {
    try FileManager.default.createSymbolicLink(atPath: workplace.path("link.png"), withDestinationPath: "disc.png")
    try FileManager.default.linkItem(atPath: workplace.path("disc.png"), toPath: workplace.path("hard.png"))
    let outcome = try workplace.run(["explain", plain, "disc.png", option, path])
    #expect(outcome.code == 64)
    #expect(outcome.errors == "gradcam: error: \(path): is an input and would be overwritten; give another name\n")
    #expect(try workplace.contents("disc.png") == Data(contentsOf: URL(fileURLWithPath: fixture("disc.png"))))
    #expect(workplace.files == ["disc.png", "hard.png", "link.png"])
  }

  @Test func modelIsNotOverwritten() throws {
    try FileManager.default.copyItem(atPath: plain, toPath: workplace.path("plain.onnx"))
    #expect(try workplace.run(["explain", "plain.onnx", "disc.png", "--save-output", "plain.onnx"]).code == 64)
    #expect(try workplace.contents("plain.onnx") == Data(contentsOf: URL(fileURLWithPath: plain)))
  }

  @Test func picturesOfAnEarlierRunAreNotOverwrittenWhileTheyAreRead() throws {
    _ = try workplace.succeed("explain", plain, "disc.png")
    let earlier = try workplace.contents("disc.plain.relu2.gradcam.png")
    _ = try workplace.succeed("explain", plain, "disc.png", "disc.plain.relu2.gradcam.png")
    #expect(try workplace.contents("disc.plain.relu2.gradcam.png") == earlier)
    #expect(
      workplace.files == [
        "disc.plain.relu2.gradcam-2.png", "disc.plain.relu2.gradcam.plain.relu2.gradcam.png",
        "disc.plain.relu2.gradcam.png", "disc.png",
      ])
  }

  @Test func laterErrorLeavesEarlierPicturesWhole() throws {
    let outcome = try workplace.run(["explain", plain, "disc.png", "missing.png"])
    #expect(outcome.code == 65)
    #expect(outcome.output.contains("disc.plain.relu2.gradcam.png"))
    #expect(workplace.files == ["disc.plain.relu2.gradcam.png", "disc.png"])
    #expect(try workplace.picture("disc.plain.relu2.gradcam.png").height == 20)
  }

  @Test func fieldsNameFiles() throws {
    _ = try workplace.succeed(
      "explain", plain, "disc.png", "--class", "star", "--class", "circle", "--output",
      "out/{image}-{class}.{method}.jpg")
    #expect(workplace.files == ["disc.png", "out", "out/disc-circle.gradcam.jpg", "out/disc-star.gradcam.jpg"])
  }

  @Test(
    arguments: [
      ("x{clas}.png", "did you mean '{class}'?"), ("x{image.png", "has a brace without the other one"),
      ("x{image}.png", "names one file for 2 classes; put {class} into the name"),
      ("x.png", "is one file, but there are 2"),
    ] as [(String, String)])
  func namesThatCannotBeAreErrors(_ name: String, _ message: String) throws {
    let outcome = try workplace.run(
      ["explain", plain, "disc.png", "--class", "star", "--class", "circle", "--output", name])
    #expect(outcome.code == 64 && outcome.errors.contains(message), "\(outcome.errors)")
    #expect(workplace.files == ["disc.png"])
  }

  @Test func foldersFormatsAndReplacedFiles() throws {
    try FileManager.default.createDirectory(atPath: workplace.path("in/deep"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/deep/b.png"] {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: workplace.path(name))
    }
    let command = ["explain", plain, "in", "--output", "maps", "--format", "jpg", "--jpeg-quality", "50"]
    let first = try workplace.run(command)
    #expect(
      first.code == 0 && first.output.hasSuffix("2 pictures explained, 2 maps\n"))
    let small = try workplace.contents("maps/a.plain.relu2.gradcam.jpg").count
    #expect(!first.output.contains("(replaced)"))
    let again = try workplace.run(command.dropLast() + ["100"])
    #expect(again.output.contains("maps/a.plain.relu2.gradcam.jpg (replaced)"))
    #expect(try workplace.contents("maps/a.plain.relu2.gradcam.jpg").count > small)
    #expect(workplace.files.filter { $0.hasPrefix("maps/") }.count == 2)
  }

  @Test func oneSheetHoldsAllMaps() throws {
    let outcome = try workplace.succeed(
      "explain", plain, "disc.png", fixture("flipped.jpg"), "--node", "relu1", "--node", "relu2", "--method", "gradcam",
      "--method", "layercam", "--sheet", "sheet.png")
    #expect(workplace.files == ["disc.png", "sheet.png"])
    #expect(outcome.output.contains("all in one picture → sheet.png"))
    // Two rows: the picture, and two nodes by two methods, 336 × 224 pixels each with three lines under it.
    let sheet = try workplace.picture("sheet.png")
    #expect(sheet.width == 12 + 5 * 348 && sheet.height == 44 + 2 * (224 + 3 * 20 + 12))
  }

  @Test func aLineOfJSONForEachPicture() throws {
    let outcome = try workplace.run(["explain", plain, "disc.png", "missing.png", fixture("flipped.jpg"), "--jsonl"])
    #expect(outcome.code == 65)
    let lines = outcome.output.split(separator: "\n").map { Data($0.utf8) }
    let entries = try lines.map { try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any]) }
    #expect(entries.count == 3 && entries.map { ($0["results"] as? [Any])?.count } == [1, 0, 1])
    #expect((entries[1]["error"] as? String)?.contains("missing.png: cannot be opened") == true)
  }

  @Test func quietSaysErrorsOnly() throws {
    let outcome = try workplace.run(["explain", fixture("undescribed.onnx"), "disc.png", "missing.png", "--quiet"])
    #expect(outcome.code == 65 && outcome.output.isEmpty)
    #expect(outcome.errors == "gradcam: error: 1 of 2 pictures could not be explained; the others are done\n")
  }

  @Test func arraysOfManyResults() throws {
    _ = try workplace.succeed(
      "explain", plain, "disc.png", fixture("flipped.jpg"), "--top", "2", "--save-heat", "out/heat.npz", "--save-map",
      "maps/", "--save-gradient", "g/{image}-{class}.npy", "--save-activation", "a/", "--output", "p/")
    let maps = workplace.files.filter { $0.hasPrefix("maps/") }
    #expect(maps.count == 4 && maps.allSatisfy { $0.hasSuffix(".map.npy") })
    #expect(workplace.files.filter { $0.hasPrefix("g/") }.count == 4)
    // An activation does not depend on the class.
    #expect(
      workplace.files.filter { $0.hasPrefix("a/") } == [
        "a/disc.relu2.activation.npy", "a/flipped.relu2.activation.npy",
      ])
    let archive = try workplace.contents("out/heat.npz")
    // The end record of a ZIP archive counts the entries.
    #expect(
      archive.prefix(4) == Data([0x50, 0x4B, 3, 4]) && archive.dropLast(12).last == 0 && archive.dropLast(13).last == 4)
  }

  /// The saved heat is the map that is drawn; NaN outside of what the network sees.
  @Test func heatIsOfThePicturesSize() throws {
    let resnet = shipped("shapes-resnet.onnx"), picture = shipped("samples/pair-006-star-cross.png")
    _ = try workplace.succeed(
      "explain", resnet, picture, "--save-heat", "heat.npy", "--resize", "128", "--output", "a.png")
    let heat = try workplace.array("heat.npy"), original = try Picture(contentsOf: picture)
    #expect(heat.shape == [original.height, original.width])
    let seen = heat.values.filter { !$0.isNaN }
    #expect(seen.allSatisfy { (0...1).contains($0) } && seen.max()! > 0.99)
    let share = Double(seen.count) / Double(heat.values.count)
    #expect(abs(share - 0.5625) < 0.02, "\(share)")
  }
}
