import Graph
import TestSupport
import Testing

@testable import GradCAM

/// How the outputs of detectors are read; the command's tests compare maps.
@Suite struct DetectionTests {
  private let three = ["a", "b", "c"]

  /// The scores of box 2 lie at these numbers of it, in a list by number.
  private func numbers(_ layout: DetectionLayout) -> [Int] {
    (0..<layout.classCount).map { layout.factors(box: 2, score: $0).last! / 64 }
  }

  @Test func whatASigmoidMadeIsAScoreAndTheRestIsNot() throws {
    var pose = DetectorGraph()
    pose.output(pose.joined(pose.pixels(4), pose.sigmoid(1), pose.pixels(15)), "output0")
    let face = try pose.layout().layout
    #expect(face.boxCount == 64 && numbers(face) == [4] && !face.hasObjectness && face.assumptions.isEmpty)
    #expect(face.coordinates(3, in: { _ in (0..<20 * 64).map(Float.init) }) == [3, 67, 131, 195])

    var oriented = DetectorGraph()
    oriented.output(oriented.joined(oriented.pixels(4), oriented.sigmoid(3), oriented.pixels(1)), "output0")
    let boxes = try oriented.layout(labels: three).layout
    #expect(numbers(boxes) == [4, 5, 6] && !boxes.hasObjectness && boxes.assumptions.isEmpty)
    // Without labels the first of the three might be the score of the box itself.
    #expect(try oriented.layout().layout.assumptions.map(\.code) == [.columnsAssumed])
    expectError(.unsupported, saying: "for 1 labels", "columns") { _ = try oriented.layout(labels: ["a"]) }
  }

  @Test func scoresInFrontOfWhatIsNotKnownAreThoseOfClasses() throws {
    var graph = DetectorGraph()
    graph.output(graph.byBox(graph.joined(graph.sigmoid(3), graph.numbers(32))), "output")
    let assumed = try graph.layout().layout
    #expect(assumed.classCount == 3 && !assumed.hasObjectness && assumed.assumptions.map(\.code) == [.columnsAssumed])
    #expect(assumed.factors(box: 2, score: 1) == [71])
    let known = try graph.layout(labels: three).layout
    #expect(known.classCount == 3 && known.assumptions.isEmpty)
    #expect(known.warnings.map(\.code) == [.boxesNotMerged], "nothing says where the boxes are")
    expectError(.unsupported) { _ = try graph.layout(labels: ["a", "b"]) }

    // Each distance is the mean of 0 … 7; that of certain ones is one of them.
    let said = try graph.layout(labels: three, columns: ["output=score*3,ltrb/corners*8"]).layout
    #expect(said.warnings.isEmpty && said.form == BoxForm(numbers: .ltrb, unit: .corners))
    var contents = [Float](repeating: 0, count: 64 * 35)
    for (side, bin) in [1, 0, 2, 7].enumerated() { contents[35 + 3 + side * 8 + bin] = 100 }
    expectClose(said.coordinates(1, in: { _ in contents }), [1, 0, 2, 7], within: 1e-5)
    expectClose(said.coordinates(0, in: { _ in contents }), [3.5, 3.5, 3.5, 3.5], within: 1e-5)
    // The cell of column 1 in row 0, of 4 pixels.
    let box = try #require(said.outline(1, in: { _ in contents }))
    expectClose([box.x, box.y, box.width, box.height].map(Float.init), [6, 14, 12, 28], within: 1e-4)
  }

  @Test func twoSigmoidsAreThatOfTheBoxAndThoseOfClasses() throws {
    var graph = DetectorGraph()
    graph.output(graph.byBox(graph.joined(graph.numbers(4), graph.sigmoid(1), graph.sigmoid(4))), "output")
    let layout = try graph.layout().layout
    #expect(layout.hasObjectness && layout.classCount == 4 && layout.assumptions.isEmpty)
    #expect(layout.factors(box: 2, score: 3) == [22, 26])
  }

