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

  @Test func aBoxMaySayItsUnit() throws {
    for text in ["cxcywh/px,score*2", "xyxy/1,score", "yxyx/1000,score", "cxcywh/cells,objectness,score*80"] {
      #expect(try BoxColumns(text).description == text)
    }
    #expect(try BoxColumns("xywh/0.5,score").runs[0].unit == .share(0.5))
    #expect(try BoxColumns("xywh,score").runs[0].unit == nil)
  }

  @Test func distancesMayBeDistributions() throws {
    let columns = try BoxColumns("score*2,ltrb/corners*8")
    #expect(columns.description == "score*2,ltrb/corners*8" && columns.width == 34)
    #expect(columns.meanings(of: 34)?.filter { $0 == .ltrb }.count == 32 && columns.meanings(of: 6) == nil)
    #expect(try BoxColumns("ltrb/px,score").width == 5 && BoxColumns("ltrb/cells,score*").width == nil)
  }

  @Test(arguments: [
    ("cxcywh/", "has no unit"), ("cxcywh/pixels", "has no unit"), ("xyxy/cells", "has no unit"),
    ("box/px", "has no unit"),
    ("score/px", "has no unit"), ("cxcywh/0", "has no unit"), ("cxcywh/px*2", "has no unit"),
    ("boxes", "'boxes' is not known"), ("", "'' is not known"), ("score*0", "'score*0' repeats nothing"),
    ("score*x", "repeats nothing"), ("xyxy,cxcywh", "one box"), ("xyxy*2", "one box"), ("score*,skip*", "one '*'"),
    ("class,score,class", "class at most"), ("objectness*2", "objectness"),
    ("cxcywh/corners", "has no unit"), ("ltrb/cells*1", "repeats nothing"), ("ltrb/cells*", "repeats nothing"),
    ("ltrb*", "one box"), ("ltrb/cells*99999", "repeats nothing"),
  ])
  func whatCannotBeReadIsAUsageError(_ text: String, _ words: String) {
    expectError(.usage, at: "columns '\(text)'", saying: words) { _ = try BoxColumns(text) }
  }

  private func table(_ shape: Shape, _ columns: String) throws -> BoxTable? {
    let graph = ComputeGraph(values: [Value(name: "y")])
    return BoxTable(ModelOutput(0, ValueInfo(.float32, shape), of: graph), try BoxColumns(columns))
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
    // An axis of one index inside, as in YOLOv4's boxes.
    #expect(try table([1, 9, 1, 4], "box")?.position(1, 2) == 9 && table([1, 9, 1, 4], "box")?.numberAxis == 3)
    #expect(try table([1, 6, 6], "box,score*2") == nil && table([1, 9, 7], "box,score*2") == nil)
    #expect(try table([2, 3, 6, 6], "box,score*2") == nil)
  }
}
