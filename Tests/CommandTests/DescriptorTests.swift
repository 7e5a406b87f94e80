import Foundation
import Testing

/// A program whose standard descriptors are closed when it starts: no file takes their numbers.
struct DescriptorTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Runs the program with descriptors closed.
  private func run(_ arguments: [String], closed: String) throws -> Workplace.Outcome {
    try place.run(
      ["-c", "exec \"$0\" \"$@\" \(closed)", Workplace.built("gradcam").path] + arguments, program: "/bin/sh")
  }

  private let explaining = ["explain", fixture("plain.onnx"), fixture("disc.png"), "--output", "map.png"]

  @Test(arguments: ["<&-", "2>&-", "<&- 2>&-"]) func resultsComeAsEver(_ closed: String) throws {
    let usual = try place.run(explaining), map = try place.contents("map.png")
    let outcome = try run(explaining, closed: closed)
    #expect(outcome.code == 0 && outcome.output == usual.output.replacing("map.png", with: "map.png (replaced)"))
    #expect(try place.contents("map.png") == map)
  }

  @Test(arguments: [">&-", "<&- >&-"]) func resultsThatCannotBePrintedAreAnError(_ closed: String) throws {
    let usual = try place.run(explaining), map = try place.contents("map.png")
    #expect(usual.code == 0)
    let outcome = try run(explaining, closed: closed)
    #expect(outcome.code == 73 && outcome.errors.contains("standard output: cannot be written"), "\(outcome)")
    #expect(try place.contents("map.png") == map)
    #expect(try run(explaining, closed: closed + " 2>&-").code == 73)
  }

  @Test(arguments: [">&-", "2>&-", "<&- >&- 2>&-"]) func logsHoldNothingElse(_ closed: String) throws {
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    for name in ["a.png", "b.png"] {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path("photos/" + name))
    }
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: place.path("photos/c.png")))
    let arguments = ["evaluate", fixture("plain.onnx"), "photos", "--metric", "average-drop", "--output", "log.jsonl"]
    #expect(try place.run(arguments).code == 0)
    let whole = try place.contents("log.jsonl")
    try FileManager.default.removeItem(atPath: place.path("log.jsonl"))
    let outcome = try run(arguments, closed: closed)
    #expect(outcome.code == (closed.contains(">&- ") || closed == ">&-" ? 73 : 0), "\(outcome)")
    #expect(try place.contents("log.jsonl") == whole)
  }
}
