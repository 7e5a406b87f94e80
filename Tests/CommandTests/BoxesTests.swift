import Foundation
import Testing

/// Boxes are checked before the first picture is explained.
@Suite struct BoxesTests {
  private let place: Workplace
  private let models = [shipped("shapes-vgg.onnx"), shipped("shapes-resnet.onnx")]

  /// Two pictures of 240 × 240.
  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos/more"), withIntermediateDirectories: true)
    for (from, to) in [("single-003-star.png", "a.png"), ("pair-006-star-cross.png", "b.png")] {
      try FileManager.default.copyItem(atPath: shipped("samples/\(from)"), toPath: place.path("photos/\(to)"))
    }
  }

  private func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(filePath: place.path(file)))
  }

  private func commands(_ more: [String]) -> [[String]] {
    let metric = ["--metric", "pointing-game", "--boxes"] + more
    return [
      ["evaluate", models[0], "photos"] + metric,
      ["compare"] + models + ["--images", "photos/a.png", "photos/b.png"] + metric,
      ["sweep", models[0], "photos/b.png", "--class", "star"] + metric,
    ]
  }

  private static func json(_ box: String, label: String = "star", of picture: String = "b.png") -> String {
    #"{"\#(picture)": [{"label": "\#(label)", "box": \#(box)}]}"#
  }

  @Test(
    arguments: [
      (json("[1, 2, 3, 4]", of: "bb.jpg"), "boxes.json: names none of the pictures given: photos/", "'bb.jpg'"),
      (json("[1, 2, 3, 4]", label: "sta"), "boxes.json: 'b.png': box 1: the label 'sta' is no class of", "'star'"),
      (
        json("[300, 2, 303, 4]"), "boxes.json: 'b.png': box 1: the box [300, 2, 303, 4] of 'star' lies outside of",
        "pixels"
      ),
      (json("[3, 2, 1, 4]"), "boxes.json: 'b.png': box 1: [3, 2, 1, 4] is no box", "left must be less"),
      ("nonsense", "boxes.json: line 1: is no heading", "COCO"),
    ])
  func oneErrorBeforeAnythingIsDone(_ text: String, _ message: String, _ advice: String) throws {
    try write(text, to: "boxes.json")
    let before = place.files
    for command in commands(["boxes.json"]) {
      let outcome = try place.run(command)
      let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("gradcam: warning: ") }
      #expect(outcome.code == 65 && lines.count == 1 && outcome.output.isEmpty, "\(command[0]): \(outcome.errors)")
      #expect(outcome.errors.contains(message) && outcome.errors.contains(advice), "\(command[0]): \(outcome.errors)")
      #expect(place.files == before)
    }
  }

  @Test func labelMaps() throws {
    try write(Self.json("[1, 2, 90, 80]", label: "comet"), to: "boxes.json")
    for (options, code, message) in [
      (["--label-map", "comet=star"], 0, ""), (["--label-map", "*=3"], 0, ""),
      (
        ["--label-map", "commet=star"], 64,
        "--label-map commet=star: 'commet' is no label of the boxes; did you mean 'comet'?"
      ),
      (["--label-map", "comet=sta r"], 64, "--label-map comet=sta r: 'sta r' is not the label of a class"),
      (["--label-map", "comet="], 65, "boxes.json: holds no box of"),
      (["--label-map", "*="], 65, "all boxes are left out"),
    ] as [([String], Int32, String)] {
      for command in commands(["boxes.json"] + options) {
        let outcome = try place.run(
          command + (command[0] == "evaluate" ? ["--output", "\(UUID().uuidString).csv"] : []))
        #expect(
          outcome.code == code && (message.isEmpty || outcome.errors.contains(message)),
          "\(command[0]), \(options): \(outcome.errors)")
      }
    }
    let alone = try place.run(["evaluate", models[0], "photos", "--label-map", "comet=star"])
    #expect(alone.code == 64 && alone.errors.contains("--label-map needs --boxes"))
  }

  /// A label must be a class of each model, the last one too.
  @Test func labelsOfAllModels() throws {
    try write(Self.json("[1, 2, 90, 80]"), to: "boxes.json")
    try write("a\nb\nc\nd\ne\nf\ng\nh", to: "labels.txt")
    let outcome = try place.run(commands(["boxes.json", "--labels", "shapes-resnet=labels.txt"])[1])
    #expect(outcome.code == 65 && outcome.errors.contains("'star' is no class of \(models[1])"), "\(outcome.errors)")
    #expect(!place.files.contains("comparison.png"))
  }

  /// The same boxes, in pixels or in fractions of the picture, give the same numbers; pictures without boxes are reported.
  @Test func formats() throws {
    let coco = """
      {"images": [{"id": 1, "file_name": "b.png", "width": 240, "height": 240}], "categories": [{"id": 5, "name": "star"}],
       "annotations": [{"id": 9, "image_id": 1, "category_id": 5, "bbox": [60, 30, 120, 60]}]}
      """
    let voc = """
      <annotation><filename>b.png</filename><object><name>star</name>
      <bndbox><xmin>61</xmin><ymin>31</ymin><xmax>180</xmax><ymax>90</ymax></bndbox></object></annotation>
      """
    try FileManager.default.createDirectory(atPath: place.path("labels"), withIntermediateDirectories: true)
    try write(Self.json("[60, 30, 180, 90]"), to: "own.json")
    try write(coco, to: "coco.json")
    try write("image,label,x,y,w,h\nb.png,star,60,30,120,60\n", to: "boxes.csv")
    try write(voc, to: "b.xml")
    try write("0 0.5 0.25 0.5 0.25\n", to: "labels/b.txt")
    try write("star\n", to: "labels/classes.txt")
    for kind in 0..<3 {
      let outcomes = try ["own.json", "coco.json", "boxes.csv", "b.xml", "labels"].map { path in
        var command = commands([path])[kind] + ["--metric", "energy-inside", "--json"]
        if kind == 0 { command += ["--output", "\(path).jsonl"] }
        if kind == 2 { command.removeSubrange(5..<7) }
        return try place.run(command)
      }
      func metrics(_ outcome: Workplace.Outcome) throws -> String {
        let report = try outcome.json([String: Any].self)
        let part = report["metrics"] ?? report["nodes"] ?? (report["models"] as? [[String: Any]])?.map { $0["means"]! }
        return String(
          decoding: try JSONSerialization.data(withJSONObject: try #require(part), options: [.sortedKeys]),
          as: UTF8.self)
      }
      let first = try metrics(outcomes[0])
      for outcome in outcomes {
        #expect(try outcome.code == 0 && metrics(outcome) == first, "\(outcome.errors)")
        #expect(kind == 2 || outcome.errors.contains("1 of 2 pictures has no boxes: photos/a.png"), "\(outcome.errors)")
      }
    }
  }

  /// A tensor's boxes are in pixels of the network's input.
  @Test func boxesOfTensors() throws {
    try FileManager.default.copyItem(atPath: fixture("image.npy"), toPath: place.path("image.npy"))
    try write("1 0.5 0.5 0.5 0.5", to: "image.txt")
    let outcome = try place.run(
      [
        "sweep", fixture("plain.onnx"), "--tensor", "image.npy", "--class", "1", "--metric", "energy-inside", "--boxes",
        "image.txt",
      ])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }
}
