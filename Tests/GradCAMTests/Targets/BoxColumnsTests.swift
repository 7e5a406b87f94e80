import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct BoxColumnsTests {
  @Test func whatIsWrittenIsRead() throws {
    let columns = try BoxColumns("cxcywh, objectness,score*3,skip*2")
    #expect(columns.description == "cxcywh,objectness,score*3,skip*2")
    #expect(
      columns.meanings(of: 10)
        == [.cxcywh, .cxcywh, .cxcywh, .cxcywh, .objectness, .score, .score, .score, .skip, .skip])
    #expect(columns.meanings(of: 9) == nil && columns.meanings(of: 11) == nil)
  }

  @Test func anOpenRunTakesWhatIsLeft() throws {
    let columns = try BoxColumns("xyxy,score*,angle")
    #expect(columns.isOpen && columns.meanings(of: 5) == [.xyxy, .xyxy, .xyxy, .xyxy, .angle])
    #expect(columns.meanings(of: 7)?.suffix(3) == [.score, .score, .angle] && columns.meanings(of: 4) == nil)
    #expect(columns.description == "xyxy,score*,angle")
  }

  @Test(arguments: [
    ("boxes", "'boxes' is not known"), ("", "'' is not known"), ("score*0", "'score*0' repeats nothing"),
    ("score*x", "repeats nothing"), ("xyxy,cxcywh", "one box"), ("xyxy*2", "one box"), ("score*,skip*", "one '*'"),
    ("class,score,class", "class at most"), ("objectness*2", "objectness"),
  ])
  func whatCannotBeReadIsAUsageError(_ text: String, _ words: String) {
    expectError(.usage, at: "columns '\(text)'", saying: words) { _ = try BoxColumns(text) }
  }

  private func table(_ shape: Shape, _ columns: String) throws -> BoxTable? {
    BoxTable(ModelOutput(value: 0, name: "y", info: ValueInfo(.float32, shape)), try BoxColumns(columns))
  }

  @Test func columnsLieAlongTheAxisThatTheyFit() throws {
    let byBox = try #require(try table([1, 9, 6], "box,score*2"))
    #expect(byBox.boxCount == 9 && byBox.position(4, 2) == 16)
    let byNumber = try #require(try table([1, 6, 9], "box,score*2"))
    #expect(byNumber.boxCount == 9 && byNumber.position(4, 2) == 38)
    #expect(try table([1, 1, 9, 7], "skip,class,score,box")?.boxCount == 9)
    // A vector, and a row of one number for each box.
    #expect(try table([9], "score")?.position(0, 3) == 3)
    #expect(try table([1, 9], "score")?.position(0, 3) == 3 && table([1, 9], "score")?.boxCount == 9)
    #expect(try table([1, 64, 9], "box,score*")?.boxCount == 64, "there are more boxes than numbers")
    #expect(try table([1, 6, 6], "box,score*2") == nil && table([1, 9, 7], "box,score*2") == nil)
    #expect(try table([2, 3, 6, 6], "box,score*2") == nil)
  }
}
