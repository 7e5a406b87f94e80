import Foundation
import Testing

/// Where results go: never over what is read, never two to one place, under the names that scripts expect.
struct OutputTests {
  private let workplace: Workplace
  private let plain = fixture("plain.onnx")

  init() throws {
    workplace = try Workplace()
    try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: workplace.path("disc.png"))
  }

  @Test func defaultNameIsOfTheImage() throws {
    _ = try workplace.succeed("explain", plain, "disc.png", fixture("flipped.jpg"))
    #expect(workplace.files == ["disc.gradcam.png", "disc.png", "flipped.gradcam.png"])
    #expect(try workplace.picture("disc.gradcam.png").width == 30)
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
    #expect(workplace.files == ["disc.gradcam-2.png", "disc.gradcam.png", "disc.png"])
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
    let earlier = try workplace.contents("disc.gradcam.png")
    _ = try workplace.succeed("explain", plain, "disc.png", "disc.gradcam.png")
    #expect(try workplace.contents("disc.gradcam.png") == earlier)
    #expect(workplace.files == ["disc.gradcam-2.png", "disc.gradcam.gradcam.png", "disc.gradcam.png", "disc.png"])
  }

  @Test func laterErrorLeavesEarlierPicturesWhole() throws {
    let outcome = try workplace.run(["explain", plain, "disc.png", "missing.png"])
    #expect(outcome.code == 66)
    #expect(outcome.output.contains("disc.gradcam.png"))
    #expect(workplace.files == ["disc.gradcam.png", "disc.png"])
    #expect(try workplace.picture("disc.gradcam.png").height == 20)
  }
}