  @Test func oneSigmoidIsSettledByTheLabels() throws {
    var plain = DetectorGraph()
    let scores = plain.sigmoid(5)
    plain.output(plain.byBox(plain.joined(plain.pixels(4), scores)), "output")
    #expect(try plain.layout(labels: ["a", "b", "c", "d"]).layout.hasObjectness)
    #expect(try !plain.layout(labels: ["a", "b", "c", "d", "e"]).layout.hasObjectness)
    let assumed = try plain.layout().layout
    #expect(assumed.hasObjectness && assumed.assumptions.map(\.code) == [.columnsAssumed])
    expectError(.unsupported, at: "detector.onnx", saying: "for 3 labels") { _ = try plain.layout(labels: three) }
  }

  @Test func nothingIsReadFromAShapeAlone() throws {
    var graph = DetectorGraph()
    graph.output(graph.numbers(60), "output0")
    expectError(.unsupported, saying: "'output0' 1×60×64", "columns", "target") { _ = try graph.layout() }
    let described = try graph.layout(columns: ["output0=cxcywh,score*56"]).layout
    #expect(described.classCount == 56 && described.assumptions.isEmpty)
    #expect(try graph.layout(columns: ["output0=xyxy,objectness,score*,keypoint*51"]).layout.classCount == 4)
    for (columns, words) in [
      ("output0=xyxy,score*3", "does not fit 'output0', whose shape is 1×60×64"), ("output=xyxy", "no value 'output'"),
      ("xyxy", "names no output"), ("output0=skip*", "no number is a score"),
      ("output0=score*2,class,skip*", "names a class"),
    ] { expectError(.usage, saying: words) { _ = try graph.layout(columns: [columns]) } }
  }

  @Test(arguments: [
    ("detect", 7, "4 5 6"), ("obb", 8, "4 5 6"), ("pose", 22, "4 5 6"), ("segment", 11, "4 5 6"),
  ])
  func theTaskInTheMetadataTells(_ task: String, _ count: Int, _ expected: String) throws {
    var graph = DetectorGraph()
    // Opaque, so that nothing else tells.
    graph.output(graph.numbers(count), "output0")
    let prototypes = graph.add("Reshape", graph.numbers(4), graph.integers([1, 4, 8, 8]))
    graph.output(prototypes, "output1")
    graph.metadata = ["task": task, "kpt_shape": "[5, 3]"]
    #expect(numbers(try graph.layout(labels: three).layout).map { "\($0)" }.joined(separator: " ") == expected)
    #expect(numbers(try graph.layout().layout).map { "\($0)" }.joined(separator: " ") == expected)
    expectError(.unsupported) { _ = try graph.layout(labels: ["a", "b"]) }
  }

  /// The best scores of boxes, with the integers that name classes, selected inside of the network.
  private func selected(
    _ order: (inout DetectorGraph, _ box: ValueID, _ score: ValueID, _ class: ValueID) -> ValueID
  ) throws -> DetectorGraph {
    var graph = DetectorGraph()
    let scores = graph.byBox(graph.sigmoid(3)), boxes = graph.byBox(graph.pixels(4))
    let best = graph.add("ReduceMax", scores, with: ["axes": .ints([2])])
    let names = graph.add("ArgMax", scores, with: ["axis": .int(2)])
    let number = graph.add("Cast", names, with: ["to": .int(1)])
    let rows = order(&graph, boxes, best, number)
    graph.output(rows, "output0")
    return graph
  }

  @Test func detectionsThatNameTheirClassAreTold() throws {
    let usual = try selected { $0.joined($1, $2, $3, axis: 2) }.layout().layout
    #expect(usual.namesClasses && usual.boxCount == 64 && usual.factors(box: 2) == [16])
    let contents = (0..<64 * 6).map { Float($0 % 6 == 5 ? 2 : $0) }
    #expect(usual.bestScores(ofClass: 2, in: { _ in contents }).count == 64)
    #expect(usual.bestScores(ofClass: 1, in: { _ in contents }).isEmpty)
    #expect(usual.bestScores(ofClass: nil, in: { _ in contents })[3].classIndex == 2)
    #expect(usual.coordinates(1, in: { _ in contents }) == [6, 7, 8, 9])

    let classFirst = try selected { $0.joined($3, $2, $1, axis: 2) }.layout().layout
    #expect(classFirst.factors(box: 2) == [13] && classFirst.coordinates(0, in: { _ in contents }) == [2, 3, 4, 2])
    let numbered = try selected { graph, box, score, name in graph.joined(name, box, name, score, axis: 2) }
    #expect(try numbered.layout().layout.factors(box: 2) == [20], "the first integer is the number of the image")
  }

