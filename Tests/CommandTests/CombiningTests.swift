import Foundation
import GradCAM
import Testing

/// Several nodes, smoothing, grids, and what is said about maps that show nothing.
struct CombiningTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  @Test(arguments: Fusion.allCases)
  func severalNodesGiveOneMap(_ fusion: Fusion) throws {
    let outcome = try workplace.succeed(
      "explain", fixture("plain.onnx"), picture, "--node", "relu1", "--node", "relu2", "--fuse", fusion.rawValue,
      "--output", "maps/", "--save-map", "map.npy")
    let path = "maps/disc.plain.relu1+relu2.gradcam.\(fusion.rawValue).png"
    #expect(workplace.files == ["map.npy", "maps", path])
    #expect(outcome.output.contains(" at relu1+relu2 by gradcam (\(fusion.rawValue)) → \(path)\n"))
    let map = try workplace.array("map.npy")
    let truth = try LibraryResult(fixture("plain.onnx"), picture, nodes: ["relu1", "relu2"], fusion: fusion)
    #expect(map == NPYArray(shape: [16, 16], values: truth.explanations[0].rectifiedMap().values))
    #expect(map.values.max()! > 0.9)
  }

  @Test func oneNodesActivationIsNotThatOfSeveral() throws {
    let outcome = try workplace.run([
      "explain", fixture("plain.onnx"), picture, "--node", "relu1", "--node", "relu2", "--fuse", "max",
      "--save-activation", "a.npy",
    ])
    #expect(
      outcome.code == 64 && outcome.errors.contains("--save-activation: is of one node, but one map is made of 2"))
    #expect(workplace.files.isEmpty)
  }

  /// In the mirror image, a box is at another place of the output.
  @Test func placesOfThePictureAreNotMirrored() throws {
    for arguments in [
      [fixture("finished.onnx"), picture, "--detection", "0"], [fixture("segmentation.onnx"), picture, "--class", "1"],
    ] {
      let outcome = try workplace.run(["explain"] + arguments + ["--smooth", "aug", "--output", "map.png"])
      #expect(outcome.code == 69 && outcome.errors.contains("--smooth aug: mirrors the picture, where "))
      #expect(outcome.errors.contains("is at another place; leave it out") && workplace.files.isEmpty)
    }
  }

  @Test func smoothingIsReportedAndNamed() throws {
    let outcome = try workplace.succeed(
      "explain", fixture("plain.onnx"), picture, "--smooth", "eigen", "--smooth", "aug", "--json", "--output", "maps/")
    let entry = try #require(try outcome.json([[String: Any]].self).first)
    #expect(entry["smooth"] as? [String] == ["aug", "eigen"] && entry["fuse"] is NSNull)
    #expect(entry["output"] as? String == "maps/disc.plain.relu2.gradcam.aug.eigen.png")
  }

  @Test func onlySumsOverChannelsHaveAComponent() throws {
    let outcome = try workplace.run([
      "explain", fixture("plain.onnx"), picture, "--smooth", "eigen", "--method", "recipro-cam",
    ])
    #expect(outcome.code == 69)
    #expect(outcome.errors.contains("--smooth eigen: recipro-cam is not a weighted sum over channels; choose a method"))
  }

  /// All but the four of attention, which the network has not, expected-gradients, which need pictures, and d-rise.
  private let methodCount = CAMMethods.all.count - 6
  /// The maps of these: five are of concepts that dff finds.
  private var mapCount: Int { methodCount + 4 }

  @Test func allMethodsStandInOnePicture() throws {
    let outcome = try workplace.succeed("explain", fixture("plain.onnx"), picture, "--method", "all")
    #expect(workplace.files == ["disc.plain.relu2.all.png"])
    #expect(outcome.output.contains(" at relu2 by \(methodCount) methods → disc.plain.relu2.all.png\n"))
    let grid = try workplace.picture("disc.plain.relu2.all.png"), first = try Picture(contentsOf: picture)
    // One cell more, for the image: 336 × 224 pixels each.
    let columns = (grid.width - 12) / 348, rows = (grid.height - 44) / 256
    #expect((grid.width - 12) % 348 == 0 && (grid.height - 44) % 256 == 0)
    #expect((columns * (rows - 1)..<columns * rows).contains(mapCount))
    let image = try first.resized(width: 336, height: 224)
    #expect(try grid.cropped(x: 12, y: 44, width: 336, height: 224) == image)
  }

  @Test func aNamedFileIsTheGridAndAFolderHasThePicturesToo() throws {
    let arguments = ["explain", fixture("plain.onnx"), picture, "--method", "all", "--json", "--output"]
    let file = try workplace.run(arguments + ["all.jpg"]), folder = try workplace.run(arguments + ["maps"])
    #expect(file.code == 0 && folder.code == 0)
    let inFile = try file.json([[String: Any]].self), inFolder = try folder.json([[String: Any]].self)
    #expect(inFile.count == mapCount && inFolder.count == inFile.count)
    #expect(inFile.allSatisfy { $0["output"] as? String == "all.jpg" && $0["grid"] as? String == "all.jpg" })
    #expect(inFolder.allSatisfy { $0["grid"] as? String == "maps/disc.plain.relu2.all.png" })
    let written = Set(inFolder.flatMap { [$0["output"] as? String, $0["grid"] as? String] })
    #expect(written.count == inFile.count + 1 && written == Set(workplace.files.filter { $0.hasPrefix("maps/") }))
  }

  private func warnings(_ arguments: String...) throws -> [(code: String, text: String)] {
    let outcome = try workplace.run(["explain", "--json", "--output", "out.png"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let entry = try #require(try outcome.json([[String: Any]].self).first)
    return try #require(entry["warnings"] as? [[String: String]]).map { ($0["code"]!, $0["text"]!) }
  }

  @Test func theNodeThatFirstMakesNoNumberIsNamed() throws {
    let found = try warnings(fixture("nan-weights.onnx"), picture)
    #expect(found.count == 1 && found[0].code == "not-finite")
    let fused = try warnings(fixture("plain.onnx"), picture, "--std", "1e-38", "--node", "relu1")
    #expect(fused.contains { $0.text.contains("first appear at node '/conv1/Conv' (Conv, #0), whose inputs are") })
    #expect(found[0].text.contains("first appear at node '/broken/Mul' (Mul, #4), whose 'nan' holds them already"))
  }

  @Test func severalWarningsHoldAtOnce() throws {
    let found = try warnings(
      fixture("softmax.onnx"), picture, "--std", "0.00001", "--score", "probability", "--node", "pool")
    #expect(found.map(\.code).contains("probability-saturated") && found.map(\.code).contains("no-spatial-extent"))
  }

  @Test func libraryProfilesHaveTheirOwnDrawings() throws {
    var seen: Set<[UInt8]> = []
    for source in Compatibility.allCases {
      _ = try workplace.succeed(
        "explain", fixture("plain.onnx"), picture, "--compat", source.rawValue, "--style", "heat", "--output", "out.png"
      )
      let drawn = try workplace.picture("out.png")
      let truth = try LibraryResult(fixture("plain.onnx"), picture, compatibility: source)
      #expect(drawn == DrawingStyle.heat.draw(truth.explanations[0].drawnMap(), on: truth.picture), "\(source)")
      #expect(seen.insert(drawn.pixels).inserted, "\(source)")
    }
  }
}
