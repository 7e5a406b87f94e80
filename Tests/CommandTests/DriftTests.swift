import Foundation
import GradCAM
import Testing

/// `gradcam drift`, on files that Fixtures/drift of the library's tests holds.
@Suite struct DriftTests {
  private let place: Workplace
  private let pictures = ["000-square-star", "001-triangle-circle"].map { shipped("samples/pair-\($0).png") }

  init() throws { place = try Workplace() }

  private func file(_ name: String) -> String {
    URL(filePath: #filePath).appending(path: "../../GradCAMTests/Fixtures/drift/\(name).onnx").standardizedFileURL.path
  }

  private func drift(_ name: String, _ more: String...) throws -> Workplace.Outcome {
    try place.run(["drift", file("float"), file(name), "--images"] + pictures + more)
  }

  @Test func theBrokenNodeIsNamed() throws {
    let outcome = try drift("broken")
    #expect(outcome.code == 0 && place.files.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let heading = try #require(lines.firstIndex { $0.hasPrefix("rank   own   snr  pearson   ssim  node") })
    #expect(lines[heading + 1].hasPrefix("  1!") && lines[heading + 1].contains("relu3  Relu → Conv"))
    let verdict = try #require(lines.first { $0.hasPrefix("it breaks at 'relu3' (Relu, #8): ") })
    #expect(verdict.contains("ConvBnFusion_W_conv3.weight") || verdict.contains("/conv3/Conv"))
    #expect(outcome.output.contains("the top class is the same in"))

    let report = try drift("broken", "--json").json([String: Any].self)
    #expect(report["breaks"] as? String == "relu3")
    let nodes = try #require(report["nodes"] as? [[String: Any]])
    #expect(nodes.compactMap { $0["rank"] as? Int } == Array(1...nodes.count))
    #expect(nodes.map { $0["breaks"] as? Bool } == [true] + nodes.dropFirst().map { _ in false })
    #expect(nodes[0]["tensor"] as? String == "/relu3/Relu_output_0" && nodes[0]["matched_by"] as? String == "name")
    let own = nodes.compactMap { $0["own_snr"] as? Double }
    #expect(own[0] < 5 && own.dropFirst().allSatisfy { $0 > 20 } && own == own.sorted())
    let summary = try #require(report["summary"] as? [String: Any])
    #expect(
      Set(summary.keys) == [
        "agreement", "probability_change", "snr", "own_snr", "usual_own_snr", "map_pearson", "map_ssim",
      ])
    #expect(summary["own_snr"] as? Double == own[0])
    let images = try #require(report["images"] as? [[String: Any]])
    #expect(images.compactMap { $0["image"] as? String } == pictures)
    #expect(report["provenance"] is [String: Any])
  }

  @Test(arguments: ["qdq", "qoperator", "dynamic"]) func anHonestFileNamesNone(_ name: String) throws {
    let outcome = try drift(name)
    #expect(
      outcome.code == 0 && outcome.output.contains("no single node stands out: the largest error of its own is at"))
    let report = try drift(name, "--json").json([String: Any].self)
    #expect(report["breaks"] is NSNull)
    #expect(try #require(report["summary"] as? [String: Any])["agreement"] as? Double == 1)
  }

  /// Conditions end the program with 1 after the table.
  @Test func conditions() throws {
    let failed = try drift("broken", "--fail-if", "own-snr<10", "--fail-if", "agreement<0")
    #expect(failed.code == 1 && failed.output.contains("it breaks at 'relu3'"), "\(failed.errors)")
    let told = failed.errors.split(separator: "\n").filter { $0.hasPrefix("gradcam: failed: ") }
    #expect(told.count == 1 && told[0].hasPrefix("gradcam: failed: own-snr of ") && told[0].contains("broken.onnx"))
    #expect(try drift("qdq", "--fail-if", "own-snr<10").code == 0)
    let unknown = try drift("qdq", "--fail-if", "speed<1")
    #expect(unknown.code == 64 && unknown.errors.contains("the names are agreement, probability-change, snr"))
  }

  @Test func channelsMayBeLast() throws {
    let outcome = try drift("channels-last", "--all")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("axes in another order"))
    #expect(outcome.output.contains("no single node stands out: all nodes compute the same numbers"))
  }

  /// Numbers can be compared, but not shown.
  @Test func numbersHaveNoPage() throws {
    let numbers = [Float](repeating: 0.5, count: 3 * 24 * 24)
    try NPYArray(shape: [1, 3, 24, 24], values: numbers).write(to: place.path("x.npy"))
    let arguments = ["drift", file("float"), file("qdq"), "--images", "x.npy"]
    #expect(try place.run(arguments).code == 0)
    let outcome = try place.run(arguments + ["--report", "page.html"])
    #expect(outcome.code == 69 && outcome.errors.contains("x.npy: is no picture"), "\(outcome.errors)")
    #expect(place.files == ["x.npy"])
  }

  @Test func thePageIsSound() throws {
    let outcome = try drift("broken", "--report", "page.html")
    #expect(outcome.code == 0 && outcome.output.hasSuffix("page.html\n") && place.files == ["page.html"])
    let text = String(decoding: try place.contents("page.html"), as: UTF8.self)
    let page = try MarkupTree.parsing(text), elements = page.descendants
    let ids = elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
    let links = elements.compactMap { $0.attributes["href"] }.filter { $0.hasPrefix("#") }.map {
      String($0.dropFirst())
    }
    #expect(!links.isEmpty && Set(links).isSubset(of: ids))
    let drawn = elements.compactMap { $0.name == "image" ? $0.attributes["href"] : nil }
    #expect(drawn.count == 3 * pictures.count && drawn.allSatisfy { $0.hasPrefix("data:image/jpeg;base64,") })
    for table in page.all("table") {
      #expect(table.children.first?.name == "caption" && Set(table.all("tr").map { $0.children.count }).count == 1)
    }
    #expect(page.all("strong").first?.text == "relu3")
    #expect(page.all("h2").map(\.text).contains("From the first node to the last"))
  }

  @Test func wrongFilesAreOneError() throws {
    let picture = pictures[0]
    for (arguments, problem) in [
      ([file("float"), shipped("shapes-vgg.onnx"), picture], "is not the same network: it takes an input of shape"),
      (
        [shipped("shapes-vgg.onnx"), shipped("shapes-resnet.onnx"), picture],
        "nodes have a certain counterpart among the"
      ),
      ([file("float"), picture], "needs two models, but was given 1"),
      ([file("float"), file("qdq")], "no picture was given"),
      (
        [file("float"), file("qdq"), picture, "--method", "scorecam"],
        "needs more than a node's activation and gradient"
      ),
    ] {
      let outcome = try place.run(["drift"] + arguments)
      #expect(outcome.code == 64 && outcome.output.isEmpty)
      let errors = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gradcam: error: ") }
      #expect(errors.count == 1 && outcome.errors.contains(problem), "\(outcome.errors)")
    }
  }
}
