import Foundation

@testable import GradCAM

/// The path of a file under Fixtures.
func fixture(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)").path
}

/// What a list under Fixtures, in JSON, describes.
func fixtures<Entry: Decodable>(_ path: String) -> [Entry] {
  do {
    return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: URL(filePath: fixture(path))))
  } catch {
    fatalError("the fixtures cannot be read: \(error)")
  }
}

/// The path of a file that the project ships in `models`.
func shipped(_ name: String) -> String {
  URL(filePath: #filePath).appending(path: "../../../models/\(name)").standardizedFileURL.path
}

/// A network that the project ships in `models`.
func shippedModel(_ name: String, registry: Registry = .standard) throws -> Model {
  try Model(contentsOf: shipped(name), registry: registry)
}

/// A new folder, removed after the body.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gradcam-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// The names in a folder, hidden ones too; nil where it cannot be read.
func entries(of folder: String) -> [String]? { try? FileManager.default.contentsOfDirectory(atPath: folder) }

extension FeatureMapLayout {
  /// Where an element of a picture's feature map lies in the tensor.
  func index(_ channel: Int, _ row: Int, _ column: Int) -> Int { index(channel, row * width + column) }
}
