import Foundation
import GradCAM
import TestSupport
import Testing

/// Signals, volumes, films and many channels on the command line.
struct SignalTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try array([1, 12, 96]).write(to: workplace.path("record.npy"))
    try array([1, 6, 16, 20]).write(to: workplace.path("tile.npy"))
    try array([1, 1, 6, 12, 10]).write(to: workplace.path("volume.npy"))
  }

  /// The path of a network of Fixtures/signals/make.py.
  private func network(_ name: String) -> String { fixture("../../GradCAMTests/Fixtures/signals/\(name).onnx") }
  private func file(_ name: String) -> String { fixture("../../GradCAMTests/Fixtures/numbers/\(name)") }

  private func array(_ shape: [Int]) -> NPYArray {
    var state: UInt32 = 1
    let values = (0..<shape.reduce(1, *)).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 23) - 1
    }
    return NPYArray(shape: shape, values: values)
  }

  /// What a file leaves open may be said before there is an input.
  @Test func sizesHaveAsManyAxesAsTheInput() throws {
    func shape(_ name: String, _ size: String) throws -> String {
      let outcome = try workplace.succeed("nodes", network(name), "--size", size, "--json")
      let shapes = try outcome.json([[String: Any]].self).compactMap { $0["shape"] as? [Int] }
      return try #require(shapes.first).map(String.init).joined(separator: "×")
    }
    #expect(try shape("volume", "12x10x6").hasSuffix("×6×10×12"))
    #expect(try shape("ecg", "96").hasSuffix("×48") && shape("ecg", "96x1").hasSuffix("×48"))
    for (name, size) in [("bands", "12x10x6"), ("volume", "12x10x6x2"), ("volume", "12x10x0"), ("volume", "x12")] {
      #expect(try workplace.run(["nodes", network(name), "--size", size]).code == 64, "\(name) \(size)")
    }
    #expect(try workplace.run(["nodes", shipped("shapes-vgg.onnx"), "--crop", "12x10x6"]).code == 64)
  }

  @Test func aSignalStandsWhereAPictureDoes() throws {
    let outcome = try workplace.succeed(
      "explain", network("ecg"), "record.npy", "--rate", "500", "--json", "--save-map", "map.npy", "--save-heat",
      "heat.npy", "--output", "curve.png", "--save-activation", "a.npy")
    let report = try #require(outcome.json([[String: Any]].self).first)
    #expect(report["shape"] as? [Int] == [12] && report["preprocessing"] is NSNull)
    #expect(try workplace.array("map.npy").shape == [12] && workplace.array("heat.npy").shape == [96])
    #expect(try workplace.array("a.npy").shape == [1, 8, 12])
    let drawn = try workplace.picture("curve.png")
    _ = try workplace.succeed("explain", network("ecg"), "--tensor", "record.npy", "--output", "samples.png")
    let samples = try workplace.picture("samples.png")
    #expect((samples.width, samples.height) == (drawn.width, drawn.height) && samples != drawn)
    // Other lengths, and the dimension of the batch left out.
    try array([12, 200]).write(to: workplace.path("long.npy"))
    _ = try workplace.succeed("explain", network("ecg"), "record.npy", "long.npy", "--save-heat", "heats/")
    #expect(workplace.files.count { $0.hasPrefix("record.") || $0.hasPrefix("long.") } >= 3)
  }

  @Test func aSoundKeepsItsRate() throws {
    // Two channels for a network of two.
    let outcome = try workplace.succeed(
      "explain", network("segments"), file("stereo16.wav"), "--class", "1", "--save-heat", "heat.npy", "--output",
      "sound.png")
    #expect(outcome.errors.isEmpty || outcome.errors.contains("warning") || outcome.errors.contains("note"))
    #expect(try workplace.array("heat.npy").shape == [9])
    _ = try workplace.succeed(
      "explain", network("segments"), file("stereo16.wav"), "--class", "1", "--rate", "500", "--output", "same.png")
    #expect(try workplace.picture("same.png") == workplace.picture("sound.png"))
    let wrong = try workplace.run(["explain", network("ecg"), file("stereo16.wav")])
    #expect(wrong.code == 65 && wrong.errors.contains("stereo16.wav") && wrong.errors.contains("1×12×L ncl"))
  }

  @Test func volumesAreWrittenInTheirOwnSpace() throws {
    let outcome = try workplace.succeed(
      "explain", network("volume"), file("int16.nii"), "--output", "map.nii.gz", "--save-map", "small.nii", "--json")
    let report = try #require(outcome.json([[String: Any]].self).first)
    let map = try NumberFile(contentsOf: workplace.path("map.nii.gz"))
    let volume = try NumberFile(contentsOf: file("int16.nii"))
    let shape = try #require(report["shape"] as? [Int])
    #expect(shape.count == 3 && volume.source.space != nil && map.source.space != nil)
    _ = try workplace.succeed(
      "explain", network("volume"), file("int16.nii"), "--axes", "zyx", "--output", "slices.png", "--save-heat",
      "heat.npy")
    #expect(try workplace.array("heat.npy").shape == [5, 3, 4])
    #expect(try workplace.picture("slices.png").width > 200)
    let refused = try workplace.run(["explain", network("volume"), "volume.npy", "--output", "map.nii"])
    #expect(refused.code == 64 && refused.errors.contains("map.nii"))
    #expect(!workplace.files.contains("map.nii"))
  }

  @Test func channelsAreChosen() throws {
    let outcome = try workplace.succeed(
      "explain", network("bands"), "tile.npy", "--target", "output[0,1]", "--show", "3,2,1", "--output", "colours.png")
    #expect(outcome.errors.contains("channels 3, 2, 1"))
    let mean = try workplace.succeed(
      "explain", network("bands"), "tile.npy", "--target", "output[0,1]", "--output", "mean.png")
    #expect(mean.errors.contains("the mean of 6 channels") && mean.errors.contains("--show 3,2,1"))
    #expect(try workplace.picture("mean.png") != workplace.picture("colours.png"))
    let wrong = try workplace.run(["explain", network("bands"), "tile.npy", "--target", "output[0,1]", "--show", "7"])
    #expect(wrong.code == 64 && wrong.errors.contains("from 1 to 6"))
  }

  /// A folder of frames, whose numbers count, not their letters.
  @Test func aFolderIsAFilm() throws {
    try FileManager.default.createDirectory(atPath: workplace.path("clip"), withIntermediateDirectories: true)
    for number in 8..<12 {
      let pixels = (0..<3 * 20 * 30).map { UInt8(truncatingIfNeeded: $0 * number) }
      try Picture(width: 20, height: 30, pixels: pixels).write(to: workplace.path("clip/frame\(number).png"))
    }
    let outcome = try workplace.succeed(
      "explain", network("film"), "clip/", "--preset", "raw", "--save-heat", "heat.npy", "--output", "film.png",
      "--json")
    let report = try #require(outcome.json([[String: Any]].self).first)
    #expect(
      (report["preprocessing"] as? String)?.contains("frames of RGB") == true && report["image"] as? String == "clip")
    #expect(try workplace.array("heat.npy").shape == [4, 16, 14])
    // The same numbers in that order.
    var values = [Float](repeating: 0, count: 3 * 4 * 16 * 14)
    for (place, number) in (8..<12).enumerated() {
      let picture = try workplace.picture("clip/frame\(number).png").resized(width: 14, height: 16)
      for (index, sample) in picture.pixels.enumerated() {
        values[(index % 3 * 4 + place) * 16 * 14 + index / 3] = Float(sample)
      }
    }
    try NPYArray(shape: [1, 3, 4, 16, 14], values: values).write(to: workplace.path("clip.npy"))
    _ = try workplace.succeed("explain", network("film"), "clip.npy", "--save-heat", "same.npy", "--output", "same.png")
    #expect(try workplace.array("same.npy") == workplace.array("heat.npy"))
    try FileManager.default.removeItem(atPath: workplace.path("clip/frame8.png"))
    let short = try workplace.run(["explain", network("film"), "clip"])
    #expect(short.code == 65 && short.errors.contains("3 frames"))
  }

  @Test func theOtherCommandsFollow() throws {
    let nodes = try workplace.succeed("nodes", network("volume"), "--json").json([[String: Any]].self)
    #expect(nodes.contains { ($0["shape"] as? [Int])?.count == 5 && $0["auto"] as? Bool == true })
    let assumed = try workplace.succeed("nodes", network("volume"))
    #expect(assumed.errors.contains("is assumed until --tensor"))
    let swept = try workplace.succeed("sweep", network("ecg"), "record.npy", "--json").json([String: Any].self)
    let rows = try #require(swept["nodes"] as? [[String: Any]])
    #expect(rows.count > 4 && rows.allSatisfy { ($0["shape"] as? [Int])?.count == 1 })
    #expect(workplace.files.contains("record.sweep.png"))
    _ = try workplace.succeed("sweep", network("volume"), "volume.npy", "--metric", "none", "--output", "sheet.png")
    #expect(try workplace.run(["sweep", network("ecg"), "record.npy", "--metric", "road"]).code == 69)
    #expect(try workplace.succeed("verify", network("ecg"), "record.npy", "--node", "layer1").output.contains("agrees"))
    _ = try workplace.succeed("bench", network("film"), "--runs", "1", "--json")
    let models = try workplace.run(["models", "--models", fixture("../../GradCAMTests/Fixtures/signals"), "--json"])
    let listed = try models.json([[String: Any]].self)
    #expect(listed.allSatisfy { $0["error"] is NSNull } && listed.count == 11)
  }

  @Test func foldersOfNumbersAreEvaluated() throws {
    try FileManager.default.createDirectory(atPath: workplace.path("records"), withIntermediateDirectories: true)
    for number in 0..<3 {
      try array([12, 60 + number]).write(to: workplace.path("records/\(number).npy"))
    }
    let outcome = try workplace.succeed("evaluate", network("ecg"), "records", "--json").json([String: Any].self)
    #expect(outcome["images"] as? Int == 3)
    let metrics = try #require(outcome["metrics"] as? [[String: Any]]).compactMap { $0["metric"] as? String }
    #expect(metrics.contains("insertion") && !metrics.contains("road"))
    let refused = try workplace.run(["evaluate", network("ecg"), "records", "--metric", "road"])
    #expect(refused.code == 69 && refused.errors.contains("road"))
    let grouped = try workplace.run(["evaluate", network("ecg"), "records", "--clusters", "2"])
    #expect(grouped.code == 69 && grouped.errors.contains("--clusters 2"))
  }

  @Test func whatShowsPicturesAloneSaysSo() throws {
    let served = try workplace.run(["serve", network("ecg"), "--port", "0"])
    #expect(served.code == 69 && served.errors.contains("1×12×L ncl"))
    let picture = try workplace.run(["explain", network("ecg"), fixture("disc.png")])
    #expect(picture.code == 69 && picture.errors.contains("no picture"))
    let aug = try workplace.run(["explain", network("ecg"), "record.npy", "--smooth", "aug"])
    #expect(aug.code == 69 && aug.errors.contains("--smooth aug"))
    let report = try workplace.run(["sweep", network("volume"), "volume.npy", "--report", "page.html"])
    #expect(report.code == 64)
    let method = try workplace.run(["explain", network("ecg"), "record.npy", "--method", "recipro-cam"])
    #expect(method.code == 69 && method.errors.contains("recipro-cam"))
    _ = try workplace.succeed(
      "explain", network("ecg"), "record.npy", "--method", "all!", "--output", "all.png", "--quiet")
  }
}
