import Graph
import Ops
import TestSupport
import Testing

let selectionGradientChecks: [GradientCheck] = [
  .composite("Compress", [.uniform([3, 2]), .fixed(Tensor([false, true, true], shape: [3]))], ["axis": .int(0)]),
  .composite("Compress", [.uniform([3, 2]), .fixed(Tensor([true, false, true], shape: [3]))]),
]

@Suite struct SelectionTests {
  @Test func selects() throws {
    let x = counting([3, 2]), condition = Tensor([false, true], shape: [2])
    #expect(try evaluate("Compress", [x, condition], ["axis": .int(0)])[0].floats == [2, 3])
    #expect(try evaluate("Compress", [x, condition])[0].floats == [1])
    expectError(.unsupported, saying: "input 1") { _ = try evaluate("Compress", [x, condition], free: [0, 1]) }

    let unsorted = floats(2, 1, 1, 3, 2)
    #expect(
      try evaluate("Unique", [unsorted], outputCount: 4, free: []).map(\.floats) == [
        [1, 2, 3], [1, 0, 3], [1, 0, 0, 2, 1], [2, 2, 1],
      ])
    #expect(
      try evaluate("Unique", [unsorted], ["sorted": .int(0)], outputCount: 4, free: []).map(\.floats)
        == [[2, 1, 3], [0, 1, 3], [0, 1, 1, 2, 0], [2, 2, 1]])
    let rows = floats(1, 0, 0, 0, 1, 0, shape: [3, 2])
    #expect(try evaluate("Unique", [rows], ["axis": .int(0)], free: [])[0].floats == [0, 0, 1, 0])
  }

  @Test func suppressesOverlaps() throws {
    let boxes = floats(0, 0, 1, 1, 0, 0.1, 1, 1.1, 1, 10, 0, 11, shape: [1, 3, 4])
    let scores = floats(0.9, 0.75, 0.6, shape: [1, 1, 3])
    func kept(_ limit: Int64, _ threshold: Float) throws -> [Int64] {
      try evaluate("NonMaxSuppression", [boxes, scores, integer(limit), floats(threshold), floats(0.5)], free: [])[0]
        .integers
    }
    #expect(try kept(3, 0.5) == [0, 0, 0, 0, 0, 2])
    #expect(try kept(3, 0.9) == [0, 0, 0, 0, 0, 1, 0, 0, 2])
    #expect(try kept(1, 0.5) == [0, 0, 0])
  }
}
