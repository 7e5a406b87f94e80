import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct LabelsTests {
  private let labels = Labels(["tabby cat", "Tiger", "tiger shark", "golden retriever", "", "retriever"])

  @Test(arguments: [
    ("3", 3), ("0", 0), ("tabby cat", 0), ("TABBY CAT", 0), ("Tiger", 1), ("tiger", 1), ("shark", 2), ("Golden", 3),
    ("retriever", 5),
  ])
  func findsByNumberNameOrPart(query: String, index: Int) throws {
    #expect(try labels.index(of: query, classCount: 6) == index)
  }

  @Test(arguments: [
    ("6", ["6 classes", "0 to 5"]), ("-1", ["6 classes"]), ("tig", ["several", "1 Tiger, 2 tiger shark"]),
    ("tabby cta", ["not the label", "tabby cat"]), ("aeroplane-with-wings", ["not the label"]),
  ])
  func othersAreUsageErrors(query: String, words: [String]) {
    for word in words {
      expectError(.usage, at: "class '\(query)'", saying: word) { _ = try labels.index(of: query, classCount: 6) }
    }
  }

  /// Of classes with the same name, none is chosen.
  @Test func aNameOfSeveralClassesNeedsANumber() throws {
    let labels = Labels(["crane", "maillot", "Crane", "crane", "maillot, tank suit"])
    expectError(.usage, saying: "several", "0 crane, 3 crane") { _ = try labels.index(of: "crane", classCount: 5) }
    expectError(.usage, saying: "0 crane, 1 maillot, 2 Crane, 3 crane and 1 more") {
      _ = try labels.index(of: "a", classCount: 5)
    }
    #expect(try labels.index(of: "Crane", classCount: 5) == 2 && labels.index(of: "maillot", classCount: 5) == 1)
  }

  @Test func withoutLabelsANumberIsAskedFor() {
    expectError(.usage, at: "class 'cat'", saying: "no labels", "0 to 9", "or labels") {
      _ = try Labels([]).index(of: "cat", classCount: 10)
    }
  }

  @Test func labelsBeyondTheClassesAreNotFound() throws {
    expectError(.usage, at: "class 'shark'") { _ = try labels.index(of: "shark", classCount: 2) }
    #expect(try labels.index(of: "shark", classCount: 3) == 2)
  }

  @Test func subscriptIsNilBeyondTheNames() {
    #expect(labels[1] == "Tiger" && labels[6] == nil && labels[-1] == nil)
  }

  @Test func imagenetHasItsThousandClasses() {
    #expect(Labels.imagenet.names.count == 1000)
    #expect(Labels.imagenet[0] == "tench" && Labels.imagenet[281] == "tabby" && Labels.imagenet[999] == "toilet tissue")
  }

  @Test func filesHaveOneLabelALine() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/labels.txt"
      try "\u{FEFF}cat\r\n\r\ndog\n".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try Labels(contentsOf: path).names == ["cat", "", "dog"])
      try Data([0xFF, 0xFE, 0x41]).write(to: URL(filePath: path))
      expectError(.badData, at: path, saying: "UTF-8") { _ = try Labels(contentsOf: path) }
      expectError(.unreadable, at: folder + "/absent") { _ = try Labels(contentsOf: folder + "/absent") }
    }
  }

  /// A comma may be part of a label.
  @Test(arguments: [
    ("star,moon", [3, 4]), (" moon , star ", [4, 3]), ("0,1", [0, 1]), ("2,star", [2, 3]),
    ("black, white,star", [1, 3]),
    ("star,black, white", [3, 1]), ("black, white,white", [1, 2]), ("sta,moo", [3, 4]),
  ])
  func pairsAreReadAroundTheRightComma(_ query: String, _ truth: [Int]) throws {
    let labels = Labels(["black", "black, white", "white", "star", "moon"])
    let (first, second) = try labels.indices(ofPair: query, classCount: 5)
    #expect([first, second] == truth)
  }

  @Test(arguments: [
    ("star", "contrast 'star'", "one class"), ("star,star", "contrast 'star,star'", "twice"),
    ("star,mars", "class 'mars'", "not the label"), ("a,b,c", "contrast 'a,b,c'", "no comma"),
    ("0,7", "class '7'", "5 classes"), ("black, white, white", "contrast 'black, white, white'", "several ways"),
  ])
  func otherPairsAreUsageErrors(_ query: String, place: String, message: String) {
    let labels = Labels(["black", "black, white", "white, white", "star", "white"])
    expectError(.usage, at: place, saying: message) { _ = try labels.indices(ofPair: query, classCount: 5) }
  }
}
