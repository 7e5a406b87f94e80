import Foundation
import Graph
import Testing

@testable import ONNXLoader

let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

func path(_ fixture: String) -> String { fixtures.appending(path: fixture).path }

func load(_ fixture: String) throws -> ComputeGraph { try loadModel(at: path(fixture)) }

/// Calls `body` with the path of a new file in a folder of its own.
func withFile<Result>(_ name: String, _ contents: some Sequence<UInt8>, _ body: (String) throws -> Result) throws
  -> Result
{
  let folder = FileManager.default.temporaryDirectory.appending(path: "gradcam-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: name)
  try Data(contents).write(to: file)
  return try body(file.path)
}

extension ComputeGraph {
  func value(_ name: String) throws -> Value { try #require(values.first { $0.name == name }) }

  func node(_ name: String) throws -> Node { try #require(nodes.first { $0.name == name }) }

  func names(_ ids: [ValueID?]) -> [String?] { ids.map { $0.map { values[$0].name } } }
}
