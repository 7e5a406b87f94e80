import Foundation
import GradCAM
import Testing

@Suite struct CompareTests {
  private let place: Workplace
  private let models = [shipped("shapes-vgg.onnx"), shipped("shapes-resnet.onnx")]
  private let picture = shipped("samples/pair-006-star-cross.png")
  private let boxes = ["--boxes", shipped("samples/boxes.json")]

  init() throws { place = try Workplace() }

  /// How far both models' maps of the picture agree, at the size at which `compare` looks at them.
  private func agreement(onClass classIndex: Int) throws -> MapAgreement {
    let size = PixelSize(width: 224, height: 224)
    let seen = try models.map {
      try LibraryResult($0, picture, classIndex: classIndex, reusesWeights: true).explanations[0]
    }
    let part = try #require(seen[0].seen(size: size).intersection(seen[1].seen(size: size)))
    return MapAgreement(
      seen[0].drawnMap(size: size).cropped(to: part), seen[1].drawnMap(size: size).cropped(to: part))
  }

  @Test func twoModelsOnAPicture() throws {
    let outcome = try place.run(
      ["compare"] + models + ["--images", picture, "--csv", "all.csv", "--json"] + boxes)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(place.files == ["all.csv", "comparison.png"])
    let report = try outcome.json([String: Any].self)
    let compared = try #require(report["models"] as? [[String: Any]])
    #expect(compared.map { $0["name"] as? String } == ["shapes-vgg", "shapes-resnet"])
    for model in compared {
      let cost = try #require(model["cost"] as? [String: Any])
      #expect(try #require(cost["parameters"] as? Int) > 100_000)
      let forward = try #require(cost["forward_ms"] as? Double), whole = try #require(cost["explanation_ms"] as? Double)
      #expect(forward > 0 && whole >= forward)
      #expect((model["means"] as? [String: Any])?["pointing-game"] as? Double == 1)
    }
    let images = try #require(report["images"] as? [[String: Any]])
    #expect(images.map { $0["label"] as? String } == ["star", "cross"])
    for (classIndex, image) in zip([3, 4], images) {
      let found = try #require((image["agreement"] as? [[String: Any]])?.first)
      let truth = try agreement(onClass: classIndex)
      for (name, value) in [
        ("pearson", truth.pearson), ("spearman", truth.spearman), ("ssim", truth.structuralSimilarity),
        ("iou", truth.topOverlap),
      ] { #expect(abs(try #require(found[name] as? Double) - (try #require(value))) < 1e-9, "\(name)") }
      #expect(try #require(truth.pearson) > 0.5)
    }
    let lines = String(decoding: try place.contents("all.csv"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 5 && lines[0].hasPrefix("image,label,asked,model,node,class,probability,top_label,"))
    let grid = try place.picture("comparison.png")
    #expect(grid.width > 3 * 224 && grid.height > 2 * 224)
  }

  /// The page holds both classes that have boxes in the picture, and draws the boxes.
  @Test func report() throws {
    let outcome = try place.run(
      ["compare"] + models + ["--images", picture, "--metric", "pointing-game", "--report", "page.html"] + boxes)
    #expect(outcome.code == 0 && outcome.output.hasSuffix("comparison.png, page.html\n"), "\(outcome.errors)")
    let page = try MarkupTree.parsing(String(decoding: try place.contents("page.html"), as: UTF8.self))
    #expect(page.all("h1").first?.text == "What shapes-vgg and shapes-resnet look at")
    #expect(
      page.all("article").map { $0.all("h3")[0].text } == [
        "pair-006-star-cross.png (star)", "pair-006-star-cross.png (cross)",
      ])
    #expect(page.all("rect").filter { $0.attributes["class"] == "box inner" }.count == 6)
    #expect(page.all("dd").contains { $0.text == "In 100% of the images that have boxes, whichever the model" })
  }

  /// A model agrees with itself, and its numbers are those of `evaluate`.
  @Test func aModelAndItsCopy() throws {
    try FileManager.default.copyItem(atPath: models[0], toPath: place.path("copy.onnx"))
    let report = try place.run(
      ["compare", models[0], "copy.onnx", "--images", picture, "--class", "star", "--metric", "deletion", "--json"]
    ).json([String: Any].self)
    let image = try #require((report["images"] as? [[String: Any]])?.first)
    let agreement = try #require((image["agreement"] as? [[String: Any]])?.first)
    for name in ["pearson", "spearman", "ssim", "iou"] {
      #expect(abs(try #require(agreement[name] as? Double) - 1) < 1e-9, "\(name)")
    }
    try FileManager.default.createDirectory(atPath: place.path("one"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: picture, toPath: place.path("one/a.png"))
    let evaluated = try place.run(
      ["evaluate", models[0], "one", "--class", "star", "--metric", "deletion", "--json"]
    ).json([String: Any].self)
    let mean = ((evaluated["metrics"] as? [[String: Any]])?.first?["methods"] as? [[String: Any]])?.first?["mean"]
    let means = try #require((report["models"] as? [[String: Any]])?.first?["means"] as? [String: Any])
    #expect(abs(try #require(mean as? Double) - (try #require(means["deletion"] as? Double))) < 1e-6)
  }

  /// Maps by chance are measured beside those of the method, and conditions are on the means of every model.
  @Test func chanceAndConditions() throws {
    let pictures = ["single-003-star.png", "pair-006-star-cross.png"].map { shipped("samples/\($0)") }
    let arguments = ["compare"] + models + pictures + ["--metric", "deletion", "--class", "star"]
    let outcome = try place.run(arguments + ["--json", "--fail-if", "deletion<2", "--fail-if", "insertion<-1"])
    #expect(outcome.code == 1, "\(outcome.errors)")
    let told = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("gradcam: failed: deletion of shapes-") }
    #expect(told.count == 2 && !outcome.errors.contains("failed: insertion"), "\(outcome.errors)")
    #expect(place.files.contains("comparison.png"))
    let report = try outcome.json([String: Any].self)
    for model in try #require(report["models"] as? [[String: Any]]) {
      let means = try #require(model["means"] as? [String: Any]),
        random = try #require(model["random"] as? [String: Any])
      #expect(Set(means.keys) == ["deletion", "insertion"] && Set(random.keys) == Set(means.keys))
      #expect(try #require(means["insertion"] as? Double) > #require(random["insertion"] as? Double))
    }
    let table = try place.run(arguments + ["--no-random", "--output", "second.png"])
    #expect(table.code == 0 && !table.output.contains("random"), "\(table.output)")
    #expect(try place.run(arguments + ["--output", "third.png"]).output.contains("\n  random"))
  }

