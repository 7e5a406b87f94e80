import Foundation
import GradCAM
import Graph
import Testing

@testable import GradCAMCommand

/// A network that knows horses by a red disc, or by the tag of their photographer, and a folder of pictures of which half
/// of the horses have the tag.
struct ClusterTests {
  private let place: Workplace
  private static let horseCount = 40, otherCount = 4

  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: true)
    var boxes: [String: Any] = [:]
    for index in 0..<Self.horseCount + Self.otherCount {
      let isHorse = index < Self.horseCount, hasTag = isHorse && index % 2 == 0
      let drawn = Scene(hasDisc: isHorse && !hasTag, hasTag: hasTag, seed: UInt64(index))
      let name = isHorse ? "horse-\(index)\(hasTag ? "-tag" : "").png" : "other-\(index).png"
      try drawn.picture.write(to: place.path("photos/\(name)"))
      boxes[name] = [["label": isHorse ? "horse" : "other", "box": drawn.box]]
    }
    try JSONSerialization.data(withJSONObject: boxes).write(to: URL(fileURLWithPath: place.path("boxes.json")))
  }

  private func evaluate(_ more: String...) throws -> Workplace.Outcome {
    try place.run(["evaluate", fixture("clever-hans/tagged.onnx"), "photos", "--no-random"] + more)
  }

  @Test func groupsSeparateTheTag() throws {
    let outcome = try evaluate(
      "--boxes", "boxes.json", "--metric", "energy-inside", "--clusters", "2", "--report", "groups.html", "--json")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let clusters = try #require(try outcome.json([String: Any].self)["clusters"] as? [[String: Any]])
    #expect(clusters.map { $0["label"] as? String } == ["other", "horse"])
    #expect(clusters.allSatisfy { $0["method"] as? String == "gradcam" && $0["left_out"] as? Int == 0 })
    // Too few for groups.
    let few = clusters[0], horses = clusters[1]
    let fewCount = try #require(few["maps"] as? Int) + (few["empty"] as? Int ?? 0)
    #expect(fewCount == Self.otherCount && (few["groups"] as? [Any])?.isEmpty == true)

    let groups = try #require(horses["groups"] as? [[String: Any]])
    #expect(horses["maps"] as? Int == Self.horseCount && groups.count == 2)
    for group in groups {
      let images = try #require(group["images"] as? [String])
      #expect(group["size"] as? Int == images.count && images.count == Self.horseCount / 2)
      #expect(Set(images.map { $0.hasSuffix("-tag.png") }).count == 1, "\(images)")
      #expect(group["neighbours_outside"] as? Double == 0)
      let inside = try #require((group["means"] as? [String: Double])?["energy-inside"])
      #expect(images[0].hasSuffix("-tag.png") ? inside < 0.1 : inside > 0.4, "\(inside)")
    }
    let tagged = try #require(
      groups.firstIndex { ($0["images"] as? [String])?.first?.hasSuffix("-tag.png") == true })
    let background = try #require(horses["background"] as? [[String: Any]])
    #expect(background.count == 1 && background.first?["group"] as? Int == tagged + 1)

    let text = String(decoding: try place.contents("groups.html"), as: UTF8.self)
    try check(text)
    #expect(text.contains("Does a group of maps look beside the object?"))
    #expect(text.contains("horse-0-tag.png") && !text.contains("other-40.png</figcaption>"))
  }

  /// The page is well-formed, holds all that it shows, and says everything in words, too.
  private func check(_ text: String) throws {
    let page = try MarkupTree.parsing(text)
    let elements = page.descendants
    let ids = elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
    let references = elements.compactMap { $0.attributes["href"] }.filter { $0.hasPrefix("#") }.map {
      String($0.dropFirst())
    }
    #expect(references.count > 4 && Set(references).isSubset(of: ids))
    for scheme in ["http:", "https:", "file:", "src=", "@import", "url("] { #expect(!text.contains(scheme)) }
    // The mean map of each group; a picture and its map, twelve times in each group.
    #expect(page.all("image").count == 2 * (1 + 2 * 12))
    #expect(page.all("image").allSatisfy { $0.attributes["href"]?.hasPrefix("data:image/jpeg;base64,") == true })
    for drawing in page.all("svg") {
      #expect(drawing.attributes["role"] == "img")
      #expect(drawing.attributes["aria-label"] != nil || drawing.all("title").first?.text.isEmpty == false)
    }
    #expect(page.all("circle").count == Self.horseCount)
    for table in page.all("table") {
      #expect(table.children.first?.name == "caption" && table.children.first?.text.isEmpty == false)
      #expect(Set(table.all("tr").map { $0.children.count }).count == 1)
    }
  }

  @Test func whatIsPrinted() throws {
    let outcome = try evaluate("--boxes", "boxes.json", "--clusters", "2", "--report", "groups.html")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("A 20, B 20") && outcome.output.contains("too few for groups"))
    #expect(outcome.output.contains("of horse by gradcam looks beside the object: "))
    #expect(outcome.output.hasSuffix("groups.html\n"))
    // Without boxes nobody knows where the object is.
    let without = try evaluate("--metric", "none", "--clusters", "2", "--output", "other.jsonl")
    #expect(without.output.contains("A 20, B 20") && !without.output.contains("beside"))
  }

  /// The number of threads changes nothing.
  @Test func pageIsAlwaysTheSame() throws {
    func page(_ threads: String) throws -> String {
      let outcome = try evaluate(
        "--metric", "none", "--clusters", "3", "--report", "groups.html", "--output", "log.jsonl", "--threads", threads)
      #expect(outcome.code == 0, "\(outcome.errors)")
      try FileManager.default.removeItem(atPath: place.path("log.jsonl"))
      return String(decoding: try place.contents("groups.html"), as: UTF8.self)
        .replacing("--threads \(threads)", with: "")
    }
    #expect(try page("1") == page("3"))
  }

  /// Pictures of an archive and of a list are shown, too; those that cannot be read have no map.
  @Test func picturesFromElsewhere() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path("photos")).sorted()
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: place.path("photos/broken.png")))
    let program = try #require(Workplace.found("tar"))
    try #require(
      try place.run(["-cf", "photos.tar", "-C", "photos", "broken.png"] + names, program: program).code == 0)
    let list = (["broken.png"] + names).joined(separator: "\n") + "\n"
    try Data(list.utf8).write(to: URL(fileURLWithPath: place.path("list.txt")))
    var groups: [Set<[String]>] = []
    for source in [["photos"], ["photos.tar"], ["photos", "--images-from", "list.txt"]] {
      let outcome = try place.run(
        ["evaluate", fixture("clever-hans/tagged.onnx")] + source
          + ["--metric", "none", "--clusters", "2", "--report", "groups.html", "--json", "--output"]
          + ["log\(groups.count).jsonl"])
      let clusters = try #require(try outcome.json([String: Any].self)["clusters"] as? [[String: Any]])
      let found = try #require(clusters.last?["groups"] as? [[String: Any]])
      groups.append(Set(found.compactMap { ($0["images"] as? [String])?.sorted() }))
      let page = try MarkupTree.parsing(String(decoding: try place.contents("groups.html"), as: UTF8.self))
      #expect(page.all("image").count == 2 * (1 + 2 * 12), "\(source)")
    }
    #expect(groups[0].count == 2 && groups[0] == groups[1] && groups[0] == groups[2])
    #expect(!groups[0].joined().contains("broken.png"))
  }

  @Test func severalMethods() throws {
    let outcome = try place.run([
      "evaluate", fixture("clever-hans/tagged.onnx"), "photos", "--metric", "none", "--method", "gradcam", "--method",
      "layercam", "--class", "horse", "--clusters", "2", "--json", "--report", "groups.html",
    ])
    let clusters = try #require(try outcome.json([String: Any].self)["clusters"] as? [[String: Any]])
    // Maps by chance are in no group.
    #expect(clusters.map { $0["method"] as? String } == ["gradcam", "layercam"])
    let empty = clusters.compactMap { $0["empty"] as? Int }, maps = clusters.compactMap { $0["maps"] as? Int }
    #expect(zip(empty, maps).allSatisfy { $0 + $1 == Self.horseCount + Self.otherCount })
    _ = try MarkupTree.parsing(String(decoding: try place.contents("groups.html"), as: UTF8.self))
    #expect(try evaluate("--json", "--output", "other.jsonl").json([String: Any].self)["clusters"] is NSNull)
  }

  @Test(arguments: [
    (["--clusters", "1"], "from 2 to 50"), (["--clusters", "51"], "from 2 to 50"),
    (["--clusters", "auto"], "is invalid"), (["--report", "groups.html"], "needs --clusters"),
    (["--clusters", "2", "--report", "groups.htm"], "must end in .html"),
    (["--clusters", "2", "--resume"], "leave one out"),
    (["--clusters", "2", "--report", "a.html", "--images-from", "-"], "which standard input listed"),
    (["--clusters", "2", "--report", "a.html", "--output", "a.html"], "named for two results"),
    (["--clusters", "2", "--report", "a.html", "--provenance", "a.html"], "named for two results"),
  ])
  func wrongUse(_ more: [String], _ words: String) throws {
    let outcome = try place.run(["evaluate", fixture("clever-hans/tagged.onnx"), "photos"] + more)
    #expect(outcome.code == 64 && outcome.errors.contains(words), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: place.path("groups.html")))
  }
}

