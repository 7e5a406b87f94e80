import GradCAM
import Graph
import TestSupport
import Testing

/// Networks that take several images at a time, with the weights of `plain`, which takes one.
struct BatchTests {
  private let workplace: Workplace
  private let images: [[Float]]

  init() throws {
    workplace = try Workplace()
    let first = try NPYArray(contentsOf: fixture("image.npy")).values
    images = [first, first.reversed()]
    for (name, values, count) in [
      ("first", images[0], 1), ("second", images[1], 1), ("both", images[0] + images[1], 2),
    ] {
      try NPYArray(shape: [count, 3, 16, 16], values: values).write(to: workplace.path("\(name).npy"))
    }
  }

  /// The map of a class for a tensor.
  private func map(_ model: String, _ tensor: String, _ options: String...) throws -> [Float] {
    let arguments = ["explain", fixture("\(model).onnx"), "--tensor", tensor, "--save-map", "m.npy"] + options
    let outcome = try workplace.run(arguments)
    #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
    return try workplace.array("m.npy").values
  }

  private func isClose(_ first: [Float], _ second: [Float], scale: Float = 1) -> Bool {
    first.count == second.count && first.contains { $0 > 0 }
      && zip(first, second).allSatisfy { abs($0 - scale * $1) <= 1e-5 * (second.max() ?? 1) }
  }

  @Test(arguments: ["two-images", "dynamic"])
  func everyImageOfABatchHasItsMap(_ model: String) throws {
    let outcome = try workplace.succeed(
      "explain", fixture("\(model).onnx"), "--tensor", "both.npy", "--class", "1", "--save-output", "o.npy", "--json")
    let found = try outcome.json([[String: Any]].self)
    #expect(found.map { $0["image"] as? String } == ["both[0].npy", "both[1].npy"])
    #expect(Set(found.compactMap { $0["output"] as? String }).count == 2)
    #expect(try workplace.array("o.npy").shape == [2, 3])
    for (item, name) in ["first", "second"].enumerated() {
      let alone = try map("plain", "\(name).npy", "--class", "1")
      #expect(isClose(try map(model, "both.npy", "--class", "1", "--item", "\(item)"), alone), "\(item)")
      #expect(isClose(try map(model, "both.npy", "--target", "scores[\(item),1]"), alone), "\(item)")
      #expect(isClose(try map(model, "both.npy", "--target", "scores[:,1]", "--item", "\(item)"), alone), "\(item)")
    }
  }

  @Test(arguments: ["ablationcam", "scorecam", "smoothgradcam++", "fullgrad", "layercam"])
  func methodsThatRunAgainTakeTheSameImage(_ method: String) throws {
    let alone = try map("plain", "second.npy", "--class", "1", "--method", method)
    #expect(isClose(try map("two-images", "both.npy", "--class", "1", "--item", "1", "--method", method), alone))
  }

  @Test func whatABatchDoesNotHaveIsAUsageError() throws {
    let model = fixture("two-images.onnx")
    for (options, words) in [
      (["--item", "2"], "use 0 to 1"), (["--target", "scores[2,0]"], "whose shape is 2×3"),
      (["--save-map", "m.npy"], "is one file, but there are 2 arrays"),
    ] {
      let outcome = try workplace.run(["explain", model, "--tensor", "both.npy"] + options)
      #expect(outcome.code == 64 && outcome.errors.contains(words), "\(options): \(outcome.errors)")
    }
  }

  /// The score is read from the mean of the frames' features: each has half the gradient that it has alone.
  @Test func everyFrameHasItsMap() throws {
    let outcome = try workplace.succeed(
      "explain", fixture("frames.onnx"), "--tensor", "both.npy", "--class", "1", "--json")
    #expect(try outcome.json([[String: Any]].self).count == 2)
    for (item, name) in ["first", "second"].enumerated() {
      let alone = try map("plain", "\(name).npy", "--class", "1")
      #expect(isClose(try map("frames", "both.npy", "--class", "1", "--item", "\(item)"), alone, scale: 0.5), "\(item)")
    }
  }

  @Test func picturesAreTheFramesOfOneFilm() throws {
    let model = fixture("frames.onnx"), pictures = [fixture("disc.png"), fixture("pixel.png")]
    let film = try workplace.run(["explain", model, "--class", "1", "--json"] + pictures)
    let found = try film.json([[String: Any]].self)
    #expect(film.code == 0 && !film.errors.contains("together") && found.count == 2, "\(film.errors)")
    #expect(Set(found.compactMap { $0["logit"] as? Double }).count == 1, "one score for both")
    let one = try workplace.run(["explain", model, pictures[0]])
    #expect(one.code == 0 && one.errors.contains("takes 2 images together"), "\(one.errors)")
    let three = try workplace.run(["explain", model] + pictures + [fixture("mask.png")])
    #expect(three.code == 64 && three.errors.contains("give 2, or one"), "\(three.errors)")
  }
}
