import Foundation
import GradCAM
import Testing

/// Whatever moment a run is killed at, nothing is lost, doubled or torn.
///
/// `GRADCAM_KILLS` sets how often each command is killed.
@Suite(.serialized) struct KillTests {
  private let place: Workplace
  private static let model = fixture("plain.onnx")
  private static let count = Int(ProcessInfo.processInfo.environment["GRADCAM_KILLS"] ?? "") ?? 20
  private static let pictures = (0..<8).map { "photos/\($0).png" }

  init() throws {
    place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: false)
    for picture in Self.pictures {
      try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: place.path(picture))
    }
  }

  /// The seconds that an undisturbed run takes.
  private func time(_ arguments: [String]) throws -> Double {
    let clock = ContinuousClock(), start = clock.now
    let outcome = try place.run(arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return start.duration(to: clock.now) / .seconds(1)
  }

  private func remove(_ name: String) { try? FileManager.default.removeItem(atPath: place.path(name)) }

  /// A moment of a run that takes some seconds, or more on a busy machine.
  private func moment(of seconds: Double) -> Double { Double.random(in: 0.2...1.6) * seconds }

  @Test(arguments: ["jsonl", "csv"]) func evaluate(format: String) throws {
    func arguments(_ log: String) -> [String] {
      ["evaluate", Self.model, "photos", "--metric", "average-drop", "--method", "gradcam", "--method", "layercam"]
        + ["--output", "\(log).\(format)", "--resume"]
    }
    let log = "log.\(format)"
    let seconds = try time(arguments("log")), whole = try place.contents(log)
    remove(log)
    var before = Data(), left = 0
    for _ in 0..<Self.count {
      try place.kill(arguments("log"), after: moment(of: seconds))
      // The file has its name only once it is complete.
      if let complete = try? place.contents(log) { #expect(complete == whole) }
      let after = (try? place.contents(log)) ?? (try? place.contents("\(log).part")) ?? Data()
      #expect(whole.starts(with: after) && after.count >= before.count && (after.isEmpty || after.last == 0x0A))
      left += after.isEmpty ? 0 : 1
      before = after
      guard after.count == whole.count else { continue }
      remove(log)
      before = Data()
    }
    #expect(left > 0)
    #expect(try place.run(arguments("log")).code == 0)
    #expect(try place.contents(log) == whole)
  }

  /// Rows and the pictures that they name.
  @Test func rows() throws {
    let arguments = ["explain", Self.model, "photos", "--rows", "rows.jsonl", "--output", "maps", "--resume"]
    let seconds = try time(arguments), whole = try place.contents("rows.jsonl")
    remove("rows.jsonl")
    var before = Data()
    for _ in 0..<Self.count {
      try place.kill(arguments, after: moment(of: seconds))
      if let complete = try? place.contents("rows.jsonl") { #expect(complete == whole) }
      let after = (try? place.contents("rows.jsonl")) ?? (try? place.contents("rows.jsonl.part")) ?? Data()
      #expect(whole.starts(with: after) && after.count >= before.count && (after.isEmpty || after.last == 0x0A))
      for line in after.split(separator: 0x0A) {
        let row = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
        if let output = row["output"] as? String { _ = try place.picture(output) }
      }
      before = after
      guard after.count == whole.count else { continue }
      for name in ["rows.jsonl", "rows.jsonl.part", "maps"] { remove(name) }
      before = Data()
    }
    #expect(try place.run(arguments).code == 0)
    #expect(try place.contents("rows.jsonl") == whole)
  }

  @Test func explain() throws {
    let arguments =
      ["explain", Self.model] + Self.pictures + ["--output", "maps/{image}.png", "--save-heat", "maps/heat.npz"]
    let seconds = try time(arguments)
    try FileManager.default.moveItem(atPath: place.path("maps"), toPath: place.path("whole"))
    let names = place.files.filter { $0.hasPrefix("whole/") }.map { $0.dropFirst(6) }
    #expect(names.count == 9)
    var left = 0
    for index in 0..<Self.count {
      // Every other run replaces what the one before it made.
      if index % 2 == 0 { remove("maps") }
      try place.kill(arguments, after: moment(of: seconds))
      for file in place.files where file.hasPrefix("maps/") {
        let name = file.dropFirst(5)
        // A name that replaces another one exists for an instant.
        guard !name.hasPrefix(".gradcam-") || index % 2 == 0 else { continue }
        #expect(names.contains(name))
        #expect(try place.contents(file) == place.contents("whole/\(name)"))
        left += 1
      }
    }
    #expect(left > 0)
  }

  @Test func compareWithReport() throws {
    let arguments =
      ["compare", Self.model, fixture("softmax.onnx"), "--images"] + Self.pictures.prefix(2)
      + ["--output", "out/grid.png", "--report", "out/report.html", "--csv", "out/table.csv"]
    try FileManager.default.createDirectory(atPath: place.path("out"), withIntermediateDirectories: false)
    let seconds = try time(arguments), table = try place.contents("out/table.csv")
    var left = 0
    for index in 0..<Self.count {
      if index % 2 == 0 {
        for name in place.files where name.hasPrefix("out/") { remove(name) }
      }
      try place.kill(arguments, after: moment(of: seconds))
      for file in place.files where file.hasPrefix("out/") {
        left += 1
        switch file {
        case "out/grid.png": _ = try place.picture(file)
        case "out/report.html": #expect(try place.contents(file).suffix(8) == Data("</html>\n".utf8))
        case "out/table.csv": #expect(try place.contents(file) == table)
        default: #expect(file.hasPrefix("out/.gradcam-") && index % 2 == 1, "\(file)")
        }
      }
    }
    #expect(left > 0)
  }
}