  /// Nodes by depth and by model.
  @Test func nodes() throws {
    func nodes(_ arguments: String...) throws -> [String?] {
      let report = try place.run(
        ["compare"] + models + ["--images", picture, "--metric", "none", "--json"] + arguments
      ).json([String: Any].self)
      return try #require(report["models"] as? [[String: Any]]).map { $0["node"] as? String }
    }
    #expect(try nodes() == ["features.20", "layer3.0.relu"])
    #expect(try nodes("--depth", "0") == ["/features/features.0/Conv_output_0", "bn1"])
    #expect(
      try nodes("--depth", "1", "--depth", "shapes-vgg=0") == ["/features/features.0/Conv_output_0", "layer3.0.relu:1"])
    #expect(try nodes("--node", "shapes-resnet.onnx=layer2.1") == ["features.20", "layer2.1"])
  }

  /// Models that number their classes otherwise are asked about the same label.
  @Test func classesByLabel() throws {
    let labels = ["moon", "heart", "ring", "cross", "star", "triangle", "square", "circle"]
    try Data(labels.joined(separator: "\n").utf8).write(to: URL(filePath: place.path("labels.txt")))
    let report = try place.run(
      ["compare"] + models + [
        "--images", picture, "--metric", "none", "--labels", "shapes-resnet=labels.txt", "--class", "star", "--json",
      ]
    ).json([String: Any].self)
    let results = try #require(
      (report["images"] as? [[String: Any]])?.first?["results"] as? [[String: Any]])
    #expect(results.map { $0["class"] as? Int } == [3, 4])
    try Data("a\nb\nc\nd\ne\nf\ng\nh".utf8).write(to: URL(filePath: place.path("labels.txt")))
    let outcome = try place.run(
      ["compare"] + models + ["--images", picture, "--labels", "shapes-resnet=labels.txt", "--class", "star"])
    #expect(
      outcome.code == 64 && outcome.errors.contains("shapes-resnet.onnx: --class star: is not the label of a class"))
  }

  /// Each model may have its own preprocessing; one that sees next to nothing says the same of every picture.
  @Test func preprocessingByModelAndDoubts() throws {
    let pictures = ["pair-006-star-cross", "pair-004-moon-circle", "pair-000-triangle-square"]
      .compactMap { name in
        (try? FileManager.default.contentsOfDirectory(atPath: shipped("samples")))?.first {
          $0.hasPrefix(name.prefix(8))
        }
      }.map { shipped("samples/\($0)") }
    try #require(pictures.count == 3)
    let command = ["compare"] + models + ["--metric", "none", "--class", "star", "--json", "--images"] + pictures
    func tops(_ outcome: Workplace.Outcome) throws -> [[Double]] {
      try #require(try outcome.json([String: Any].self)["images"] as? [[String: Any]]).map {
        image in
        try #require(image["results"] as? [[String: Any]]).map {
          try #require($0["logit"] as? Double)
        }
      }
    }
    let plain = try place.run(command)
    let dark = try place.run(command + ["--range", "shapes-resnet=0.001"])
    #expect(plain.code == 0 && !plain.errors.contains("calls all"), "\(plain.errors)")
    #expect(dark.errors.contains("shapes-resnet calls all 3 images"), "\(dark.errors)")
    let (before, after) = (try tops(plain), try tops(dark))
    #expect(
      before.map { $0[0] } == after.map { $0[0] } && before.map { $0[1] } != after.map { $0[1] })
    let models = try #require(try dark.json([String: Any].self)["models"] as? [[String: Any]])
    let last = (models[1]["warnings"] as? [[String: String]])?.last
    #expect(last?["code"] == "preparation-doubtful" && last?["text"]?.contains("--preset shapes-resnet=NAME") == true)
  }

  @Test func unreadablePicturesAreLeftOut() throws {
    let outcome = try place.run(
      ["compare"] + models + ["--metric", "none", "--images", "missing.png", picture, "--json"])
    #expect(outcome.code == 65 && outcome.errors.contains("missing.png: cannot be opened"))
    #expect(try outcome.json([String: Any].self)["images"] as? [Any] != nil)
  }

  /// Neither the order of models nor that of pictures or classes changes a number.
  @Test(arguments: [[], ["--class", "moon", "--class", "star"], boxes()])
  func orderChangesNoNumber(_ options: [String]) throws {
    let names = ["pair-006-star-cross.png", "pair-005-moon-heart.png", "pair-004-moon-circle.png"]
    let pictures = names.map { shipped("samples/\($0)") }
    func numbers(_ models: [String], _ pictures: [String], _ options: [String]) throws -> [String: Double] {
      let outcome = try place.run(["compare"] + models + pictures + options + ["--json", "--metric", "deletion"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let report = try outcome.json([String: Any].self)
      var found: [String: Double] = [:]
      for model in try #require(report["models"] as? [[String: Any]]) {
        let name = try #require(model["name"] as? String)
        found[name] = try #require((model["means"] as? [String: Any])?["deletion"] as? Double)
        let interval = try #require((model["intervals"] as? [String: Any])?["deletion"] as? [Double])
        (found[name + " low"], found[name + " high"]) = (interval[0], interval[1])
        if let accuracy = model["accuracy"] as? Double { found[name + " accuracy"] = accuracy }
      }
      for image in try #require(report["images"] as? [[String: Any]]) {
        let place = "\(image["image"]!) \(image["label"]!)"
        for result in try #require(image["results"] as? [[String: Any]]) {
          found["\(place) \(result["model"]!)"] = try #require(result["logit"] as? Double)
        }
        for pair in try #require(image["agreement"] as? [[String: Any]]) {
          found["\(place) pearson"] = try #require(pair["pearson"] as? Double)
        }
      }
      return found
    }
    let pairs = stride(from: 0, to: options.count, by: 2).map { Array(options[$0..<$0 + 2]) }
    let one = try numbers(models, pictures, options)
    let other = try numbers(models.reversed(), pictures.reversed(), pairs.reversed().flatMap { $0 })
    #expect(one == other && one.count > 12)
  }

  private static func boxes() -> [String] { ["--boxes", shipped("samples/boxes.json")] }

  @Test func severalNodesStandLikeSeveralModels() throws {
    let report = try place.run(
      ["compare", models[0], picture, "--node", "auto", "--node", "features.17", "--metric", "none", "--json"]
    ).json([String: Any].self)
    let compared = try #require(report["models"] as? [[String: Any]])
    #expect(compared.map { $0["name"] as? String } == ["shapes-vgg auto", "shapes-vgg features.17"])
    #expect(compared.map { $0["node"] as? String } == ["features.20", "features.17"])
  }

  /// What is in a picture is its folder's name, or stands in a table.
  @Test func truthByFoldersAndTable() throws {
    for (folder, name) in [("star", "a.png"), ("moon", "b.png")] {
      try FileManager.default.createDirectory(atPath: place.path(folder), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: picture, toPath: place.path("\(folder)/\(name)"))
    }
    try Data("image,label\nb.png,moon\na.png,star\n".utf8).write(to: URL(filePath: place.path("truth.csv")))
    var reports: [[[String: Any]]] = []
    for truth in ["folders", "truth.csv"] {
      let report = try place.run(
        ["compare", models[0], "star", "moon", "--truth", truth, "--metric", "none", "--json"]
      ).json([String: Any].self)
      let images = try #require(report["images"] as? [[String: Any]])
      #expect(images.map { $0["label"] as? String } == ["star", "moon"])
      #expect(images.allSatisfy { $0["asked"] as? String == "truth" })
      let compared = try #require(report["models"] as? [[String: Any]])
      // The picture shows a star and a cross, and the model says cross.
      #expect(compared[0]["accuracy"] as? Double == 0)
      reports.append(images)
    }
    let wrong = try place.run(["compare", models[0], "star/a.png", "--truth", "none.csv"])
    #expect(wrong.code == 66 && wrong.errors.contains("none.csv"))
  }

  @Test(
    arguments: [
      (["--method", "dff"], 64, "makes several maps"), (["--depth", "2"], 64, "is not a depth"),
      (["--depth", "0", "--node", "auto"], 64, "not both"),
      (["--report", "page.txt"], 64, "must end in .html"),
      (["--csv", "a.txt"], 64, "must end in .csv"),
      (["--metric", "box-iou"], 64, "needs the boxes"),
      (["--preset", "lab"], 64, "--preset lab: cannot be read"),
      (["--mean", "shapes-vgg=1,2"], 64, "--mean 1,2: cannot be read"),
      (["--size", "8", "--size", "9"], 64, "twice"),
      (["--images", "none.png"], 66, "none.png"),
      (["--output", "a.png", "--report", "no/a.html"], 73, "cannot be written"),
    ] as [([String], Int32, String)])
  func wrongUse(_ arguments: [String], _ code: Int32, _ message: String) throws {
    let images = arguments.contains("--images") ? [] : ["--images", picture]
    let outcome = try place.run(["compare"] + models + images + arguments)
    #expect(outcome.code == code && outcome.errors.contains(message), "\(arguments): \(outcome.code) \(outcome.errors)")
  }
}
