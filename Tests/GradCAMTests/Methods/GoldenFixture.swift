import Foundation

/// Maps that other libraries made, by the scripts in Fixtures/methods.
enum GoldenFixture {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/methods")

  /// The contents of a file; tests cannot be listed without them.
  static func read<Contents: Decodable>(_ name: String) -> Contents {
    do {
      return try JSONDecoder().decode(Contents.self, from: Data(contentsOf: folder.appending(path: name)))
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }
}
