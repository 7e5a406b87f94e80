@testable import Command
@testable import GradCAM
import Graph

/// Continues a table of rows that was not completed; what it accepts, it must accept again.
func fuzzLog(_ input: [UInt8]) throws {
  let metrics = ["average-drop", "increase"], configuration = Configuration(#"{"configuration":{"version":"0"}}"#)!
  for name in ["log.jsonl", "log.csv"] {
    let part = FuzzFolder.write(input, to: "\(name).part"), path = String(part.dropLast(5))
    /// Opens the table, and notes the images of the rows that are kept.
    func open(_ images: inout Set<String>) throws -> RowLog {
      var found: Set<String> = []
      let log = try RowLog(path, metrics: metrics, resumes: true, configuration, model: "m.onnx", node: "auto") {
        found.insert($0.image)
      }
      images = found
      return log
    }
    func row(_ image: String) -> Row {
      Row(
        image: image, model: "m.onnx", configuration: configuration.fingerprint(method: nil), error: "cannot be read")
    }
    var kept: Set<String> = [], again: Set<String> = []
    let new = "\u{1F431}, \"new\".png"
    do {
      guard let log = try? open(&kept) else { continue }
      try log.append([row(new)])
      // The last image of an unfinished table is explained again.
      try log.append([row("last.png")])
      kept.insert(new)
    }
    _ = try open(&again)
    guard again.isSuperset(of: kept) else { fatalError("rows were lost") }
    // A complete one keeps its last image, too.
    try open(&again).finish()
    _ = try open(&again)
    guard again.isSuperset(of: kept.union(["last.png"])) else { fatalError("rows were lost") }
    unlink(path)
  }
}
