import Foundation
import GradCAM
import TestSupport
import Testing

/// What `explain`, `verify` and `bench` can be asked to explain.
struct TargetTests {
  private let workplace: Workplace
  private let picture = fixture("disc.png"), plain = fixture("plain.onnx"), segmentation = fixture("segmentation.onnx")

  init() throws { workplace = try Workplace() }

  private func explain(_ arguments: String...) throws -> (entry: [String: Any], gradient: [Float]) {
    let outcome = try workplace.run(["explain"] + arguments + ["--json", "--save-gradient", "g.npy"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    return (try #require(outcome.json([[String: Any]].self).first), try workplace.array("g.npy").values)
  }

  /// Expects the gradient that another question has, which is not zero.
  private func expectSame(
    _ found: [Float], _ truth: [Float], _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose(found, truth, within: 1e-4, isRelative: true, what, sourceLocation: sourceLocation)
  }

  @Test func anElementOfTheScoresIsAClass() throws {
    let star = try explain(plain, picture, "--class", "star")
    let element = try explain(plain, picture, "--target", "scores[0,-1]")
    expectSame(element.gradient, star.gradient)
    #expect(element.entry["logit"] as? Double == star.entry["logit"] as? Double)
    #expect(element.entry["target"] as? String == "scores[0,-1]")
    #expect(["class", "label", "probability"].allSatisfy { element.entry[$0] is NSNull })
    #expect((element.entry["top"] as? [Any])?.count == 3)
  }

  @Test func anyTensorMayBeSummed() throws {
    let sum = try explain(plain, picture, "--target", "relu2[0,1:3]", "--node", "relu1")
    _ = try workplace.succeed("explain", plain, picture, "--node", "relu2", "--save-activation", "a.npy")
    let truth = try workplace.array("a.npy").values[64..<192].reduce(0, +)
    #expect(abs(try #require(sum.entry["logit"] as? Double) - Double(truth)) < 1e-3)
    let parts = try [1, 2].map { try explain(plain, picture, "--target", "relu2[0,\($0)]", "--node", "relu1") }
    expectSame(sum.gradient, zip(parts[0].gradient, parts[1].gradient).map { $0 + $1 })
  }

  @Test func contrastIsTheDifference() throws {
    let star = try explain(plain, picture, "--class", "star"), circle = try explain(plain, picture, "--class", "circle")
    let contrast = try explain(plain, picture, "--contrast", "star,0")
    expectSame(contrast.gradient, zip(star.gradient, circle.gradient).map { $0 - $1 })
    #expect(contrast.entry["target"] as? String == "logit of star − logit of circle")
  }

  @Test func counterfactualIsNegated() throws {
    let star = try explain(plain, picture, "--class", "star")
    let against = try explain(plain, picture, "--class", "star", "--counterfactual")
    expectSame(against.gradient, star.gradient.map { -$0 })
    #expect(against.entry["target"] as? String == "−(logit of star)")
  }

  @Test func aLoneScoreIsOfAYesAgainstANo() throws {
    let binary = fixture("binary.onnx")
    let no = try explain(binary, picture, "--class", "no"), yes = try explain(binary, picture, "--class", "1")
    expectSame(no.gradient, yes.gradient.map { -$0 })
    #expect(yes.entry["label"] as? String == "yes")
    let logits = try [no, yes].map { try #require($0.entry["logit"] as? Double) }
    #expect(logits[0] == -logits[1])
    let probabilities = try [no, yes].map { try #require($0.entry["probability"] as? Double) }
    #expect(abs(probabilities[0] + probabilities[1] - 1) < 1e-6)
    let top = try explain(binary, picture)
    #expect(top.entry["class"] as? Int == (logits[1] > 0 ? 1 : 0))
    try Data("calm\nstorm\n".utf8).write(to: URL(fileURLWithPath: workplace.path("labels.txt")))
    let named = try explain(binary, picture, "--class", "storm", "--labels", "labels.txt")
    #expect(named.gradient == yes.gradient && named.entry["label"] as? String == "storm")
  }

  /// By the output that is saved: where a class is on top, what it sums to there.
  @Test func aSegmentationsClassIsSummedWhereItIsOnTop() throws {
    _ = try workplace.succeed(
      "explain", segmentation, picture, "--target", "classes", "--save-output", "o.npy")
    let output = try workplace.array("o.npy").values
    let tops = (0..<64).map { position in (0..<5).max { output[$0 * 64 + position] < output[$1 * 64 + position] }! }
    let best = try #require((0..<5).max { first, second in tops.count { $0 == first } < tops.count { $0 == second } })
    let found = try explain(segmentation, picture, "--class", "\(best)")
    let truth = (0..<64).filter { tops[$0] == best }.reduce(Float(0)) { $0 + output[best * 64 + $1] }
    #expect(abs(try #require(found.entry["logit"] as? Double) - Double(truth)) < 1e-3)
    #expect((found.entry["target"] as? String)?.contains("(\(tops.count { $0 == best }) of 64 positions)") == true)
    #expect(found.entry["node"] as? String == "relu2")
    if let nowhere = (0..<5).first(where: { !tops.contains($0) }) {
      let outcome = try workplace.run(["explain", segmentation, picture, "--class", "\(nowhere)"])
      #expect(outcome.code == 64 && outcome.errors.contains("is the top class nowhere in the image"))
    }
  }

  /// The mask of the picture's size is white in its upper left quarter: 4 × 4 of the output's 8 × 8 positions.
  @Test func masksAreOfThePictureOrOfTheOutput() throws {
    for (mask, elements) in [("mask.png", ":4,:4"), ("mask-of-output.png", ":2,:")] {
      let masked = try explain(segmentation, picture, "--class", "star", "--mask", fixture(mask))
      let truth = try explain(segmentation, picture, "--target", "classes[0,3,\(elements)]")
      expectSame(masked.gradient, truth.gradient, mask)
    }
  }

  @Test(arguments: ["boxes-by-box", "boxes-by-number", "boxes-and-scores"])
  func boxesAreRankedByTheirScores(_ model: String) throws {
    let path = fixture("\(model).onnx")
    let first = try explain(path, picture, "--detection", "0")
    let second = try explain(path, picture, "--detection", "1", "--class", "star")
    for (found, index) in [(first, nil), (second, 2)] as [((entry: [String: Any], gradient: [Float]), Int?)] {
      let detection = try #require(found.entry["detection"] as? [String: Any])
      let box = try #require(detection["box"] as? Int), classIndex = try #require(detection["class"] as? Int)
      #expect(index == nil || classIndex == index)
      #expect(found.entry["node"] as? String == (box < 64 ? "relu2" : "small"))
      #expect(detection["label"] as? String == ["circle", "square", "star"][classIndex])
      #expect((detection["coordinates"] as? [Double])?.count == 4)
      let element =
        switch model {
        case "boxes-by-box": "boxes[0,\(box),\(5 + classIndex)]"
        case "boxes-by-number": "lists[0,\(4 + classIndex),\(box)]"
        default: "scores[0,\(box),\(classIndex)]"
        }
      let node = try #require(found.entry["node"] as? String)
      let truth = try explain(path, picture, "--target", element, "--node", node)
      let score = try #require(found.entry["logit"] as? Double), own = try #require(truth.entry["logit"] as? Double)
      if model == "boxes-by-box" {
        // Multiplied by the score of the box itself.
        let whole = try explain(path, picture, "--target", "boxes[0,\(box),4]", "--node", node)
        let objectness = Float(try #require(whole.entry["logit"] as? Double))
        expectClose([Float(score)], [objectness * Float(own)], within: 1e-6)
        expectSame(
          found.gradient, zip(truth.gradient, whole.gradient).map { objectness * $0 + Float(own) * $1 })
      } else {
        #expect(score == own)
        expectSame(found.gradient, truth.gradient)
      }
    }
    let text = try workplace.succeed("explain", path, picture, "--detection", "0").output
    #expect(text.contains("  score of ") && text.contains(" in box ") && text.contains(") = 0."))
  }

  /// The numbers of these boxes are shares of one Sigmoid, which the user says are those of the input.
  @Test func boxesHaveTheirPlaceInThePicture() throws {
    let path = fixture("boxes-by-number.onnx"), columns = ["--columns", "lists=cxcywh/1,score*3"]
    func explained(_ options: [String]) throws -> [String: Any] {
      let outcome = try workplace.run(["explain", path, picture, "--json"] + options)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try #require(outcome.json([[String: Any]].self).first)
    }
    func codes(_ entry: [String: Any]) -> [String] {
      (entry["warnings"] as? [[String: Any]])?.compactMap { $0["code"] as? String } ?? []
    }
    let entry = try explained(["--detection", "0"] + columns)
    #expect(entry["method"] as? String == "odam" && !codes(entry).contains("boxes-not-merged"))
    let box = try #require(entry["box"] as? [Double]), detection = try #require(entry["detection"] as? [String: Any])
    let numbers = try #require(detection["coordinates"] as? [Double])
    let size = try Picture.size(ofFile: picture), (width, height) = (Double(size.width), Double(size.height))
    let truth = [
      (numbers[0] - numbers[2] / 2) * width, (numbers[1] - numbers[3] / 2) * height,
      (numbers[0] + numbers[2] / 2) * width, (numbers[1] + numbers[3] / 2) * height,
    ]
    for (index, edge) in truth.enumerated() {
      #expect(abs(box[index] - min(max(edge, 0), index % 2 == 0 ? width : height)) < 0.02, "\(box) \(truth)")
    }
    let boxes = try #require(entry["boxes"] as? [[String: Any]])
    #expect(boxes.count { $0["explained"] as? Bool == true } == 1 && boxes[0]["box"] as? [Double] == box)
    // What overlaps is one object; the next one is another.
    let next = try explained(["--detection", "1", "--iou", "0.1"] + columns)
    #expect((next["detection"] as? [String: Any])?["box"] as? Int != detection["box"] as? Int)
    let untold = try explained(["--detection", "0"])
    #expect(untold["box"] is NSNull && untold["boxes"] is NSNull && codes(untold).contains("boxes-not-merged"))
    let sum = try explained(["--boxes-of", "star:0.01", "--iou", "1"] + columns)
    #expect((sum["target"] as? String)?.hasPrefix("score of star summed over ") == true)
  }

  @Test func aKeyPointOfABoxIsOneOfItsNumbers() throws {
    let pose = fixture("pose.onnx")
    let best = try explain(pose, picture, "--detection", "0").entry["detection"] as? [String: Any]
    let box = try #require(best?["box"] as? Int)
    let point = try explain(pose, picture, "--target", "keypoint:0,1", "--node", "relu2")
    let element = try explain(pose, picture, "--target", "output0[0,10,\(box)]", "--node", "relu2")
    expectSame(point.gradient, element.gradient)
    #expect(point.entry["logit"] as? Double == element.entry["logit"] as? Double)
    #expect(point.entry["target"] as? String == "score of key point 1 of person in box \(box)")
    let outcome = try workplace.run(["explain", pose, picture, "--target", "mask:0"])
    #expect(outcome.code == 69 && outcome.errors.contains("boxes have 0 coefficients of a mask"))
  }

  @Test func anEmbeddingIsComparedWithThatOfAnotherPicture() throws {
    _ = try workplace.succeed("explain", plain, fixture("flipped.jpg"), "--save-output", "o.npy")
    let array = try explain(plain, picture, "--embedding", "o.npy")
    let other = try explain(plain, picture, "--embedding", fixture("flipped.jpg"))
    expectSame(array.gradient, other.gradient)
    #expect(array.entry["target"] as? String == "cosine similarity to o.npy")
    _ = try workplace.succeed("explain", plain, picture, "--save-output", "own.npy")
    let reference = try workplace.array("o.npy").values, output = try workplace.array("own.npy").values
    let cosine = Deviation(output, from: reference).cosine
    expectClose([Float(try #require(array.entry["logit"] as? Double))], [Float(cosine)])
    let own = try workplace.succeed("explain", plain, picture, "--embedding", picture, "--json")
    #expect(abs(try #require(own.json([[String: Any]].self)[0]["logit"] as? Double) - 1) < 1e-6)
  }

  @Test func furtherInputsMayBeGiven() throws {
    let tensors = ["--tensor", fixture("image.npy"), "--tensor", "offset=\(fixture("offset.npy"))"]
    let found = try workplace.run(
      ["explain", fixture("two-inputs.onnx")] + tensors + ["--target", "scores[0,1]", "--json"])
    #expect(found.code == 0, "\(found.errors)")
    let compared = try workplace.run(
      ["explain", fixture("two-inputs.onnx")] + tensors + ["--embedding", fixture("image.npy"), "--json"])
    #expect(compared.code == 65 && compared.errors.contains("has 768 numbers, unlike every output of"))
  }

  @Test func severalTargetsDifferInNames() throws {
    _ = try workplace.succeed(
      "explain", fixture("boxes-by-number.onnx"), picture, "--detection", "0", "--class", "star", "--class", "0",
      "--counterfactual", "--output", "maps")
    let names = workplace.files.filter { $0.hasSuffix(".png") }
    #expect(names.count == 2 && names[0].contains(".not-circle-box") && names[1].contains(".not-star-box"))
  }

  @Test func methodsOfClassesNeedOne() throws {
    let outcome = try workplace.run(
      ["explain", plain, picture, "--target", "scores[0,1]", "--method", "finercam"])
    #expect(outcome.code == 69)
    #expect(outcome.errors.contains("--method finercam: is defined for the score of a class; the target is"))
    let all = try workplace.succeed(
      "explain", plain, picture, "--target", "scores[0,1]", "--method", "all", "--output", "maps", "--json")
    let methods = try all.json([[String: Any]].self).compactMap { $0["method"] as? String }
    #expect(methods.contains("scorecam") && !methods.contains("finercam"))
  }

  @Test(arguments: [
    ["plain", "--target", "relu2[0,3]", "--node", "relu1"], ["plain", "--contrast", "0,1"],
    ["plain", "--class", "1", "--counterfactual"], ["plain", "--score", "probability"],
    ["segmentation", "--class", "3"],
    ["boxes-by-box", "--detection", "2"], ["boxes-and-scores", "--detection", "0", "--class", "1"], ["binary"],
  ])
  func gradientsAgreeWithDifferences(_ arguments: [String]) throws {
    let mask = arguments[0] == "segmentation" ? ["--mask", fixture("mask-of-output.png")] : []
    let outcome = try workplace.run(
      ["verify", fixture("\(arguments[0]).onnx"), "--json"] + arguments.dropFirst() + mask
        + (arguments.contains("--node") ? [] : ["--node", "relu2"]))
    #expect(outcome.code == 0, "\(outcome.errors)")
    let nodes = try #require(outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
    #expect(nodes.allSatisfy { $0["verdict"] as? String == "agrees" }, "\(outcome.output)")
  }

  @Test func benchTimesAnyTarget() throws {
    let report = try workplace.succeed(
      "bench", fixture("boxes-by-box.onnx"), "--detection", "0", "--runs", "1", "--json"
    ).json([String: Any].self)
    #expect(report["node"] as? String == "relu2")
  }
}
