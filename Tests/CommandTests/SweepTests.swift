import Foundation
import GradCAM
import Testing

@Suite struct SweepTests {
  private let place: Workplace
  private let star = ["--class", "star", "--boxes", shipped("samples/boxes.json")]

  init() throws { place = try Workplace() }

  private func sweep(_ model: String, _ more: String...) throws -> Workplace.Outcome {
    try place.run(["sweep", shipped(model), shipped("samples/pair-006-star-cross.png")] + star + more)
  }

  /// Every node that `nodes` lists has a map, and the maps are those that `explain` makes.
  @Test func everyNodeHasItsMap() throws {
    let nodes = try place.succeed("nodes", shipped("shapes-resnet.onnx"), "--json").json([[String: Any]].self)
    let report = try sweep("shapes-resnet.onnx", "--metric", "none", "--json").json([String: Any].self)
    let swept = try #require(report["nodes"] as? [[String: Any]])
    #expect(swept.map { $0["tensor"] as? String } == nodes.map { $0["tensor"] as? String })
    #expect(report["metric"] as? String == nil && report["best"] as? String == nil)
    #expect(place.files == ["pair-006-star-cross.sweep.png"])
    let explained = try place.succeed(
      "explain", shipped("shapes-resnet.onnx"), shipped("samples/pair-006-star-cross.png"), "--class", "star", "--node",
      "all", "--json", "--output", "all/"
    ).json([[String: Any]].self)
    #expect(explained.map { $0["node"] as? String } == swept.map { $0["node"] as? String })
  }

  /// The name that --best prints is one that --node takes, and the object's box holds much of its map.
  @Test(arguments: ["shapes-vgg.onnx", "shapes-resnet.onnx"]) func theBestNodeShowsTheObject(model: String) throws {
    let best = try sweep(model, "--metric", "energy-inside", "--best")
    #expect(best.code == 0)
    let name = try #require(best.output.split(separator: "\n").first.map(String.init))
    #expect(best.output == name + "\n" && place.files.isEmpty)
    let report = try sweep(model, "--metric", "energy-inside", "--json").json([String: Any].self)
    let nodes = try #require(report["nodes"] as? [[String: Any]])
    #expect(report["best"] as? String == name && nodes[0]["node"] as? String == name)
    let values = nodes.compactMap { $0["value"] as? Double }
    #expect(values.count == nodes.count && values == values.sorted(by: >) && values[0] > 0.5)
    let explained = try place.run([
      "explain", shipped(model), shipped("samples/pair-006-star-cross.png"), "--node", name,
    ])
    #expect(explained.code == 0, "\(explained.errors)")
  }

  /// A metric of which less is better ranks the other way round.
  @Test func lessDropIsBetter() throws {
    let report = try sweep("shapes-vgg.onnx", "--metric", "average-drop", "--json").json([String: Any].self)
    #expect(report["metric"] as? String == "average-drop" && report["higher_is_better"] as? Bool == false)
    let values = try #require(report["nodes"] as? [[String: Any]]).compactMap { $0["value"] as? Double }
    #expect(values == values.sorted() && values.first! < values.last!)
    let nodes = try #require(report["nodes"] as? [[String: Any]])
    let ranks = nodes.compactMap { $0["rank"] as? Int }
    for (rank, value) in zip(ranks, values) { #expect(rank == values.firstIndex(of: value)! + 1) }
    #expect(nodes.allSatisfy { node in node["tied"] as? Int == values.count { $0 == node["value"] as? Double } })
  }

  /// A target that is no class is ranked by its own score.
  @Test(arguments: [["--contrast", "star,cross"], ["--target", "logits[0,3]"]])
  func otherTargetsAreRanked(_ target: [String]) throws {
    let place = try Workplace()
    let outcome = try place.run(
      ["sweep", shipped("shapes-vgg.onnx"), shipped("samples/pair-006-star-cross.png"), "--json"] + target)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let nodes = try #require(try outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
    let values = nodes.compactMap { $0["value"] as? Double }
    #expect(values.count == nodes.count && values == values.sorted(by: >) && values.first! > values.last!)
  }

  @Test func tenRowsUnlessAllAreAskedFor() throws {
    let few = try sweep("shapes-vgg.onnx").output, all = try sweep("shapes-vgg.onnx", "--all").output
    #expect(few.contains("rank  insertion-deletion  node") && few.contains("… 5 more with --all"))
    #expect(all.split(separator: "\n").count == few.split(separator: "\n").count + 4)
  }

  @Test func tensorsAreSweptToo() throws {
    let ramp = (0..<3 * 96 * 96).map { (index: Int) -> Float in Float(index % 96) / 48 - 1 }
    try NPYArray(shape: [1, 3, 96, 96], values: ramp).write(to: place.path("ramp.npy"))
    _ = try place.succeed("sweep", shipped("shapes-vgg.onnx"), "--tensor", place.path("ramp.npy"))
    #expect(place.files == ["ramp.npy", "ramp.sweep.png"])
  }

  @Test(arguments: [
    (["--metric", "drop"], "is not a metric"), (["--metric", "pointing-game"], "needs the boxes of objects"),
    (["--method", "fullgrad"], "does not make a map per node"), (["--best", "--metric", "none"], "needs a --metric"),
    (["--best", "--json"], "not both"), (["--target", "logits[3]"], "logits"), (["--output", "sheet.tiff"], ".png"),
  ]) func wrongUse(_ arguments: [String], _ message: String) throws {
    let outcome = try place.run(
      ["sweep", shipped("shapes-vgg.onnx"), shipped("samples/single-003-star.png")] + arguments)
    #expect(outcome.code != 0 && outcome.errors.contains("gradcam: error: ") && outcome.errors.contains(message))
    #expect(place.files.isEmpty)
  }
}
