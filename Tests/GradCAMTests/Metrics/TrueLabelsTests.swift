import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct TrueLabelsTests {
  private let pictures = ["photos/a/1.png", "photos/b/1.png", "photos/b/2.png"]

  /// The labels of the pictures by a table.
  private func labels(_ table: String) throws -> [String] {
    try withTemporaryFolder { folder in
      let path = folder + "/truth.csv"
      try table.write(toFile: path, atomically: true, encoding: .utf8)
      let labels = try TrueLabels(path, of: pictures)
      return pictures.map(labels.label)
    }
  }

  @Test func foldersAreLabels() throws {
    let labels = try TrueLabels("folders", of: pictures)
    #expect(pictures.map(labels.label) == ["a", "b", "b"])
    expectError(.badData, at: "1.png", saying: "no folder") { _ = try TrueLabels("folders", of: ["1.png"]) }
  }

  /// Tables name pictures by the ends of their paths, with columns of any order if there is a heading.
  @Test(arguments: [
    "a/1.png,cat\nb/1.png,dog\n2.png,\"cow, big\"\n",
    "\u{FEFF}Label;Weight;Image\r\ncat;1;a/1.png\r\ndog;2;b/1.png\r\n\"cow, big\";3;x/photos/b/2.png\r\n",
    "photos/a/1.png\tcat\nphotos/b/1.png\tdog\n\nphotos/b/2.png\tcow, big\nother.png\tpig\n",
  ])
  func tablesGiveLabels(table: String) throws { #expect(try labels(table) == ["cat", "dog", "cow, big"]) }

  @Test(arguments: [
    ("a/1.png,cat\nb/1.png,dog\n", ["has no label for photos/b/2.png"]),
    ("a/1.png,cat\nb/1.png,dog\nb/3.png,cow\n", ["has no label for photos/b/2.png", "'b/3.png'"]),
    ("1.png,cat\n2.png,cow\n", ["may be photos/a/1.png or photos/b/1.png"]),
    ("a/1.png,cat\na/1.png,dog\n", ["line 2", "line 1 gives it 'cat'"]),
    ("a/1.png,cat\nb/1.png\n", ["line 2", "PICTURE,LABEL"]), ("a/1.png,cat,3\n", ["line 1"]),
    ("image,label,size\na/1.png,cat\n", ["line 2"]), ("a/1.png,\n", ["line 1"]),
  ])
  func othersAreErrors(table: String, words: [String]) {
    for word in words { expectError(.badData, saying: word) { _ = try labels(table) } }
  }
}