  /// Boxes, the best score of each, and the class that has it, counted from 1; numbers of classes that are read from a
  /// table say where they end, too.
  private func countedFromOne(isTable: Bool, names: [String] = ["boxes", "scores", "labels"]) throws -> DetectorGraph {
    var graph = DetectorGraph()
    let scores = graph.byBox(graph.sigmoid(3))
    let best = graph.add("ReduceMax", scores, with: ["axes": .ints([2]), "keepdims": .int(0)])
    let number = graph.add("ArgMax", scores, with: ["axis": .int(2), "keepdims": .int(0)])
    let named =
      isTable
      ? graph.add("Gather", graph.integers([1, 2, 3]), number) : graph.add("Add", number, graph.integers([1]))
    graph.output(graph.byBox(graph.pixels(4)), names[0])
    graph.output(best, names[1])
    graph.output(named, names[2])
    return graph
  }

  @Test func classesMayBeCountedFromOne() throws {
    func classes(_ graph: DetectorGraph, _ labels: [String]?) throws -> [Int?] {
      let layout = try graph.layout(labels: labels).layout
      let contents: [Float] = [1, 2, 3] + [Float](repeating: 0, count: 253)
      return layout.bestScores(ofClass: nil, in: { _ in contents }).prefix(4).map(\.classIndex)
    }
    let table = try countedFromOne(isTable: true)
    #expect(try classes(table, nil) == [1, 2, 3, 0], "as the file says")
    #expect(try classes(table, three) == [0, 1, 2, nil])
    #expect(try classes(table, ["nothing"] + three) == [1, 2, 3, 0])
    #expect(try table.layout(labels: three).layout.assumptions.isEmpty)
    expectError(.usage, saying: "from 1 to 3, and there are 2 labels") { _ = try table.layout(labels: ["a", "b"]) }

    let names = ["detection_boxes:0", "detection_scores:0", "detection_classes:0"]
    for graph in [try countedFromOne(isTable: false), try countedFromOne(isTable: false, names: names)] {
      // Where they end is not known.
      #expect(try classes(graph, three) == [0, 1, 2, nil])
      #expect(try graph.layout(labels: three).layout.assumptions.map(\.code) == [.labelsAssumed])
      #expect(try classes(graph, ["Background"] + three) == [1, 2, 3, 0])
    }
  }

  @Test func classesOfTensorFlowAreCountedFromOneIfNothingElseTells() throws {
    var graph = DetectorGraph()
    graph.output(graph.byBox(graph.pixels(4)), "detection_boxes")
    graph.output(graph.add("Reshape", graph.sigmoid(1), graph.integers([1, 64])), "detection_scores")
    graph.output(graph.add("Reshape", graph.numbers(1), graph.integers([1, 64])), "detection_classes")
    let layout = try graph.layout(labels: three).layout
    #expect(layout.assumptions.map(\.code) == [.labelsAssumed] && layout.form?.numbers == .yxyx)
    let contents = [Float](repeating: 1, count: 256)
    #expect(layout.bestScores(ofClass: nil, in: { _ in contents })[0].classIndex == 0)
    #expect(layout.bestScores(ofClass: 1, in: { _ in contents }).isEmpty)
  }

  @Test func rawScoresOfTensorFlowStartWithNothing() throws {
    var graph = DetectorGraph()
    graph.output(graph.byBox(graph.pixels(4)), "raw_detection_boxes")
    graph.output(graph.byBox(graph.sigmoid(4)), "raw_detection_scores")
    let layout = try graph.layout(labels: three).layout
    #expect(layout.knownClasses == [0, 1, 2] && layout.factors(box: 0, score: 0) == [1])
    #expect(layout.assumptions.map(\.code) == [.backgroundLeftOut])
    #expect(try graph.layout().layout.knownClasses == [1, 2, 3])
    #expect(try graph.layout(labels: three + ["d"]).layout.knownClasses == [0, 1, 2, 3])
  }

