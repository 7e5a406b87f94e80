import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ObjectBoxesTests {
  private func boxes(_ text: String) throws -> ObjectBoxes {
    try withTemporaryFolder { folder in
      try Data(text.utf8).write(to: URL(filePath: folder + "/boxes.json"))
      return try ObjectBoxes(contentsOf: folder + "/boxes.json")
    }
  }

  private static let two = """
    {"a.png": [{"label": "cat", "box": [1, 2, 4, 8]}, {"label": "dog", "box": [0, 0, 2, 2]},
               {"label": "cat", "box": [5, 5, 6, 6]}],
     "day/a.png": [{"label": "dog", "box": [0, 0, 1, 1]}]}
    """

  @Test func picturesAreFoundByTheEndOfTheirPaths() throws {
    let boxes = try boxes(Self.two)
    #expect(boxes.objects(in: "/photos/a.png").map(\.label) == ["cat", "dog", "cat"])
    #expect(boxes.objects(in: "photos/day/a.png").map(\.label) == ["dog"])
    #expect(boxes.objects(in: "b.png").isEmpty)
  }

  @Test func boxesByClass() throws {
    let boxes = try boxes(Self.two), labels = Labels(["dog", "cat"])
    #expect(try boxes.classes(in: "a.png", labels, classCount: 2) == [1, 0])
    let cats = try boxes.boxes(in: "a.png", of: 1, labels, classCount: 2)
    #expect(cats == [PixelRectangle(x: 1, y: 2, width: 3, height: 6), PixelRectangle(x: 5, y: 5, width: 1, height: 1)])
    expectError(.badData, saying: "boxes.json", "'cat'") {
      _ = try boxes.classes(in: "a.png", Labels(["dog", "bird"]), classCount: 2)
    }
  }

  @Test(arguments: [
    ("[]", "PICTURE"), ("{", "PICTURE"), (#"{"a.png": [{"label": "cat"}]}"#, "PICTURE"),
    (#"{"a.png": [{"label": "cat", "box": [1, 2, 3]}]}"#, "[1, 2, 3]"),
    (#"{"a.png": [{"label": "cat", "box": [4, 2, 3, 9]}]}"#, "[4, 2, 3, 9]"),
    (#"{"a.png": [{"label": "cat", "box": [0, 0, 99999999999, 9]}]}"#, "[0, 0, 99999999999, 9]"),
  ]) func wrongFiles(_ text: String, words: String) {
    expectError(.badData, saying: "boxes.json", words) { _ = try boxes(text) }
  }
}
