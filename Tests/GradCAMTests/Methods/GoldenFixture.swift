import Foundation
import GradCAM

/// What other libraries made, by the scripts under Fixtures.
enum GoldenFixture {
  /// The contents of a file under Fixtures; tests cannot be listed without them.
  static func read<Contents: Decodable>(_ name: String) -> Contents {
    do {
      return try JSONDecoder().decode(Contents.self, from: Data(contentsOf: URL(filePath: fixture(name))))
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }

  /// One of the narrow networks that methods are tested on.
  static func model(_ name: String) throws -> Model { try Model(contentsOf: fixture("methods/\(name).onnx")) }
}