  @Test func boxesMayHaveAnAxisMore() throws {
    var graph = DetectorGraph()
    let boxes = graph.byBox(graph.pixels(4))
    graph.output(graph.add("Reshape", boxes, graph.integers([1, 64, 1, 4])), "boxes")
    graph.output(graph.byBox(graph.sigmoid(3)), "confs")
    let layout = try graph.layout(labels: three).layout
    #expect(layout.boxCount == 64 && layout.classCount == 3)
    #expect(layout.coordinates(2, in: { _ in (0..<256).map(Float.init) }) == [8, 9, 10, 11])
  }

  @Test func outputsAreKnownByTheirNames() throws {
    for (boxes, scores, classes) in [
      ("boxes", "scores", "labels"), ("detection_boxes", "detection_scores", "detection_classes"),
      ("det_boxes", "det_scores", "det_classes"),
    ] {
      var graph = DetectorGraph()
      let numbers = graph.byBox(graph.sigmoid(3))
      graph.output(graph.byBox(graph.pixels(4)), boxes)
      graph.output(graph.add("ReduceMax", numbers, with: ["axes": .ints([2]), "keepdims": .int(0)]), scores)
      graph.output(graph.add("ArgMax", numbers, with: ["axis": .int(2), "keepdims": .int(0)]), classes)
      let (layout, model) = try graph.layout()
      #expect(layout.namesClasses && layout.boxCount == 64 && model.graph.values[layout.scores].name == scores)
      #expect(layout.others.map { model.graph.values[$0].name } == [boxes, classes])
    }
  }

