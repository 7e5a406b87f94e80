import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct DetectionTests {
  private func outputs(_ shapes: Shape..., type: ElementType = .float32) -> [ModelOutput] {
    shapes.enumerated().map { ModelOutput(value: $0, name: "output\($0)", info: ValueInfo(type, $1)) }
  }

  @Test func oneListByBoxHasScoresOfItsOwn() throws {
    let layout = try DetectionLayout(outputs([1, 3549, 85]), labelCount: nil)
    #expect((layout.boxCount, layout.classCount) == (3549, 80) && layout.hasObjectness)
    #expect(layout.factors(box: 2, classIndex: 7) == [174, 182])
    #expect(layout.coordinates(1, in: (0..<3549 * 85).map(Float.init)) == [85, 86, 87, 88])
  }

  @Test func oneListByNumberHasNot() throws {
    let layout = try DetectionLayout(outputs([1, 84, 8400]), labelCount: nil)
    #expect((layout.boxCount, layout.classCount) == (8400, 80) && !layout.hasObjectness)
    #expect(layout.factors(box: 2, classIndex: 7) == [11 * 8400 + 2])
    #expect(layout.coordinates(1, in: (0..<84 * 8400).map(Float.init)) == [1, 8401, 16801, 25201])
  }

  /// 4 + 3 numbers and 5 + 2 of the other order.
  @Test func theNumberOfLabelsDecides() throws {
    let byBox = try DetectionLayout(outputs([1, 100, 7]), labelCount: 3)
    #expect(byBox.classCount == 3 && !byBox.hasObjectness && byBox.factors(box: 1, classIndex: 0) == [11])
    let byNumber = try DetectionLayout(outputs([1, 7, 100]), labelCount: 2)
    #expect(byNumber.classCount == 2 && byNumber.hasObjectness)
    #expect(byNumber.factors(box: 1, classIndex: 0) == [401, 501])
    #expect(try DetectionLayout(outputs([1, 100, 6]), labelCount: 1).hasObjectness)
  }

  @Test func boxesAndScoresMayStandApart() throws {
    let layout = try DetectionLayout(outputs([1, 9, 2], [1, 9, 4]), labelCount: nil)
    #expect((layout.scores, layout.boxes) == (0, 1) && layout.classCount == 2 && layout.boxCount == 9)
    #expect(layout.factors(box: 3, classIndex: 1) == [7])
    #expect(layout.coordinates(2, in: (0..<36).map(Float.init)) == [8, 9, 10, 11])
  }

  @Test func whatIsNotClearIsAnErrorThatListsTheOutputs() {
    let cases: [([ModelOutput], Int?)] = [
      (outputs([1, 3, 64, 64]), nil), (outputs([1, 300, 6]), nil), (outputs([1, 300, 6]), 80),
      (outputs([1, 9, 9]), nil),
      (outputs([1, 9, 4], [1, 9, 4]), nil), (outputs([1, 116, 8400], [1, 32, 160, 160]), nil),
      (outputs([1, 9, 4], [1, 9, 2], [1, 9, 3]), nil), (outputs([2, 100, 85]), nil), ([], nil),
      (outputs([1, 100, 85], type: .int64), nil),
    ]
    for (outputs, labels) in cases {
      let listed = outputs.map { "'\($0.name)' \($0.info.shape)" }
      for words in listed + ["with target"] {
        expectError(.unsupported, at: "detection", saying: words) {
          _ = try DetectionLayout(outputs, labelCount: labels)
        }
      }
    }
  }

  @Test func aScoreIsAProductWithItsDerivative() throws {
    let layout = try DetectionLayout(outputs([1, 8, 7]), labelCount: 2)
    var contents = [Float](repeating: 0, count: 56)
    (contents[11], contents[13]) = (0.5, 0.25)
    let target = DetectionTarget(layout, box: 1, classIndex: 1, label: "dog", coordinates: [1, 2, 3, 4])
    #expect(target.score(contents) == 0.125)
    let gradient = target.gradient(contents)
    #expect(gradient[11] == 0.25 && gradient[13] == 0.5 && gradient.count { $0 != 0 } == 2)
    #expect(target.name == "dog-box1" && target.description == "score of dog in box 1")
  }
}
