import Foundation
import Testing

@Suite struct EvaluateTests {
  private let place: Workplace

  /// A folder of four pictures, one of which is none.
  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos/more"), withIntermediateDirectories: true)
    for (from, to) in [
      ("single-003-star.png", "a.png"), ("pair-006-star-cross.png", "b.png"), ("single-004-cross.jpg", "more/d.jpg"),
    ] { try FileManager.default.copyItem(atPath: shipped("samples/\(from)"), toPath: place.path("photos/\(to)")) }
    try Data("no picture".utf8).write(to: URL(filePath: place.path("photos/c.png")))
    try Data("{}".utf8).write(to: URL(filePath: place.path("photos/notes.json")))
  }

  private static let metrics = ["--metric", "average-drop", "--metric", "deletion", "--no-random"]

  private func evaluate(_ more: String...) throws -> Workplace.Outcome {
    try place.run(["evaluate", shipped("shapes-vgg.onnx"), "photos"] + Self.metrics + more)
  }

  private func lines(_ file: String) throws -> [String] {
    String(decoding: try place.contents(file), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The lines without the one of JSON that says what the others are of.
  private func linesOfMaps(_ file: String) throws -> [String] {
    try lines(file).filter { !$0.hasPrefix(#"{"configuration":{"#) }
  }

  @Test func everyImageHasALineAndBadOnesAreCounted() throws {
    let outcome = try evaluate("--method", "gradcam", "--method", "random", "--json")
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("photos/c.png") && outcome.errors.contains("skipped"))
    let lines = try linesOfMaps("shapes-vgg.evaluation.jsonl").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(
      lines.map { $0["image"] as? String } == ["a.png", "a.png", "b.png", "b.png", "c.png", "more/d.jpg", "more/d.jpg"])
    #expect(
      lines.map { $0["method"] as? String } == ["gradcam", "random", "gradcam", "random", nil, "gradcam", "random"])
    #expect((lines[4]["error"] as? String)?.contains("no picture of a format") ?? false)
    let report = try outcome.json([String: Any].self)
    #expect(report["images"] as? Int == 3 && report["skipped"] as? Int == 1)
    let metrics = try #require(report["metrics"] as? [[String: Any]])
    #expect(metrics.map { $0["metric"] as? String } == ["average-drop", "deletion"])
    for metric in metrics {
      for method in try #require(metric["methods"] as? [[String: Any]]) {
        let name = try #require(metric["metric"] as? String)
        let values = try lines.filter { $0["method"] as? String == method["method"] as? String }.map {
          try #require(($0["metrics"] as? [String: Any])?[name] as? Double)
        }
        let mean = try #require(method["mean"] as? Double), low = try #require(method["low"] as? Double)
        #expect(values.count == 3 && abs(mean - values.reduce(0, +) / 3) < 1e-9 && low <= mean)
      }
    }
  }

  /// Whatever an interrupted run left, a resumed one ends with the lines and the means of a whole one.
  @Test(arguments: ["whole.jsonl", "whole.csv"]) func resuming(file: String) throws {
    let whole = try evaluate("--method", "gradcam", "--method", "random", "--output", file)
    #expect(whole.code == 0)
    let text = String(decoding: try place.contents(file), as: UTF8.self)
    let part = file.replacing("whole", with: "part")
    for length in [0, 1, 40, text.utf8.count / 3, text.utf8.count / 2, text.utf8.count - 1, text.utf8.count] {
      try? FileManager.default.removeItem(atPath: place.path(part))
      try Data(text.utf8.prefix(length)).write(to: URL(filePath: place.path("\(part).part")))
      let resumed = try evaluate("--method", "gradcam", "--method", "random", "--output", part, "--resume")
      #expect(resumed.code == 0, "\(length): \(resumed.errors)")
      #expect(try linesOfMaps(part) == linesOfMaps(file), "\(length)")
      #expect(try lines(part).count == lines(file).count, "\(length)")
      #expect(resumed.output.replacing(part, with: file) == whole.output, "\(length)")
    }
  }

  /// The lines of a whole log are never gone, even for an instant: a run that ends at once leaves the file as it was.
  @Test func whatIsThereIsNotWrittenAgain() throws {
    #expect(try evaluate("--output", "log.jsonl").code == 0)
    let whole = try place.contents("log.jsonl")
    let fewer = try evaluate("--output", "log.jsonl", "--resume", "--limit", "1")
    #expect(fewer.code == 0 && fewer.output.contains("3 images, 1 skipped"), "\(fewer.output)")
    #expect(try place.contents("log.jsonl") == whole)
    let others = try place.run(
      ["evaluate", shipped("shapes-vgg.onnx"), "photos", "--resume", "--output", "log.jsonl", "--method", "layercam"]
        + Self.metrics + ["--limit", "1"])
    #expect(others.code == 0, "\(others.errors)")
    #expect(try place.contents("log.jsonl").starts(with: whole))
    #expect(try linesOfMaps("log.jsonl").count == 5 && lines("log.jsonl").count == 6)
    #expect(!place.files.contains { $0.hasSuffix(".part") })
  }

  /// Only what this program wrote is continued; anything else stays as it is.
  @Test(arguments: [
    ("notes.jsonl", "my only copy"), ("notes.jsonl", "{\"a\": 1}"), ("notes.jsonl", "{\"image\":\"a\",\"b\":1}"),
    ("notes.jsonl", "[1, 2]\n"), ("notes.jsonl", "\n"), ("notes.jsonl", "{\"class\":\"cat\","),
    ("notes.jsonl", "{\"image\":\"a.png\",\"model\":\"m\"}\n"), ("notes.csv", "a,b\n1,2"),
    ("notes.csv", "my only copy"),
    ("notes.csv", "\"open,\n1,2\n3"), ("notes.json", "\u{0}\u{1}\u{2}"),
  ])
  func foreignFilesAreNotTouched(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: place.path(name)))
    let outcome = try evaluate("--output", name, "--resume")
    #expect(outcome.code == 64 && outcome.errors.contains("error: --resume \(name): holds"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").filter { $0.contains("error") }.count == 1)
    #expect(try place.contents(name) == Data(text.utf8))
  }

  /// Nor is what someone added to a log.
  @Test func linesThatWereAddedAreNotTouched() throws {
    #expect(try evaluate("--output", "log.jsonl").code == 0)
    let more = try place.contents("log.jsonl") + Data("see also the other run".utf8)
    try more.write(to: URL(filePath: place.path("log.jsonl")))
    let outcome = try evaluate("--output", "log.jsonl", "--resume")
    #expect(outcome.code == 64 && outcome.errors.contains("see also the other run"), "\(outcome.errors)")
    #expect(try place.contents("log.jsonl") == more)
  }

  /// A long file without line ends is refused in time that grows with its length.
  @Test func fileWithoutLineEnds() throws {
    let long = Data(repeating: UInt8(ascii: "{"), count: 66 << 20)
    try long.write(to: URL(filePath: place.path("long.jsonl")))
    let clock = ContinuousClock(), start = clock.now
    let outcome = try evaluate("--output", "long.jsonl", "--resume")
    #expect(outcome.code == 64 && outcome.errors.contains("a line of more than 64 MB"), "\(outcome.errors)")
    #expect(start.duration(to: clock.now) < .seconds(15))
    #expect(try place.contents("long.jsonl") == long)
  }

  @Test func oneRunAtATime() throws {
    #expect(try evaluate("--output", "log.jsonl").code == 0)
    let whole = try place.contents("log.jsonl")
    let file = open(place.path("log.jsonl"), O_RDWR | O_CLOEXEC)
    #expect(file >= 0 && flock(file, LOCK_EX) == 0)
    let refused = try evaluate("--output", "log.jsonl", "--resume")
    #expect(refused.code == 73 && refused.errors.contains("is being written by another run"), "\(refused.errors)")
    close(file)
    #expect(try evaluate("--output", "log.jsonl", "--resume").code == 0)
    #expect(try place.contents("log.jsonl") == whole)
  }

  /// Lines that two runs wrote count once, which is said once.
  @Test(arguments: ["log.jsonl", "log.csv"]) func doubledLinesCountOnce(_ name: String) throws {
    let methods = ["--method", "gradcam", "--method", "random", "--output", name]
    let whole = try evaluate(methods[0], methods[1], methods[2], methods[3], methods[4], methods[5])
    let all = try lines(name), head = 1
    let doubled = Array(all[..<head]) + all[head...].flatMap { [$0, $0] } + all[head..<(head + 3)]
    try Data((doubled.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: place.path(name)))
    let again = try evaluate(methods[0], methods[1], methods[2], methods[3], methods[4], methods[5], "--resume")
    #expect(again.code == 0 && again.output == whole.output, "\(again.output)")
    let told = again.errors.split(separator: "\n").filter { $0.contains("of maps that have one already") }
    #expect(told.count == 1 && told[0].contains("\(name): 10 lines"), "\(again.errors)")
    #expect(try lines(name) == doubled)
  }

  /// A method that is new gets the lines that are missing; a longer limit the images.
  @Test func resumingWithMore() throws {
    #expect(try evaluate("--limit", "2").code == 0)
    #expect(try evaluate("--method", "gradcam", "--method", "layercam", "--resume").code == 0)
    func names(_ file: String) throws -> [String] {
      try linesOfMaps(file).map { line in
        let line = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        return "\(line["image"]!) \(line["method"] ?? "")"
      }.sorted()
    }
    #expect(try evaluate("--method", "gradcam", "--method", "layercam", "--output", "once.jsonl").code == 0)
    #expect(try names("once.jsonl") == names("shapes-vgg.evaluation.jsonl"))
  }

  @Test func otherRunsAreNotResumed() throws {
    #expect(try evaluate("--limit", "2").code == 0)
    let again = try evaluate()
    #expect(again.code == 64 && again.errors.contains("already exists; give --resume"))
    let file = "shapes-vgg.evaluation.jsonl", before = try place.contents(file)
    for (arguments, message) in [
      (["--metric", "road"], "rows with other metrics"), (["--node", "features.10"], "rows of the node auto;"),
    ] {
      let other = try place.run(
        ["evaluate", shipped("shapes-vgg.onnx"), "photos", "--resume"]
          + (arguments[0] == "--metric" ? arguments : Self.metrics + arguments))
      #expect(other.code == 64 && other.errors.contains(message), "\(other.errors)")
    }
    let model = try place.run(
      ["evaluate", shipped("shapes-resnet.onnx"), "photos", "--resume", "--output", file] + Self.metrics)
    #expect(model.code == 64 && model.errors.contains("holds rows of other contents of the model"), "\(model.errors)")
    #expect(try place.contents(file) == before)
  }

  /// Boxes say which classes are explained, and where they are.
  @Test func boxesOfTwoObjects() throws {
    let outcome = try place.run([
      "evaluate", shipped("shapes-vgg.onnx"), shipped("samples"), "--limit", "3", "--boxes",
      shipped("samples/boxes.json"), "--metric", "pointing-game", "--no-random", "--output", "boxes.csv",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = try lines("boxes.csv")
    let columns =
      "image,configuration,model,node,method,concept,target,class,label,box,score,probability,output,warnings,"
      + "pointing-game,error,sha256"
    #expect(lines[0] == columns)
    #expect(lines.count == 7 && lines.dropFirst().allSatisfy { $0.contains(",1.0,,") })
    #expect(outcome.output.contains("pointing-game  higher  gradcam  1.000  1.000 … 1.000"))
  }

  /// All methods but those that the node does not admit, which are reported once.
  @Test func allMethods() throws {
    let outcome = try place.run([
      "evaluate", shipped("shapes-vgg.onnx"), "photos", "--limit", "1", "--metric", "average-drop", "--method", "all",
      "--node", "features.14",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = try lines("shapes-vgg.evaluation.jsonl")
    #expect(lines.count > 15 && outcome.errors.contains("cam"))
    #expect(!lines.contains { $0.contains(#""method":"dff""#) })
  }

  /// Maps by chance are measured beside those asked for, which are compared with them.
  @Test func methodsAreComparedWithChance() throws {
    let outcome = try place.run([
      "evaluate", shipped("shapes-vgg.onnx"), shipped("samples"), "--limit", "6", "--boxes",
      shipped("samples/boxes.json"), "--metric", "energy-inside", "--metric", "increase", "--json",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let report = try outcome.json([String: Any].self)
    let metrics = try #require(report["metrics"] as? [[String: Any]])
    let methods = try metrics.map { try #require($0["methods"] as? [[String: Any]]) }
    for rows in methods { #expect(rows.map { $0["method"] as? String } == ["gradcam", "random"]) }
    #expect(methods[0][0]["beats_random"] as? Bool == true && methods[0][0]["rank_low"] as? Int == 1)
    #expect(methods[0][0]["rank_high"] as? Int == 1 && methods[0][1]["rank_low"] as? Int == 2)
    #expect(methods[0][1]["beats_random"] is NSNull)
    let few = try place.run([
      "evaluate", shipped("shapes-vgg.onnx"), "photos", "--limit", "2", "--metric", "deletion", "--output", "few.jsonl",
    ])
    #expect(few.code == 0 && few.output.contains("2 images cannot tell methods apart; 5 or more can."), "\(few.output)")
    let table = try evaluate("--no-random", "--output", "alone.csv")
    #expect(
      table.code == 0 && !table.output.split(separator: "\n").dropFirst().contains { $0.contains("random") },
      "\(table.output)")
  }

  /// The settings of attributions count, and rows of others are not continued.
  @Test func attributionsHaveSettings() throws {
    func run(_ more: String...) throws -> Workplace.Outcome {
      try place.run(
        ["evaluate", shipped("shapes-vgg.onnx"), "photos", "--limit", "1", "--metric", "complexity", "--no-random"]
          + ["--method", "integrated-gradients"] + more)
    }
    var values: [Double] = []
    for (file, steps) in [("a.jsonl", "50"), ("b.jsonl", "1"), ("c.jsonl", "50")] {
      #expect(try run("--steps", steps, "--output", file).code == 0)
      let row = try #require(try lines(file).last), object = try JSONSerialization.jsonObject(with: Data(row.utf8))
      let metrics = try #require((object as? [String: Any])?["metrics"] as? [String: Double])
      values.append(try #require(metrics["complexity"]))
    }
    #expect(values[0] == values[2] && values[0] != values[1])
    let other = try run("--steps", "2", "--output", "a.jsonl", "--resume")
    #expect(other.code == 64 && other.errors.contains("holds rows of other settings"), "\(other.errors)")
    let compared = try place.run(
      ["compare", shipped("shapes-vgg.onnx"), "photos/a.png", "--method", "integrated-gradients", "--steps", "1"]
        + ["--metric", "complexity", "--no-random", "--json", "--output", "grid.png"])
    let models = try #require(compared.json([String: Any].self)["models"] as? [[String: Any]])
    let mean = try #require((models[0]["means"] as? [String: Double])?["complexity"])
    #expect(abs(mean - values[1]) < 1e-9)
  }

  /// A metric by which no method is better than chance is named.
  @Test func blindMetricsAreNamed() throws {
    let outcome = try place.run([
      "evaluate", shipped("shapes-vgg.onnx"), shipped("samples"), "--limit", "6", "--metric", "border-mass",
      "--metric", "insertion", "--method", "fem",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let note = "No method is better than random, on these images, by border-mass and insertion."
    #expect(outcome.output.contains(note), "\(outcome.output)")
  }

  /// Conditions end the program with 1 after all was written, and what was not measured is no success.
  @Test func conditionsFailAfterTheTable() throws {
    let boxes = ["--boxes", shipped("samples/boxes.json"), "--limit", "3", "--metric", "increase"]
    func run(_ conditions: [String], _ output: String, in folder: String = shipped("samples")) throws
      -> Workplace.Outcome
    {
      try place.run(
        ["evaluate", shipped("shapes-vgg.onnx"), folder, "--output", output] + boxes.prefix(folder == "bad" ? 0 : 9)
          + conditions.flatMap { ["--fail-if", $0] })
    }
    let failed = try run(["pointing<=1", "energy-inside>0.99", "increase<-1"], "one.jsonl")
    #expect(failed.code == 1 && failed.output.contains("pointing-game  higher  gradcam  1.000"), "\(failed.errors)")
    let told = failed.errors.split(separator: "\n").filter { $0.contains("failed") }
    #expect(told == ["gradcam: failed: pointing-game of gradcam is 1.0 (--fail-if 'pointing<=1')"], "\(failed.errors)")
    #expect(try linesOfMaps("one.jsonl").count > 5)
    #expect(try run(["pointing<0.8"], "two.jsonl").code == 0)
    try FileManager.default.createDirectory(atPath: place.path("bad"), withIntermediateDirectories: true)
    try Data("no picture".utf8).write(to: URL(filePath: place.path("bad/a.png")))
    let unmeasured = try run(["deletion>0.9"], "three.jsonl", in: "bad")
    #expect(unmeasured.code == 65 && unmeasured.errors.contains("deletion was not measured"), "\(unmeasured.errors)")
  }

  @Test(
    arguments: [
      (["photos", "--fail-if", "pointing"], 64, "the names are average-drop"),
      (["photos", "--fail-if", "speed<1"], 64, "names no figure"),
      (["photos", "--fail-if", "pointing<1"], 64, "needs the boxes"),
      (["nowhere"], 66, "is not a folder"), (["photos/more/d.jpg"], 66, "is not a folder"),
      (["photos", "--metric", "x"], 64, "is not a metric"), (["photos", "--metric", "box-iou"], 64, "needs the boxes"),
      (["photos", "--method", "dff"], 64, "makes several maps"), (["photos", "--output", "a.txt"], 64, "extension"),
      (["photos", "--output", "no/a.csv"], 73, "cannot be written"),
      (["photos", "--output", "photos/a.png"], 64, "would be overwritten"),
      (["photos", "--class", "whale"], 64, "is not the label"), (["photos", "--limit", "0"], 64, "at least 1"),
    ] as [([String], Int32, String)])
  func wrongUse(_ arguments: [String], _ code: Int32, _ message: String) throws {
    let before = place.files
    let outcome = try place.run(["evaluate", shipped("shapes-vgg.onnx")] + arguments)
    #expect(outcome.code == code && outcome.errors.contains(message), "\(arguments): \(outcome.code) \(outcome.errors)")
    #expect(place.files == before)
  }

  /// Maps of a detector's boxes, by the box's own score and place.
  @Test func aDetectorsBoxesAreMeasured() throws {
    let workplace = try Workplace(), model = shipped("shapes-detector.onnx"), folder = shipped("detector-samples")
    let pointing = try workplace.run([
      "evaluate", model, folder, "--detection", "1", "--node", "cls_tower", "--json", "--metric", "pointing-game",
      "--output", "boxes.jsonl",
    ])
    #expect(pointing.code == 0, "\(pointing.errors)")
    let report = try pointing.json([String: Any].self)
    let metric = try #require((report["metrics"] as? [[String: Any]])?.first)
    let method = try #require((metric["methods"] as? [[String: Any]])?.first)
    #expect(method["method"] as? String == "odam" && method["mean"] as? Double == 1 && report["images"] as? Int == 6)
    func lines(_ name: String) throws -> [[String: Any]] {
      try String(contentsOfFile: workplace.path(name), encoding: .utf8).split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    }
    let line = try #require(try lines("boxes.jsonl").first { ($0["image"] as? String)?.hasPrefix("scene-000") == true })
    #expect(line["label"] as? String == "triangle" && line["class"] as? Int == 2)
    #expect(abs(try #require(line["probability"] as? Double) - 0.91) < 0.01)

    // By the score in changed pictures, which is what sweep measures one by one.
    let raw = fixture("boxes-by-number.onnx"), boxes = ["--detection", "1", "--columns", "lists=cxcywh/1,score*3"]
    let evaluated = try workplace.run(
      ["evaluate", raw, folder, "--node", "relu2", "--metric", "deletion", "--output", "raw.jsonl"] + boxes)
    #expect(evaluated.code == 0, "\(evaluated.errors)")
    let swept = try workplace.run(
      ["sweep", raw, "\(folder)/scene-002-star-cross.png", "--metric", "deletion", "--json", "--output", "s.png"]
        + boxes)
    let nodes = try #require(swept.json([String: Any].self)["nodes"] as? [[String: Any]])
    let same = try #require(nodes.first { ($0["tensor"] as? String) == "relu2" })
    let measured = try #require(
      try lines("raw.jsonl").first { ($0["image"] as? String)?.hasPrefix("scene-002") == true })
    let value = try #require((measured["metrics"] as? [String: Any])?["deletion"] as? Double)
    #expect(try abs(#require(same["value"] as? Double) - value) < 1e-4 && value > 0)
    // Also of boxes that the network ranks itself.
    let ranked = ["--detection", "0", "--metric", "insertion-deletion"]
    for arguments in [
      ["evaluate", fixture("finished.onnx"), folder, "--output", "ranked.jsonl"],
      ["sweep", model, "\(folder)/scene-002-star-cross.png", "--output", "ranked.png"],
    ] {
      let outcome = try workplace.run(arguments + ranked)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }

    // No picture has 60 boxes: each is skipped.
    let none = try workplace.run(
      ["evaluate", model, folder, "--detection", "60", "--output", "none.jsonl", "--metric", "box-iou"])
    #expect(none.errors.contains("the model gives 2 boxes; use 0 (the best) to 1; skipped"), "\(none.errors)")
    for (arguments, code, words) in [
      ([model, folder], 69, "give --detection K"), ([model, folder, "--detection=-1"], 64, "at least 0"),
      ([model, folder, "--columns", "a=score"], 64, "--columns needs --detection"),
      ([model, folder, "--detection", "0", "--boxes", folder], 64, "Give --boxes or --detection"),
    ] as [([String], Int32, String)] {
      let refused = try workplace.run(["evaluate"] + arguments + ["--output", "refused.jsonl"])
      #expect(refused.code == code && refused.errors.contains(words), "\(arguments): \(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: workplace.path("refused.jsonl")))
    }
    let preprocess = try workplace.run(["preprocess", model, folder])
    #expect(preprocess.code == 69 && preprocess.errors.contains("compared by the probabilities of classes"))
  }
}
