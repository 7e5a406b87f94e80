import Foundation
import Testing

/// Tables of many images: parts of them, lists, interrupted runs, and what joins them.
@Suite struct RowsTests {
  private let place: Workplace

  /// A folder of pictures, one of which is none.
  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos/more"), withIntermediateDirectories: true)
    let samples = try FileManager.default.contentsOfDirectory(atPath: shipped("samples")).sorted()
    for (number, name) in samples.filter({ !$0.hasSuffix(".json") && !$0.hasSuffix(".md") }).prefix(11).enumerated() {
      let folder = number % 3 == 0 ? "photos/more" : "photos"
      try FileManager.default.copyItem(atPath: shipped("samples/\(name)"), toPath: place.path("\(folder)/\(name)"))
    }
    try Data("no picture".utf8).write(to: URL(filePath: place.path("photos/bad.png")))
  }

  private static let model = shipped("shapes-resnet.onnx")

  private func lines(_ file: String) throws -> [String] {
    String(decoding: try place.contents(file), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func rows(_ file: String) throws -> [[String: Any]] {
    try lines(file).map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
      .filter { $0["image"] != nil }
  }

  private func explain(_ more: String...) throws -> Workplace.Outcome {
    try place.run(["explain", Self.model] + more)
  }

  @Test func everyImageHasARow() throws {
    let outcome = try explain("photos", "--rows", "rows.jsonl", "--output", "maps")
    #expect(outcome.code == 0 && outcome.output == "11 pictures explained, 1 failed, 11 maps\n", "\(outcome)")
    let rows = try rows("rows.jsonl")
    #expect(rows.count == 12 && Set(rows.compactMap { $0["image"] as? String }).count == 12)
    let bad = try #require(rows.first { $0["image"] as? String == "bad.png" })
    #expect((bad["error"] as? String)?.hasPrefix("the file is no picture") ?? false)
    for row in rows where row["error"] == nil {
      let image = try #require(row["image"] as? String), output = try #require(row["output"] as? String)
      // Pictures lie as the images do.
      #expect(output == "maps/\(image).shapes-resnet.layer3.0.relu.gradcam.png")
      _ = try place.picture(output)
    }
    #expect(Set(rows.compactMap { $0["configuration"] as? String }).count == 2)
    #expect(!place.files.contains { $0.hasSuffix(".part") })
    // The document that describes the same maps.
    let entries = try explain("photos", "--json", "--output", "again").json([[String: Any]].self)
    for entry in entries {
      let row = try #require(rows.first { "photos/\($0["image"]!)" == entry["image"] as? String })
      for (key, other) in [("label", "label"), ("node", "node"), ("method", "method")] {
        #expect(row[key] as? String == entry[other] as? String)
      }
      #expect(row["score"] as? Double == entry["logit"] as? Double)
      #expect(row["probability"] as? Double == entry["probability"] as? Double)
      #expect(row["class"] as? Int == entry["class"] as? Int)
    }
  }

  /// The parts of any number are disjoint, are all images, and depend on names alone.
  @Test(arguments: ["jsonl", "csv"]) func shardsAreMerged(_ format: String) throws {
    #expect(try explain("photos", "--rows", "whole.\(format)").code == 0)
    for number in 1...5 {
      #expect(try explain("photos", "--rows", "\(number).\(format)", "--shard", "\(number)/5").code == 0)
    }
    let parts = (1...5).map { "\($0).\(format)" }
    let merged = try place.run(["merge"] + parts + ["--output", "all.\(format)", "--expect", "photos"])
    #expect(merged.code == 0 && merged.output == "12 images, 1 failed, 12 rows → all.\(format)\n", "\(merged)")
    #expect(try lines("all.\(format)").sorted() == lines("whole.\(format)").sorted())
    // The same images by a list that names them in another order, from another folder.
    let names = try lines("all.\(format)").dropFirst().compactMap { line in
      format == "csv" ? line.split(separator: ",").first.map(String.init) : nil
    }
    guard format == "csv" else { return }
    try Data((names.reversed().joined(separator: "\r\n") + "\r\n\r\n").utf8).write(
      to: URL(filePath: place.path("list.txt")))
    let second = try place.run(["merge", "2.csv", "--output", "2-again.csv"])
    #expect(second.code == 0)
    let listed = try place.run([
      "evaluate", Self.model, "photos", "--images-from", "list.txt", "--shard", "2/5", "--metric", "none",
      "--no-random", "--output", "listed.csv",
    ])
    #expect(listed.code == 0, "\(listed.errors)")
    func images(_ file: String) throws -> [String] {
      try lines(file).dropFirst().map { String($0.prefix { $0 != "," }) }.sorted()
    }
    #expect(try images("listed.csv") == images("2.csv") && !images("2.csv").isEmpty)
  }

  /// The number that decides an image's shard is that of SHA-256, which any other program can compute.
  @Test func shardOfAName() throws {
    for name in ["a.png", "b.png", "c.png"] {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path(name))
    }
    try Data("a.png\u{0}b.png\u{0}c.png".utf8).write(to: URL(filePath: place.path("list")))
    var shards: [String: Int] = [:]
    for number in 1...3 {
      _ = try place.succeed(
        "explain", Self.model, "--images-from", "list", "--rows", "\(number).jsonl", "--shard", "\(number)/3")
      for row in try rows("\(number).jsonl") { shards[try #require(row["image"] as? String)] = number }
    }
    #expect(shards == Self.shards)
  }

  // python3 -c "import hashlib; print({n: int.from_bytes(hashlib.sha256(n.encode()).digest()[:8], 'big') % 3 + 1
  // for n in ['a.png', 'b.png', 'c.png']})"
  private static let shards = ["a.png": 3, "b.png": 1, "c.png": 1]

  /// Whatever an interrupted run left, a resumed one ends with the rows of a whole one, and the pictures.
  @Test(arguments: ["whole.jsonl", "whole.csv"]) func resuming(_ file: String) throws {
    func run(_ file: String, _ more: String...) throws -> Workplace.Outcome {
      try place.run(
        ["explain", Self.model, "photos", "--method", "gradcam", "--method", "layercam", "--rows", file] + more)
    }
    #expect(try run(file).code == 0)
    let text = String(decoding: try place.contents(file), as: UTF8.self), part = file.replacing("whole", with: "part")
    for length in [0, 1, 40, text.utf8.count / 3, text.utf8.count / 2, text.utf8.count - 1, text.utf8.count] {
      try? FileManager.default.removeItem(atPath: place.path(part))
      try Data(text.utf8.prefix(length)).write(to: URL(filePath: place.path("\(part).part")))
      let refused = try run(part)
      #expect(
        refused.code == 64 && refused.errors.contains("\(part).part: is that of an unfinished run; give --resume"))
      #expect(try run(part, "--resume").code == 0)
      #expect(try lines(part) == lines(file), "\(length)")
    }
    // Nothing is left to do.
    let again = try run(file, "--resume")
    #expect(again.code == 0 && again.output == "0 pictures explained, 0 maps\n", "\(again)")
    #expect(String(decoding: try place.contents(file), as: UTF8.self) == text)
    let other = try run(file, "--resume", "--class", "0")
    #expect(other.code == 64 && other.errors.contains("error: --resume \(file): holds rows of "), "\(other.errors)")
  }

  /// Names on standard input are explained as they come.
  @Test func namesFromStandardInput() throws {
    let outcome = try place.run(["explain", Self.model, "--images-from", "-", "--jsonl", "--output", "maps/"])
    #expect(outcome.code == 0 && outcome.output.isEmpty, "\(outcome)")
    let script =
      "ls photos/*.* | \(Workplace.built("gradcam").path) explain \(Self.model) --images-from - --rows rows.jsonl --quiet"
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = place.folder
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try rows("rows.jsonl").compactMap { $0["image"] as? String }.sorted() == filesBelowPhotos)
  }

  /// On standard output, rows are the same lines.
  @Test func rowsOnStandardOutput() throws {
    #expect(try explain("photos", "--rows", "rows.jsonl").code == 0)
    let printed = try explain("photos", "--rows", "-")
    let whole = String(decoding: try place.contents("rows.jsonl"), as: UTF8.self)
    #expect(printed.code == 0 && printed.output == whole)
    for more in [["--resume"], ["--json"]] {
      #expect(try place.run(["explain", Self.model, "photos", "--rows", "-"] + more).code == 64)
    }
  }

  private var filesBelowPhotos: [String] {
    place.files.filter { $0.hasPrefix("photos/") && !$0.hasPrefix("photos/more") }.sorted()
  }

  /// An archive's pictures are those of the folder that it was made of.
  @Test(.enabled(if: Workplace.found("tar") != nil), arguments: ["cf", "czf"]) func archives(_ way: String) throws {
    let tar = try #require(Workplace.found("tar")), archive = way == "cf" ? "photos.tar" : "photos.tgz"
    #expect(try place.run(["-C", "photos", "-\(way)", archive, "."], program: tar).code == 0)
    #expect(try explain("photos", "--rows", "folder.csv").code == 0)
    for number in 1...2 {
      #expect(try explain(archive, "--rows", "\(number).csv", "--shard", "\(number)/2").code == 0)
    }
    let merged = try place.run(["merge", "1.csv", "2.csv", "--output", "all.csv", "--expect", archive])
    #expect(merged.code == 0, "\(merged.errors)")
    #expect(try lines("all.csv").sorted() == lines("folder.csv").sorted())
    // Boxes are found for an archive's pictures, too.
    let boxes = ["--boxes", shipped("samples/boxes.json"), "--metric", "pointing", "--method", "gradcam", "--output"]
    for source in ["photos", archive] {
      let outcome = try place.run(["evaluate", Self.model, source] + boxes + ["\(source).csv"])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    #expect(try lines("photos.csv").sorted() == lines("\(archive).csv").sorted())
    // Pictures before the end of an archive that is cut off have their rows, in a table that is not complete.
    let bytes = try place.contents(archive)
    try bytes.prefix(bytes.count * 2 / 3).write(to: URL(filePath: place.path(archive)))
    let cut = try explain(archive, "--rows", "cut.csv")
    #expect(cut.code == 65 && cut.errors.contains("error: \(archive): the archive is cut off"), "\(cut.errors)")
    #expect(try lines("cut.csv.part").count > 1 && !place.files.contains("cut.csv"))
  }

  /// Rows of a detector have the box, in both formats.
  @Test func boxesOfADetector() throws {
    let arguments = ["explain", shipped("shapes-detector.onnx"), shipped("detector-samples"), "--detection", "0"]
    for file in ["boxes.jsonl", "boxes.csv"] { #expect(try place.run(arguments + ["--rows", file]).code == 0) }
    let entries = try place.run(arguments + ["--json", "--output", "maps"]).json([[String: Any]].self)
    let rows = try rows("boxes.jsonl")
    #expect(rows.count == entries.count && rows.count == 6)
    for (row, entry) in zip(rows, entries) {
      let box = try #require(row["box"] as? [Double])
      #expect(box == entry["box"] as? [Double] && box.count == 4)
      #expect((entry["image"] as? String)?.hasSuffix(row["image"] as? String ?? "?") ?? false)
    }
    // Through either format, a table is the same.
    #expect(try place.run(["merge", "boxes.csv", "--output", "again.csv"]).code == 0)
    #expect(try lines("again.csv") == lines("boxes.csv").prefix(1) + lines("boxes.csv").dropFirst().sorted())
    #expect(try place.run(["merge", "boxes.jsonl", "--output", "other.csv"]).code == 0)
    #expect(try lines("other.csv") == lines("again.csv"))
  }

  // MARK: Merging

  @Test func mergeRefusesWhatIsNotWhole() throws {
    for number in 1...2 {
      #expect(try explain("photos", "--rows", "\(number).jsonl", "--shard", "\(number)/2").code == 0)
    }
    #expect(try explain("photos", "--rows", "other.jsonl", "--method", "layercam").code == 0)
    #expect(try explain("photos", "--rows", "node.jsonl", "--node", "layer2.0").code == 0)
    let first = try lines("1.jsonl"), image = try #require(try rows("1.jsonl").first?["image"] as? String)
    func write(_ name: String, _ lines: [String], end: String = "\n") throws {
      try Data((lines.joined(separator: "\n") + end).utf8).write(to: URL(filePath: place.path(name)))
    }
    try write("cut.jsonl", first, end: "")
    try write("changed.jsonl", first.map { $0.replacing("\"score\":", with: "\"score\":1") })
    try write("foreign.jsonl", ["{\"a\": 1}"])
    try write("empty.jsonl", [], end: "")
    try write("table.csv", ["image,score", "a.png,1"])
    try write("3.jsonl.part", first)
    try write("list", ["\(image)", "lost.png", "lost.png"])
    for (arguments, code, message) in [
      (["1.jsonl"], 65, "of 12 images have no rows: "),
      (["1.jsonl", "2.jsonl", "list"], 65, "1 of 2 images have no rows: lost.png"),
      (["1.jsonl", "2.jsonl", "list"], 65, "have rows and are not expected: "),
      (["1.jsonl", "changed.jsonl"], 65, "has rows that differ in "),
      (["cut.jsonl"], 65, "cut.jsonl: ends within a row; run its shard again"),
      (["foreign.jsonl"], 65, "record 1 is not a row"), (["empty.jsonl"], 65, "is empty"),
      (["table.csv"], 65, "has other columns than rows have"), (["3.jsonl.part"], 65, "is that of an unfinished run"),
      (["1.jsonl", "node.jsonl"], 65, "node.jsonl: is of the node layer2.0 than the files before it"),
      (["nowhere.jsonl"], 66, "cannot be opened"), (["list"], 64, "has no known extension"),
    ] as [([String], Int32, String)] {
      let list = arguments.contains("list") && arguments.count > 1
      let files = list ? Array(arguments.dropLast()) : arguments
      let outcome = try place.run(
        ["merge"] + files + ["--output", "merged.jsonl", "--expect", list ? "list" : "photos"])
      #expect(outcome.code == code && outcome.errors.contains(message), "\(arguments): \(outcome.errors)")
      #expect(!place.files.contains("merged.jsonl"))
    }
    let input = try place.run(["merge", "1.jsonl", "--output", "1.jsonl"])
    #expect(input.code == 64 && input.errors.contains("would be overwritten"))
    // Rows that are the same stand once; methods stand beside each other.
    let twice = try place.run([
      "merge", "2.jsonl", "1.jsonl", "2.jsonl", "other.jsonl", "--output", "merged.csv", "--json",
    ])
    #expect(twice.code == 0, "\(twice.errors)")
    let report = try twice.json([String: Any].self), count = try rows("2.jsonl").count
    // The picture that is none has a row in both.
    #expect(report["images"] as? Int == 12 && report["failed"] as? Int == 1)
    #expect(report["rows"] as? Int == 23 && report["repeated"] as? Int == count + 1, "\(report)")
    #expect(try lines("merged.csv").count == 24)
  }

  /// The means and intervals are those of the whole table.
  @Test func mergedMeans() throws {
    func evaluate(_ more: String...) throws -> Workplace.Outcome {
      try place.run(["evaluate", Self.model, "photos", "--metric", "deletion", "--metric", "complexity"] + more)
    }
    let whole = try evaluate("--output", "whole.csv", "--json").json([String: Any].self)
    for number in 1...3 {
      #expect(try evaluate("--output", "\(number).csv", "--shard", "\(number)/3").code == 0)
    }
    let merged = try place.run(
      ["merge", "3.csv", "1.csv", "2.csv", "--output", "all.csv", "--expect", "photos", "--json", "--fail-if"]
        + ["deletion<0"])
    #expect(merged.code == 0, "\(merged.errors)")
    let report = try merged.json([String: Any].self)
    let means = try [whole, report].map { report in
      try #require(report["metrics"] as? [[String: Any]]).flatMap { metric in
        try #require(metric["methods"] as? [[String: Any]]).flatMap { method in
          ["mean", "low", "high"].map { (method[$0] as? Double).map { ($0 * 1e9).rounded() / 1e9 } }
        }
      }
    }
    #expect(means[0] == means[1] && means[0].count == 12)
    let failed = try place.run(
      ["merge", "3.csv", "1.csv", "2.csv", "--output", "all.csv", "--fail-if", "deletion>0"])
    #expect(failed.code == 1 && failed.errors.contains("failed: deletion of gradcam is"), "\(failed.errors)")
  }
}
