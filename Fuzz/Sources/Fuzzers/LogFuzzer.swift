@testable import Command
import Graph

/// Continues the file of an evaluation; what it accepts, it must accept again.
func fuzzLog(_ input: [UInt8]) throws {
  let metrics = ["average-drop", "increase"]
  for name in ["log.jsonl", "log.csv"] {
    let path = FuzzFolder.write(input, to: name)
    func open() throws -> EvaluationLog {
      try EvaluationLog(
        path, metrics: metrics, resumes: true, expected: (model: "m.onnx", node: "auto"), provenance: nil,
        measures: { _ in true }, kept: { _ in })
    }
    var finished: Set<String> = []
    do {
      guard let log = try? open() else { continue }
      let new = EvaluationLine(image: "\u{1F431}, \"new\".png", model: "m.onnx", error: "cannot be read")
      // The last image of a file counts as unfinished.
      let last = EvaluationLine(image: "last.png", model: "m.onnx", error: "cannot be read")
      try log.append([new, last])
      finished = Set(log.finished.keys).union([new.image]).subtracting([last.image])
    }
    guard Set(try open().finished.keys).isSuperset(of: finished) else { fatalError("lines were lost") }
  }
}