  @Test func nothingIsLeftOut() throws {
    var raw = DetectorGraph()
    raw.output(raw.byBox(raw.numbers(4)), "pred_logits")
    raw.output(raw.byBox(raw.sigmoid(4)), "pred_boxes")
    // With as many labels, every score is that of a class; with one less, the last is not.
    #expect(try raw.layout(labels: ["a", "b", "c", "d"]).layout.assumptions.isEmpty)
    let known = try raw.layout(labels: three).layout
    #expect(known.classCount == 3 && known.assumptions.map(\.code) == [.backgroundLeftOut])
    // exp(3) ⁄ (exp(3) + exp(2) + 2 exp(0)) is less than exp(2) ⁄ (exp(2) + 3 exp(0)).
    var contents = [Float](repeating: -9, count: 64 * 4)
    contents.replaceSubrange(0..<8, with: [3, 0, 0, 2.9, 0, 2, 0, -1])
    let best = known.bestScores(ofClass: nil, in: { _ in contents }).prefix(2)
    #expect(best.map(\.classIndex) == [0, 1] && best.first!.rank < best.last!.rank)
    expectClose([best.first!.rank], [0.4989], within: 1e-3)
    #expect(try raw.layout().layout.knownClasses == [0, 1, 2])

    var softmax = DetectorGraph()
    softmax.output(softmax.add("Softmax", softmax.byBox(softmax.numbers(2)), with: ["axis": .int(-1)]), "scores")
    softmax.output(softmax.byBox(softmax.pixels(4)), "boxes")
    let face = try softmax.layout().layout
    #expect(
      face.knownClasses == [1] && face.factors(box: 3) == [7] && face.assumptions.map(\.code) == [.backgroundLeftOut])
    #expect(try softmax.layout(labels: ["face"]).layout.knownClasses == [0])
    #expect(try softmax.layout(labels: ["face", "background"]).layout.factors(box: 3) == [6])
  }

  @Test func whatASelectionReadsIsKnown() throws {
    for isForeign in [false, true] {
      var graph = DetectorGraph()
      let boxes = graph.byBox(graph.pixels(4)), scores = graph.sigmoid(3)
      let selected =
        isForeign
        ? graph.node("EfficientNMS_TRT", domain: "TRT", boxes, graph.byBox(scores), outputCount: 4)
        : graph.node("NonMaxSuppression", boxes, scores, outputCount: 1)
      graph.output(selected[0], "selected")
      let (layout, model) = try graph.layout()
      #expect(
        layout.boxCount == 64 && layout.classCount == 3 && layout.factors(box: 2, score: 1) == [isForeign ? 7 : 66])
      // The nodes before it are listed, with the reason why the rest is not.
      let catalogue = try NodeCatalogue(model, size: PixelSize(width: 32, height: 32))
      #expect(catalogue.failure != nil && catalogue.entries.contains(where: \.isMappable))
    }
  }

  /// Boxes of which the network selects the best 8, after it kept their corners within a picture of half its size, as
  /// torchvision's detectors do; then it enlarges them.
  private func clipped(_ size: PixelSize, to limits: [Float], lowest: Float = 0) throws -> DetectorGraph {
    var graph = DetectorGraph()
    graph.size = size
    let numbers = graph.numbers(4), pairs = graph.byBox(numbers)
    let split = graph.add("Reshape", pairs, graph.integers([64, 2, 2]))
    let zero = graph.constant([lowest], [])
    let parts = (0..<2).map { index -> ValueID in
      let part = graph.add("Gather", split, graph.constant(of: index), with: ["axis": .int(2)])
      let kept = graph.add("Min", graph.add("Max", part, zero), graph.constant([limits[index]], []))
      return graph.add("Unsqueeze", kept, graph.integers([2]))
    }
    let corners = graph.add("Reshape", graph.joined(parts[0], parts[1], axis: 2), graph.integers([64, 4]))
    let scores = graph.add("Reshape", graph.sigmoid(1), graph.integers([64]))
    let best = graph.node("TopK", scores, graph.integers([8]), outputCount: 2)
    let columns = graph.node("Split", graph.add("Gather", corners, best[1]), outputCount: 4, with: ["axis": .int(1)])
    let large = columns.map { column -> ValueID in
      let squeezed = graph.add("Squeeze", column, graph.integers([1]))
      return graph.add("Unsqueeze", graph.add("Mul", squeezed, graph.constant([2], [])), graph.integers([1]))
    }
    graph.output(graph.joined(large[0], large[1], large[2], large[3]), "boxes")
    graph.output(best[0], "scores")
    return graph
  }

  @Test func cornersKeptWithinTheInputSayWhatTheyCount() throws {
    let wide = PixelSize(width: 64, height: 16), square = PixelSize(width: 32, height: 32)
    let across = try clipped(wide, to: [32, 8]).layout().layout
    #expect(across.form == BoxForm(numbers: .xyxy, unit: .pixels) && across.assumptions.isEmpty)
    #expect(try clipped(wide, to: [8, 32]).layout().layout.form == BoxForm(numbers: .yxyx, unit: .pixels))
    let assumed = try clipped(square, to: [16, 16]).layout().layout
    #expect(assumed.form == BoxForm(numbers: .xyxy, unit: .pixels))
    #expect(assumed.assumptions.map(\.code) == [.columnsAssumed])
    let said = try clipped(square, to: [16, 16]).layout(columns: ["boxes=yxyx"]).layout
    #expect(said.form == BoxForm(numbers: .yxyx, unit: .pixels) && said.assumptions.isEmpty)
    // Other limits mean something else.
    #expect(try clipped(wide, to: [32, 9]).layout().layout.form == nil)
    #expect(try clipped(wide, to: [32, 8], lowest: -1).layout().layout.form == nil)
    #expect(try clipped(square, to: [0.5, 0.5]).layout().layout.form == nil)
  }

  @Test func aScoreIsAProductWithItsDerivative() throws {
    var graph = DetectorGraph()
    graph.output(graph.byBox(graph.numbers(7)), "boxes")
    let layout = try graph.layout(columns: ["boxes=cxcywh,objectness,score*2"]).layout
    var contents = [Float](repeating: 0, count: 7 * 64)
    (contents[11], contents[13]) = (0.5, 0.25)
    let best = try #require(layout.bestScores(ofClass: nil, in: { _ in contents }).max { $0.rank < $1.rank })
    let target = DetectionTarget(layout, best, label: "dog", coordinates: [1, 2, 3, 4])
    #expect(target.score(contents) == 0.125 && target.box == 1 && target.classIndex == 1)
    let gradient = target.gradient(contents)
    #expect(gradient[11] == 0.25 && gradient[13] == 0.5 && gradient.count { $0 != 0 } == 2)
    #expect(target.name == "dog-box1" && target.description == "score of dog in box 1")
  }
}

extension DetectionLayout {
  /// The warnings but for those that places of boxes are not known.
  fileprivate var assumptions: [Warning] { warnings.filter { ![.boxesNotMerged, .boxesNotDrawn].contains($0.code) } }
}
