import Foundation
import GradCAM
import Graph
import TestSupport
import Testing

struct ExplainTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  @Test func textNamesClassesNodeAndPicture() throws {
    let outcome = try workplace.succeed("explain", fixture("plain.onnx"), picture)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 6)
    #expect(lines.first == picture)
    #expect(lines[1...3].allSatisfy { $0.hasSuffix("circle") || $0.hasSuffix("square") || $0.hasSuffix("star") })
    let top = try #require(lines[1].split(separator: " ").last)
    #expect(lines[5] == "  \(top) at relu2 by gradcam → disc.plain.relu2.gradcam.png")
    #expect(lines[4] == "  input: RGB 0–1, minus 0.5, divided by 0.5, squashed to 16×16 (from the file)")
    #expect(outcome.errors.isEmpty)
  }

  @Test func positionsAreTranslatedIntoTensors() throws {
    let outcome = try workplace.succeed("explain", fixture("plain.onnx"), picture, "--node", "Conv:-1", "--node", "#1")
    #expect(outcome.output.contains(" at Conv:-1 (conv2) by gradcam"))
    #expect(outcome.output.contains(" at #1 (relu1) by gradcam"))
  }

  @Test func jsonHasTheFieldsThatScriptsRelyOn() throws {
    let outcome = try workplace.succeed("explain", fixture("plain.onnx"), picture, "--class", "star", "--json")
    let entries = try outcome.json([[String: Any]].self)
    let entry = try #require(entries.first)
    #expect(entries.count == 1)
    #expect(
      Set(entry.keys) == [
        "image", "model", "node", "tensor", "target", "class", "label", "logit", "probability", "detection", "box",
        "boxes", "method", "concept", "completeness", "shape",
        "output", "top", "warnings", "fuse", "smooth", "grid", "preprocessing", "replaced", "seen", "provenance",
      ])
    #expect(entry["image"] as? String == picture)
    #expect(entry["model"] as? String == fixture("plain.onnx"))
    #expect(entry["node"] as? String == "relu2")
    #expect(entry["class"] as? Int == 2)
    #expect(entry["label"] as? String == "star")
    #expect(entry["target"] as? String == "logit of star")
    #expect(entry["method"] as? String == "gradcam")
    #expect(entry["output"] as? String == "disc.plain.relu2.gradcam.png")
    #expect((entry["warnings"] as? [Any])?.isEmpty == true)
    let top = try #require(entry["top"] as? [[String: Any]])
    let probabilities = try top.map { try #require($0["probability"] as? Double) }
    #expect(top.count == 3 && probabilities == probabilities.sorted(by: >))
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    let own = try #require(top.first { $0["class"] as? Int == 2 })
    #expect(own["probability"] as? Double == entry["probability"] as? Double)
    #expect(entry["logit"] is Double)
  }

  @Test func jsonHasAnEntryForEveryPicture() throws {
    let outcome = try workplace.succeed(
      "explain", fixture("dynamic.onnx"), picture, fixture("flipped.jpg"), "--node", "relu1", "--node", "auto", "--top",
      "2", "--method", "gradcam", "--method", "random", "--output", "maps", "--json")
    let entries = try outcome.json([[String: Any]].self)
    #expect(entries.count == 2 * 2 * 2 * 2)
    #expect(entries.allSatisfy { $0["label"] is NSNull })
    #expect(Set(entries.compactMap { $0["output"] as? String }) == Set(workplace.files.filter { $0.hasSuffix(".png") }))
  }

  @Test func allMethodsAreThoseThatTheNodeAdmits() throws {
    let outcome = try workplace.succeed(
      "explain", fixture("dynamic.onnx"), picture, "--node", "relu1", "--method", "all!", "--output", "maps", "--json")
    let entries = try outcome.json([[String: Any]].self)
    let methods = entries.compactMap { $0["method"] as? String },
      left = [
        "cam", "kpca-cam", "legrad", "attention-rollout", "transformer-attribution", "attnlrp", "expected-gradients",
        "d-rise",
      ]
    let expected = CAMMethods.all.map(\.name).filter { !left.contains($0) }
    #expect(methods == expected.flatMap { [String](repeating: $0, count: $0 == "dff" ? 5 : 1) })
    for method in left { #expect(outcome.errors.contains("--method \(method)")) }
    #expect(workplace.files.count == 1 + entries.count + 1, "a folder, the pictures and the grid of them")
  }

  @Test(arguments: [
    ("undescribed", [], ["preprocessing-assumed", "labels-assumed"]), ("zero-map", [], ["map-all-zero"]),
    ("nan-weights", [], ["not-finite"]), ("negative-map", ["--class", "against"], ["map-all-negative"]),
    ("negative-map", ["--class", "for"], []), ("plain", ["--node", "pool"], ["no-spatial-extent"]),
    ("dynamic", ["--mean", "0.5"], ["preprocessing-assumed"]),
  ])
  func warningsAreInTheDocumentAndOnStandardError(
    _ model: String, _ options: [String], _ codes: [String]
  ) throws {
    let outcome = try workplace.run(
      ["explain", fixture("\(model).onnx"), picture, "--json"] + options)
    #expect(outcome.code == 0)
    let warnings = try #require(try outcome.json([[String: Any]].self).first?["warnings"] as? [[String: String]])
    #expect(warnings.compactMap { $0["code"] } == codes)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == codes.count && lines.allSatisfy { $0.hasPrefix("gradcam: warning: ") })
    for (line, warning) in zip(lines, warnings) {
      #expect(line.hasSuffix(try #require(warning["text"])))
    }
    #expect(workplace.files.count == 1)
  }

  /// The map that is saved is Grad-CAM's sum over the activation and gradient that are saved.
  @Test func arraysFitTogether() throws {
    _ = try workplace.succeed(
      "explain", fixture("plain.onnx"), picture, "--class", "star", "--save-map", "m.npy", "--save-activation", "a.npy",
      "--save-gradient", "g.npy", "--save-output", "o.npy")
    let (map, activation) = (try workplace.array("m.npy"), try workplace.array("a.npy"))
    let gradient = try workplace.array("g.npy")
    #expect(map.shape == [8, 8] && activation.shape == [1, 6, 8, 8] && gradient.shape == [1, 6, 8, 8])
    #expect(try workplace.array("o.npy").shape == [1, 3])
    let weights = (0..<6).map { gradient.values[$0 * 64..<($0 + 1) * 64].reduce(0, +) / 64 }
    let truth = (0..<64).map { position -> Float in
      let sum = (0..<6).reduce(Float(0)) { $0 + weights[$1] * activation.values[$1 * 64 + position] }
      return max(sum, 0)
    }
    expectClose(map.values, truth)
    #expect(map.values.contains { $0 > 0 })
  }

  private func map(_ model: String, _ arguments: String...) throws -> [Float] {
    let outcome = try workplace.run(["explain", fixture("\(model).onnx"), "--save-map", "map.npy"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try workplace.array("map.npy").values
  }

  @Test func tensorIsTakenAsItIsAndDrawnAtTheInputsSize() throws {
    _ = try map("plain", "--tensor", fixture("image.npy"), "--output", "heat.png")
    #expect(try workplace.picture("heat.png").width == 16)
  }

  @Test func oneImageFillsAFixedBatch() throws {
    #expect(try map("two-images", picture) == map("plain", picture))
  }

  @Test func lastSoftmaxIsLookedThrough() throws {
    let plain = try map("plain", picture)
    #expect(try map("softmax", picture) == plain)
    #expect(try map("sigmoid", picture) == plain)
  }

  /// The gradient of a probability p of class c is Σ p (δ − p_j) g_j after Softmax, and p (1 − p) g_c after Sigmoid,
  /// where g_j is that of the raw score of class j.
  @Test(arguments: ["softmax", "sigmoid"])
  func probabilitiesAreDifferentiated(_ model: String) throws {
    func explained(_ index: Int, _ options: String...) throws -> (probability: Float, gradient: [Float]) {
      let outcome = try workplace.run(
        ["explain", fixture("\(model).onnx"), picture, "--class", "\(index)", "--save-gradient", "g.npy", "--json"]
          + options)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let probability = try outcome.json([[String: Any]].self).first?["probability"] as? Double
      return (Float(try #require(probability)), try workplace.array("g.npy").values)
    }
    let scores = try (0..<3).map { try explained($0) }, probabilities = scores.map(\.probability)
    // The least probable class: p is further from 1 than from 0.
    let index = try #require(probabilities.indices.min { probabilities[$0] < probabilities[$1] })
    let p = probabilities[index]
    var truth = [Float](repeating: 0, count: scores[0].gradient.count)
    for (other, score) in scores.enumerated() where other == index || model == "softmax" {
      let factor = other == index ? p * (1 - p) : -p * score.probability
      for place in truth.indices { truth[place] += factor * score.gradient[place] }
    }
    let found = try explained(index, "--score", "probability")
    expectClose(found.gradient, truth, within: 1e-4, isRelative: true)
  }

  @Test func furtherInputsAreRead() throws {
    let outcome = try workplace.succeed(
      "explain", fixture("two-inputs.onnx"), "--tensor", fixture("image.npy"), "--tensor",
      "offset=\(fixture("offset.npy"))", "--json")
    #expect(try outcome.json([[String: Any]].self).first?["image"] as? String == fixture("image.npy"))
  }

  @Test func channelsMayBeLast() throws {
    #expect(try map("channels-last", picture, "--node", "image") == map("channels-last", picture, "--node", "planes"))
    #expect(
      try map("channels-last-inside", picture, "--node", "scaled")
        == map("channels-last-inside", picture, "--node", "first"))
  }

  @Test(arguments: ["grey", "dynamic", "channels-last", "two-images"], ["pixel.png", "disc.png"])
  func anyImageSuitsAnyModel(_ model: String, _ image: String) throws {
    _ = try workplace.succeed("explain", fixture("\(model).onnx"), fixture(image), "--output", "out.png")
    let expected = try Picture(contentsOf: fixture(image)), drawn = try workplace.picture("out.png")
    #expect((drawn.width, drawn.height) == (expected.width, expected.height))
  }

  @Test func sizeDecidesWhereTheFileLeavesItOpen() throws {
    #expect(try map("dynamic", picture, "--size", "40x24").count == 20 * 12)
    #expect(try map("dynamic", picture, "--size", "9").count == 5 * 5)
  }

  /// What an option makes of the picture is what the library makes of it, given as a tensor.
  @Test func preprocessingOptionsChangeTheInput() throws {
    let plain = try map("plain", picture), photograph = try Picture(contentsOf: picture)
    let shape = try Model(contentsOf: fixture("plain.onnx")).imageShape, size = PixelSize(width: 16, height: 16)
    let original = PixelSize(width: photograph.width, height: photograph.height)
    let own = Preprocessing(resize: .exact(size), crop: size, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    var expected = [Preprocessing](repeating: own, count: 7)
    expected[0].mean = [0.2, 0.2, 0.2]
    expected[1].std = [0.2, 0.3, 0.4]
    expected[2].range = 255
    expected[3].channels = .bgr
    expected[4] = Preprocessing(.caffe, size: size)
    expected[5].resize = .shorterSide(16)
    expected[6].resize = .exact(PixelSize(width: 24, height: 20))
    let options = [
      ["--mean", "0.2"], ["--std", "0.2,0.3,0.4"], ["--range", "255"], ["--channels", "bgr"], ["--preset", "caffe"],
      ["--resize", "16"], ["--resize", "24x20"],
    ]
    for (options, preprocessing) in zip(options, expected) {
      let input = try preprocessing.geometry(picture: original, input: size).apply(to: photograph)
      let tensor = preprocessing.tensor(input, for: shape)
      try NPYArray(shape: tensor.shape.dimensions, values: tensor.floats).write(to: workplace.path("input.npy"))
      let found = try map("plain", picture, options[0], options[1])
      #expect(try found == map("plain", "--tensor", "input.npy") && found != plain, "\(options)")
    }
  }

  @Test func recipeDrawsTheSquashedPicture() throws {
    _ = try workplace.succeed("explain", fixture("plain.onnx"), picture, "--compat", "recipe", "--output", "out.png")
    let drawn = try workplace.picture("out.png")
    #expect((drawn.width, drawn.height) == (16, 16))
  }

  @Test func stylesAndColoursAreTheLibrarys() throws {
    let truth = try LibraryResult(fixture("plain.onnx"), picture), map = truth.explanations[0].drawnMap()
    func drawn(_ style: DrawingStyle, _ colormap: Colormap = .jet, blend: Float = 0.5) -> Picture {
      style.draw(map, on: truth.picture, colormap: colormap, blend: blend)
    }
    var seen: Set<[UInt8]> = []
    for (option, value, expected) in [
      ("--style", "overlay", drawn(.overlay)), ("--style", "heat", drawn(.heat)),
      ("--style", "side-by-side", drawn(.sideBySide)), ("--style", "mask", drawn(.mask)),
      ("--colormap", "turbo", drawn(.overlay, .turbo)), ("--blend", "0.2", drawn(.overlay, blend: 0.2)),
    ] {
      _ = try workplace.succeed("explain", fixture("plain.onnx"), picture, option, value, "--output", "out.png")
      let found = try workplace.picture("out.png")
      #expect(found.height == 20 && found.width == (value == "side-by-side" ? 60 : 30))
      #expect(found == expected, "\(option) \(value)")
      #expect(seen.insert(found.pixels).inserted, "\(option) \(value)")
    }
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() throws {
    for threads in ["1", "2", "3"] {
      _ = try workplace.succeed(
        "explain", shipped("shapes-resnet.onnx"), shipped("samples/single-003-star.png"), "--threads", threads,
        "--output",
        "\(threads).png", "--save-gradient", "\(threads).npy")
    }
    for threads in ["2", "3"] {
      #expect(try workplace.contents("\(threads).png") == workplace.contents("1.png"))
      #expect(try workplace.contents("\(threads).npy") == workplace.contents("1.npy"))
    }
  }

  /// One image a thread, and two that are left over, against one after another.
  @Test func manyImagesGiveWhatEachGivesAlone() throws {
    let samples = try FileManager.default.contentsOfDirectory(atPath: shipped("samples")).sorted()
    let images =
      samples.filter { $0.hasSuffix(".png") }.prefix(11).map { shipped("samples/\($0)") }
      + [picture, fixture("flipped.jpg"), picture]
    var outputs: [String] = []
    for threads in ["1", "3"] {
      let outcome = try workplace.run(
        ["explain", shipped("shapes-resnet.onnx")] + images + ["--top", "2", "--threads", threads, "--output", threads])
      #expect(outcome.code == 0, "\(outcome.errors)")
      outputs.append(outcome.output.replacingOccurrences(of: "→ \(threads)/", with: "→ "))
    }
    #expect(outputs[0] == outputs[1])
    let files = workplace.files.filter { $0.hasPrefix("1/") }.map { String($0.dropFirst(2)) }
    #expect(files.count == 2 * images.count)
    for file in files { #expect(try workplace.contents("3/\(file)") == workplace.contents("1/\(file)")) }
  }

  @Test(arguments: ["1", "2", "3"])
  func aPictureThatCannotBeReadIsCountedAndTheOthersAreDone(_ threads: String) throws {
    let images = [picture, picture, fixture("cut-short.png"), picture, picture, picture, picture]
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx")] + images + ["--threads", threads, "--output", "maps"])
    #expect(outcome.code == 65)
    #expect(outcome.errors.hasPrefix("gradcam: warning: \(images[2]): "))
    #expect(outcome.errors.contains("gradcam: error: 1 of 7 pictures could not be explained"))
    let printed = outcome.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("/") }
    #expect(printed == [String](repeating: picture, count: 6))
    let names = ["-2", "-3", "-4", "-5", "-6", ""].map { "maps/disc.plain.relu2.gradcam\($0).png" }
    #expect(workplace.files == ["maps"] + names)
  }
}
