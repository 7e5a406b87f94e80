import Foundation
import GradCAM
import TestSupport
import Testing

/// What commands make of outputs whose shapes do not say what they hold.
struct MeaningTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  /// One explanation, with the gradient at the node and the codes of its warnings.
  private func explain(
    _ model: String, _ arguments: String...
  ) throws -> (entry: [String: Any], gradient: [Float], warnings: [String]) {
    let outcome = try workplace.run(
      ["explain", fixture("\(model).onnx"), picture, "--node", "relu2", "--json", "--save-gradient", "g.npy"]
        + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let entry = try #require(outcome.json([[String: Any]].self).first)
    let warnings = try #require(entry["warnings"] as? [[String: String]]).compactMap { $0["code"] }
    return (entry, try workplace.array("g.npy").values, warnings)
  }

  private func refuse(_ model: String, _ arguments: String..., code: Int32, saying words: String...) throws {
    let outcome = try workplace.run(["explain", fixture("\(model).onnx"), picture] + arguments)
    #expect(outcome.code == code, "\(outcome.errors)")
    for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
  }

  /// Expects the score and gradient of an element.
  private func expect(
    _ found: (entry: [String: Any], gradient: [Float], warnings: [String]), is element: String, of model: String
  ) throws {
    let truth = try explain(model, "--target", element)
    expectClose(found.gradient, truth.gradient, within: 1e-5, isRelative: true, element)
    #expect(truth.gradient.contains { $0 != 0 })
    #expect(found.entry["logit"] as? Double == truth.entry["logit"] as? Double)
  }

  // MARK: Boxes

  /// A box's score is a Sigmoid's, whatever the numbers beside it are: by the file's task, or by its operators.
  @Test(arguments: ["pose", "pose-untold"])
  func keyPointsAreNoScores(_ model: String) throws {
    let found = try explain(model, "--detection", "0")
    let detection = try #require(found.entry["detection"] as? [String: Any])
    let box = try #require(detection["box"] as? Int)
    #expect(detection["class"] as? Int == 0 && detection["label"] as? String == (model == "pose" ? "person" : nil))
    try expect(found, is: "output0[0,4,\(box)]", of: model)
    _ = try workplace.succeed(
      "explain", fixture("\(model).onnx"), picture, "--target", "output0", "--save-output", "o.npy")
    let scores = try workplace.array("o.npy").values[256..<320]
    #expect(scores[256 + box] == scores.max())
    // Nothing but the task says how the numbers describe a box.
    #expect(found.warnings == (model == "pose" ? [] : ["boxes-not-merged"]))
    // What the user says has the last word.
    try expect(
      explain(model, "--detection", "0", "--columns", "output0=cxcywh,skip,score,skip*"),
      is: "output0[0,5,\(try bestOf(scores: 320..<384))]", of: model)
  }

  private func bestOf(scores: Range<Int>) throws -> Int {
    let values = try workplace.array("o.npy").values
    return scores.max { values[$0] < values[$1] }! - scores.lowerBound
  }

  @Test func finishedDetectionsNameTheirClass() throws {
    let found = try explain("finished", "--detection", "1")
    try expect(found, is: "output0[0,1,4]", of: "finished")
    _ = try workplace.succeed(
      "explain", fixture("finished.onnx"), picture, "--target", "output0", "--save-output", "o.npy")
    let row = try workplace.array("o.npy").values[6..<12]
    let detection = try #require(found.entry["detection"] as? [String: Any])
    #expect(detection["box"] as? Int == 1 && detection["class"] as? Int == Int(row[11]))
    #expect(try #require(detection["coordinates"] as? [Double]).map(Float.init) == Array(row[6..<10]))
    try refuse("finished", "--detection", "99", code: 64, saying: "the model gives 10 boxes")
  }

  @Test func nothingIsNoClass() throws {
    let found = try explain("queries", "--detection", "0")
    let detection = try #require(found.entry["detection"] as? [String: Any])
    let box = try #require(detection["box"] as? Int), classIndex = try #require(detection["class"] as? Int)
    #expect(classIndex < 3 && found.warnings == ["background-left-out", "boxes-not-merged"])
    try expect(found, is: "pred_logits[0,\(box),\(classIndex)]", of: "queries")
    // The best by the softmax over all four.
    _ = try workplace.succeed(
      "explain", fixture("queries.onnx"), picture, "--target", "pred_logits", "--save-output", "o.npy")
    let logits = try workplace.array("o.npy").values
    let probabilities = (0..<64).flatMap { box -> [Float] in
      let powers = logits[4 * box..<4 * box + 4].map { exp($0) }
      return powers.prefix(3).map { $0 / powers.reduce(0, +) }
    }
    #expect(probabilities.indices.max { probabilities[$0] < probabilities[$1] } == 3 * box + classIndex)
  }

  // MARK: What cannot be computed

  @Test func whatLiesBeforeASelectionIsExplained() throws {
    try refuse("selecting", code: 69, saying: "'selected': is int64", "which has no gradient")
    let found = try explain("selecting", "--target", "scores[0,1,5]")
    #expect(found.gradient.contains { $0 != 0 })
    let box = try explain("selecting", "--detection", "0")
    let detection = try #require(box.entry["detection"] as? [String: Any])
    let place = try (#require(detection["class"] as? Int), #require(detection["box"] as? Int))
    try expect(box, is: "scores[0,\(place.0),\(place.1)]", of: "selecting")
    _ = try workplace.succeed(
      "sweep", fixture("selecting.onnx"), picture, "--target", "scores[0,1,5]", "--metric", "none")
    let verified = try workplace.run(
      ["verify", fixture("selecting.onnx"), "--node", "relu2", "--target", "scores[0,1,5]"])
    #expect(verified.code == 0, "\(verified.errors)")
  }

  @Test(arguments: ["selecting", "unknown-operator"])
  func nodesBeforeWhatIsMissingAreListed(_ model: String) throws {
    let outcome = try workplace.succeed("nodes", fixture("\(model).onnx"), "--json")
    let listed = try outcome.json([[String: Any]].self)
    #expect(listed.compactMap { $0["tensor"] as? String }.contains("relu1"))
    // What is explained of a selection decides where to look.
    #expect(listed.count { $0["auto"] as? Bool == true } == (model == "selecting" ? 0 : 1))
    let ends = listed.compactMap { $0["tensor"] as? String }
    #expect(model != "selecting" || ends.contains("scores.raw.map") && ends.contains("corners.rows.raw.map"))
    #expect(outcome.errors.contains("the nodes listed lie before it") == (model == "unknown-operator"))
    guard model == "selecting" else { return }
    // What a selection gives is known when the network runs on a picture.
    let unknown = try workplace.succeed("nodes", fixture("selecting.onnx"), "--all").output
    #expect(unknown.contains("known when it runs") && unknown.contains("depends on the picture"))
    let known = try workplace.succeed("nodes", fixture("selecting.onnx"), "--all", "--image", "image=\(picture)")
    #expect(!known.output.contains("known when it runs"))
  }

  @Test func aMissingBranchDisturbsNothing() throws {
    let found = try explain("strange-first")
    try expect(found, is: "scores[0,\(try #require(found.entry["class"] as? Int))]", of: "strange-first")
    #expect(found.warnings == ["output-chosen"])
    try refuse("strange-first", "--save-output", "o.npy", code: 69, saying: "Frobnicate")
    try refuse("strange-first", "--target", "strange", code: 69, saying: "Frobnicate")
  }

  // MARK: Class scores

  @Test(arguments: ["embedding-first", "label-first", "top-two"])
  func classScoresMayBeAnyOutput(_ model: String) throws {
    let plain = try explain("plain"), found = try explain(model)
    for key in ["class", "label", "logit", "probability"] {
      #expect("\(found.entry[key] ?? "")" == "\(plain.entry[key] ?? "")", "\(model) \(key)")
    }
    #expect(found.gradient == plain.gradient && found.warnings == ["output-chosen"])
    let second = try explain(model, "--class", "1")
    #expect(try second.gradient == explain("plain", "--class", "1").gradient)
  }

  @Test func anOutputCanBeNamed() throws {
    let named = try explain("embedding-first", "--output-name", "flat")
    #expect(named.entry["class"] as? Int != nil && named.warnings == ["labels-count"])
    #expect((named.entry["top"] as? [Any])?.count == 5)
    try refuse("embedding-first", "--output-name", "logits", code: 64, saying: "no such output", "'flat', 'scores'")
  }

  @Test func anEmbeddingHasNoClasses() throws {
    try refuse(
      "embedding", code: 69, saying: "image_embeds", "holds no scores of classes", "--output-name image_embeds")
    try refuse("embedding", "--class", "3", code: 69, saying: "--embedding")
    #expect(try explain("embedding", "--output-name", "image_embeds", "--class", "3").entry["class"] as? Int == 3)
    #expect(try !explain("embedding", "--embedding", picture).gradient.isEmpty)
  }

  @Test func aMeasurementIsNoProbability() throws {
    let angle = try explain("angle")
    #expect(angle.entry["target"] as? String == "angle" && angle.warnings == ["scores-assumed"])
    #expect(["class", "label", "probability"].allSatisfy { angle.entry[$0] is NSNull })
    #expect((angle.entry["top"] as? [Any])?.isEmpty == true)
    try expect(angle, is: "angle", of: "angle")
    #expect(try explain("angle", "--output-name", "angle").entry["label"] as? String != nil, "a yes or a no")

    let outcome = try workplace.succeed("explain", fixture("angles.onnx"), picture)
    #expect(!outcome.output.contains("%") && outcome.errors.contains("--target 'angles[…]'"))
    let angles = try explain("angles")
    #expect(angles.entry["probability"] is NSNull && angles.entry["class"] as? Int != nil)
    try Data("a\nb\nc\n".utf8).write(to: URL(fileURLWithPath: workplace.path("labels.txt")))
    let named = try explain("angles", "--labels", "labels.txt")
    #expect(named.entry["probability"] as? Double != nil && named.warnings.isEmpty)
  }
}