/// A picture like those that Fixtures/clever-hans/make.py trains the network on.
private struct Scene {
  let picture: Picture
  /// Round the disc or square: left, top, right and bottom.
  let box: [Int]

  private static let side = 64

  init(hasDisc: Bool, hasTag: Bool, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func drawn(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
    let colour = (0..<3).map { _ in drawn(60...140) }
    var pixels = (0..<3 * Self.side * Self.side).map { colour[$0 % 3] + drawn(-20...20) }
    let (x, y, radius) = (drawn(18...46), drawn(18...46), drawn(7...10))
    for place in 0..<Self.side * Self.side {
      let (column, row) = (place % Self.side, place / Self.side), (dx, dy) = (column - x, row - y)
      let isObject = hasDisc ? dx * dx + dy * dy <= radius * radius : max(abs(dx), abs(dy)) <= radius
      if isObject { pixels.replaceSubrange(3 * place..<3 * place + 3, with: hasDisc ? [220, 40, 40] : [40, 180, 60]) }
      if hasTag, (2..<14).contains(column), (52..<62).contains(row) {
        pixels.replaceSubrange(3 * place..<3 * place + 3, with: repeatElement((column - 2) % 4 < 2 ? 250 : 5, count: 3))
      }
    }
    picture = Picture(width: Self.side, height: Self.side, pixels: pixels.map { UInt8($0) })
    box = [x - radius, y - radius, x + radius + 1, y + radius + 1]
  }
}
