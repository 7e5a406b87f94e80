@testable import Command
import Graph

/// Continues the file of an evaluation; what it accepts, it must accept again.
func fuzzLog(_ input: [UInt8]) throws {
  let metrics = ["average-drop", "increase"]
  for name in ["log.jsonl", "log.csv"] {
    let path = FuzzFolder.write(input, to: name)
    func open() throws -> EvaluationLog {
      try EvaluationLog(path, metrics: metrics, resumes: true, expected: (model: "m.onnx", node: "auto")) { _ in }
    }
    guard let finished = try? open().finished else { continue }
    let line = EvaluationLine(image: "\u{1F431}, \"new\".png", model: "m.onnx", error: "cannot be read")
    let next = EvaluationLine(image: "next.png", model: "m.onnx", error: "cannot be read")
    try open().append([line])
    try open().append([next])
    guard Set(try open().finished.keys).isSuperset(of: finished.keys) else { fatalError("lines were lost") }
  }
}
