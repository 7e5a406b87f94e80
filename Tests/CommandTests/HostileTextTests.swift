import Foundation
import GradCAM
import Testing

/// Names and labels with control characters: none reaches the terminal or the name of a file, and every result is there.
struct HostileTextTests {
  private let place: Workplace
  private static let model = fixture("plain.onnx")
  private static let labels = [
    "\u{1B}]0;owned\u{7}\u{1B}[2J", "one\r\ntwo\n\u{9B}31m", "\u{202E}gpj\u{2066}/\u{301}..\u{200F},\"\u{301}",
  ]
  private static let names = ["\u{1B}[31mred.png", "new\nline.png", "\u{202E}gnp.png", "bell\u{7}\r.png", "ü 花.png"]

  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    for name in Self.names {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path("photos/" + name))
    }
    try JSONEncoder().encode(Self.labels).write(to: URL(fileURLWithPath: place.path("labels.json")))
    try Data("no picture\u{1B}[0m".utf8).write(to: URL(fileURLWithPath: place.path("photos/bad\u{1B}\n.png")))
  }

  private func expectClean(_ text: String, _ what: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let found = text.unicodeScalars.filter { $0.isControl && $0 != "\n" }
    #expect(found.isEmpty, "\(what): \(text.visible)", sourceLocation: sourceLocation)
  }

  private var made: [String] { place.files.filter { !$0.hasPrefix("photos") } }

  @Test(arguments: [
    ["explain", "photos", "--top", "3", "--output", "maps", "--save-heat", "heats/", "--sheet", "sheet.png"],
    ["explain", "photos", "--output", "{class}/{image}.png", "--top", "3"], ["explain", "photos", "--json"],
    ["explain", "photos", "--jsonl", "--output", "maps"], ["explain", "photos/\u{1B}[31mred.png"],
    ["explain", "photos/bad\u{1B}\n.png"], ["explain", "no\u{1B}\n.png"], ["explain", "--no\u{1B}\u{7}"],
    ["explain", "photos", "--class", "\u{202E}\u{1B}"], ["explain", "photos", "--node", "\u{1B}\r"],
    ["sweep", "photos/\u{1B}[31mred.png"], ["sweep", "photos/bell\u{7}\r.png", "--json"],
    ["preprocess", "photos"], ["preprocess", "photos", "--json"], ["verify", "photos/new\nline.png"],
    ["nodes", "--json"], ["evaluate", "photos", "--metric", "average-drop"],
    ["evaluate", "photos", "--metric", "average-drop", "--output", "log.csv"],
  ])
  func nothingReachesTheTerminal(_ arguments: [String]) throws {
    let outcome = try place.run([arguments[0], Self.model] + arguments[1...] + ["--labels", "labels.json"])
    expectClean(outcome.output, "output")
    expectClean(outcome.errors, "errors")
    for file in made { expectClean(file + (file.contains("\n") ? "\r" : ""), "file") }
    let errors = outcome.errors.split(separator: "\n").filter { $0.contains("error: ") }
    #expect(errors.count == (outcome.code == 0 ? 0 : 1), "\(outcome.code): \(outcome.errors)")
    if arguments.contains("--json"), outcome.code == 0 || outcome.code == 65 {
      let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      if arguments[0] == "explain" {
        let images = try #require(document as? [[String: Any]]).compactMap { $0["image"] as? String }
        #expect(Set(images) == Set(Self.names.map { "photos/" + $0 }))
      }
    }
  }

  @Test func compare() throws {
    let outcome = try place.run([
      "compare", Self.model, fixture("softmax.onnx"), "photos", "--labels", "labels.json", "--csv", "table.csv",
      "--report", "report.html",
    ])
    #expect(outcome.code == 65, "\(outcome.errors)")
    expectClean(outcome.output, "output")
    expectClean(outcome.errors, "errors")
    expectClean(String(decoding: try place.contents("report.html"), as: UTF8.self).replacing("\t", with: ""), "report")
    // A record for each picture and model, whatever line ends its fields hold.
    let text = String(decoding: try place.contents("table.csv"), as: UTF8.self)
    let records = try #require(CSV.fields(text.replacing("\n", with: ",")))
    #expect(records.count > Self.names.count * 2 * 9)
  }

  /// What is in the log is found again, whatever its names hold.
  @Test(arguments: ["log.jsonl", "log.csv"]) func logs(_ file: String) throws {
    let arguments = [
      "evaluate", Self.model, "photos", "--labels", "labels.json", "--metric", "average-drop", "--output", file,
    ]
    let first = try place.run(arguments), log = try place.contents(file)
    #expect(first.code == 0, "\(first.errors)")
    let second = try place.run(arguments + ["--resume"])
    #expect(second.code == 0 && second.output == first.output, "\(second.errors)")
    #expect(try place.contents(file) == log)
  }

  /// Names are cut where file systems would refuse them, and stay different.
  @Test(arguments: ["n", "花", "👩‍👩‍👧"]) func longLabels(_ character: String) throws {
    let long = String(repeating: character, count: 300)
    let labels = [long, long + "a", long + "b"]
    try JSONEncoder().encode(labels).write(to: URL(fileURLWithPath: place.path("labels.json")))
    let picture = String(repeating: "p", count: 250) + ".png"
    try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path(picture))
    for number in 0..<3 {
      _ = try place.succeed(
        "explain", Self.model, picture, "--labels", "labels.json", "--class", "\(number)", "--output",
        "maps/{image}.{model}.{node}.{class}.{method}.png", "--save-map", "maps/{class}/{image}.npy")
    }
    let files = place.files.filter { $0.hasPrefix("maps/") && ($0.hasSuffix(".png") || $0.hasSuffix(".npy")) }
    #expect(files.count == 6)
    #expect(files.allSatisfy { $0.split(separator: "/").allSatisfy { $0.utf8.count <= 255 } })
  }
}
