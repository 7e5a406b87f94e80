import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct BoxScalesTests {
  private let labels: [ScaledDetector.Layout: [String]] = [.ssd: ["a", "b"], .rowsFirst: ["a", "b"]]

  private func layout(
    _ kind: ScaledDetector.Layout, columns: [String] = []
  ) throws -> (layout: DetectionLayout, model: Model, maps: [ValueID]) {
    var detector = ScaledDetector()
    detector.make(kind)
    let (layout, model) = try detector.graph.layout(labels: labels[kind] ?? ["a", "b", "c"], columns: columns)
    return (layout, model, detector.maps)
  }

  @Test(arguments: ScaledDetector.Layout.allCases)
  fileprivate func boxesAreReadFromTheCellsOfTheirScale(_ kind: ScaledDetector.Layout) throws {
    let (layout, _, maps) = try layout(kind)
    let scales = try #require(layout.scales), anchors = kind == .v5 ? 3 : 1
    #expect(scales.scales.map(\.rows) == [8, 4] && scales.cells.count == 80 * anchors)
    let last = scales.cells[64 * anchors + 16 * (anchors - 1) + 7]
    #expect(last.scale == 1 && last.row == 1 && last.column == 3 && last.columns == 4)
    #expect(scales.cells[13].row == 1 && scales.cells[13].column == 5)
    // The head of v5 sees its own cell alone: of the fine map nothing lies before that mixes cells but the image.
    if kind == .v5 {
      #expect(scales.scales[1].map == maps[0])
    } else {
      #expect(scales.scales.map(\.map) == maps)
    }
  }

  @Test(
    arguments: [
      (ScaledDetector.Layout.v8, "cxcywh/px"), (.v5, "cxcywh/px"), (.yolox, "cxcywh/px"), (.corners, "xyxy/px"),
      (.ssd, "xyxy/1"), (.rowsFirst, "yxyx/1"), (.yoloxRaw, nil),
    ] as [(ScaledDetector.Layout, String?)])
  fileprivate func theFileTellsHowItsBoxesAreDescribed(_ kind: ScaledDetector.Layout, _ expected: String?) throws {
    let layout = try layout(kind).layout
    #expect(layout.form.map { "\($0.numbers.rawValue)/\($0.unit)" } == expected)
    #expect(layout.warnings.contains { $0.code == .boxesNotMerged } == (expected == nil))
    #expect(layout.usualOverlap == 0.45)
  }

  @Test func theUserSaysWhatTheFileDoesNot() throws {
    let raw = try layout(.yoloxRaw, columns: ["output=cxcywh/cells,objectness,score*3"]).layout
    #expect(raw.form == BoxForm(numbers: .cxcywh, unit: .cells) && raw.warnings.isEmpty)
    // Box 13 is that of row 1, column 5, of cells of 4 pixels.
    let contents = (0..<80 * 8).map { Float($0 % 8 < 2 ? 0.5 : 0) }
    let box = try #require(raw.outline(13, in: { _ in contents }))
    #expect([box.x, box.y, box.width, box.height] == [22, 6, 4, 4])
    let said = try layout(.v8, columns: ["output0=cxcywh/1,score*3"]).layout
    #expect(said.form?.unit == .share(1), "the user is believed")
    #expect(try layout(.v8, columns: ["output0=box,score*3"]).layout.form?.unit == .pixels)
    #expect(try layout(.v8, columns: ["output0=xyxy,score*3"]).layout.form == nil, "they are no corners")
    let warning = try #require(layout(.yoloxRaw).layout.warnings.first { $0.code == .boxesNotMerged })
    let text = warning.text.rendered { if case .form(_, let form) = $0 { form } else { "" } }
    #expect(text.contains("output=cxcywh/px,objectness,score*3"))
  }

  @Test(arguments: ScaledDetector.ListLayout.allCases)
  fileprivate func outputsOfSeveralScalesAreOneTable(_ kind: ScaledDetector.ListLayout) throws {
    var detector = ScaledDetector()
    let columns = detector.make(kind), anchors = [.lists: 1, .maps: 2, .anchors: 3][kind]!
    expectError(.unsupported) { _ = try detector.graph.layout(labels: ["a", "b", "c"]) }
    let (layout, model) = try detector.graph.layout(labels: ["a", "b", "c"], columns: columns)
    let scales = try #require(layout.scales)
    #expect(layout.boxCount == 80 * anchors && scales.scales.map(\.rows) == [8, 4] && layout.classCount == 3)
    #expect(layout.hasObjectness == (kind == .anchors) && model.graph.values[layout.scores].name == "a0+a1")
    if kind != .anchors { #expect(scales.scales.map(\.map) == detector.maps) }
    // The boxes of a cell follow one another in maps of channels; those of an axis of their own are a grid each.
    let cell = scales.cells[kind == .anchors ? 64 + 13 : 13 * anchors]
    #expect(cell.row == 1 && cell.column == 5 && cell.scale == 0 && scales.cells.last!.scale == 1)
    #expect((layout.form == nil) == (kind == .anchors))
    guard kind != .anchors else { return }
    let turned = columns.filter { $0.hasPrefix("a") } + columns.filter { $0.hasPrefix("b") }.reversed()
    expectError(.usage, saying: "do not hold as many boxes each") { _ = try detector.graph.layout(columns: turned) }
  }

  @Test func whatDoesNotFitAMapIsAUsageError() throws {
    var detector = ScaledDetector()
    _ = detector.make(.maps)
    for columns in [["a0=score*5", "a1=score*5"], ["a0=score*", "a1=score*"], ["a0=box"]] {
      expectError(.usage, saying: "does not fit") { _ = try detector.graph.layout(columns: columns) }
    }
  }

  @Test(arguments: ScaledDetector.ListLayout.allCases)
  fileprivate func openObservationsAreAskedAboutListsToo(_ kind: ScaledDetector.ListLayout) throws {
    var detector = ScaledDetector(), request = TargetRequest()
    request.columns = detector.make(kind)
    (request.detection, request.overlap) = (1, 1)
    let open = try Explainer(detector.graph.model(), threadCount: 1)
    let pixels = Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32])
    let observation = try open.observe(open.prepare(pixels), isOpen: true)
    let (asking, choice) = try open.asking(request), asked = try asking.ask(observation)
    let target = try choice.targets(asking, of: asked)[0]
    let planned = try Explainer(detector.graph.model(), explaining: request, threadCount: 1)
    let own = try planned.observe(planned.prepare(pixels))
    let expected = try TargetChoice(of: planned).targets(planned, of: own)[0]
    #expect(target.description == expected.description && target.description.contains(" in box "))
    #expect(try target.score(asked.contents) == expected.score(own.contents))
    let maps = try [asking.explain(target, of: asked), planned.explain(expected, of: own)].map {
      try $0[0].rectifiedMap().values
    }
    #expect(maps[0] == maps[1])
  }

  @Test func rawScoresAreMultipliedAsProbabilities() throws {
    var detector = ScaledDetector(), request = TargetRequest()
    request.columns = detector.make(.anchors)
    request.detection = 0
    let explainer = try Explainer(
      detector.graph.model(), explaining: request, nodes: ["auto"], labels: Labels(["a", "b", "c"]), threadCount: 1)
    let image = explainer.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
    let observation = try explainer.observe(image), contents = observation.contents
    let target = try #require(
      try TargetChoice(of: explainer).targets(explainer, of: observation)[0] as? DetectionTarget)
    func sigmoid(_ raw: Float) -> Float { 1 / (1 + exp(-raw)) }
    let products = (0..<240).flatMap { box in
      (0..<3).map { sigmoid(contents[box * 8 + 4]) * sigmoid(contents[box * 8 + 5 + $0]) }
    }
    #expect(!contents.allSatisfy { (0...1).contains($0) })
    let best = products.indices.max { products[$0] < products[$1] }!
    #expect(target.box == best / 3 && target.classIndex == best % 3)
    expectClose([target.score(contents)], [products[best]], within: 1e-6)
    // Against central differences.
    let gradient = target.gradient(contents)
    for place in [target.box * 8 + 4, target.box * 8 + 5 + best % 3] {
      var (more, less) = (contents, contents)
      more[place] += 0.01
      less[place] -= 0.01
      expectClose([gradient[place]], [(target.score(more) - target.score(less)) / 0.02], within: 1e-4)
    }
    #expect(gradient.count { $0 != 0 } == 2)
    #expect(try explainer.explain(target, of: observation, methods: ["odam"]).count == 1)
  }

  @Test func boxesThatWereSelectedAreDescribedLikeOthers() throws {
    for isChanged in [false, true] {
      var detector = ScaledDetector()
      detector.make(.corners)
      var (graph, rows) = (detector.graph, ValueID?.none)
      let whole = graph.takeOutput()
      let list = graph.byBox(whole)
      func part(_ range: Range<Int64>) -> ValueID {
        graph.add(
          "Slice", list, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([2]))
      }
      let boxes = part(0..<4), scores = part(4..<7)
      let best = graph.add("ReduceMax", scores, with: ["axes": .ints([2]), "keepdims": .int(0)])
      let top = graph.node("TopK", best, graph.integers([10]), outputCount: 2)
      let places = graph.add("Expand", graph.add("Unsqueeze", top[1], graph.integers([2])), graph.integers([1, 10, 4]))
      rows = graph.add("GatherElements", boxes, places, with: ["axis": .int(1)])
      // Numbers that something changed afterwards are not those of the file's arithmetic.
      if isChanged { rows = graph.add("Mul", rows, graph.constant([2], [])) }
      graph.output(rows!, "boxes")
      graph.output(top[0], "scores")
      let layout = try graph.layout(labels: ["face"]).layout
      #expect(layout.scales == nil && layout.boxCount == 10)
      #expect(layout.form == (isChanged ? nil : BoxForm(numbers: .xyxy, unit: .pixels)))
    }
  }

  /// Columns that PyTorch's newer exporter puts into another order by GatherND between two transpositions.
  @Test func columnsInAnotherOrderAreFollowed() throws {
    var detector = ScaledDetector()
    detector.make(.corners)
    var graph = detector.graph
    let whole = graph.takeOutput()
    let corners = detector.sliced(whole, 0..<4, in: &graph), scores = detector.sliced(whole, 4..<7, in: &graph)
    let columns = graph.add("Transpose", corners, with: ["perm": .ints([1, 0, 2])])
    let turned = graph.add("GatherND", columns, graph.constant(Tensor([1, 0, 3, -2] as [Int64], shape: [4, 1])))
    graph.output(graph.joined(graph.add("Transpose", turned, with: ["perm": .ints([1, 0, 2])]), scores), "output0")
    let layout = try graph.layout(labels: ["a", "b", "c"]).layout
    #expect(layout.scales?.scales.map(\.map) == detector.maps)
    #expect(layout.form == BoxForm(numbers: .yxyx, unit: .pixels))
  }

  /// Scores and corners that branches of their own give, of which TopK selects some.
  ///
  /// - Parameter isScaled: whether the selected scores are multiplied, so that they look like those of ten classes.
  private func ranking(isScaled: Bool = false) throws -> (model: Model, maps: [ValueID], scores: ValueID) {
    var detector = ScaledDetector()
    detector.make(.ssd)
    var graph = detector.graph
    let scores = graph.takeOutput(), boxes = graph.takeOutput()
    let best = graph.add("ReduceMax", scores, with: ["axes": .ints([2]), "keepdims": .int(0)])
    let top = graph.node("TopK", best, graph.integers([10]), outputCount: 2)
    let places = graph.add("Expand", graph.add("Unsqueeze", top[1], graph.integers([2])), graph.integers([1, 10, 4]))
    graph.output(graph.add("GatherElements", boxes, places, with: ["axis": .int(1)]), "boxes")
    graph.output(isScaled ? graph.add("Mul", top[0], graph.constant([1], [])) : top[0], "scores")
    return (try graph.model(), detector.maps, best)
  }

  private let pixels = Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32])

  @Test func selectedBoxesAreReadFromTheMapsThatScoresAndCornersShare() throws {
    let (model, maps, _) = try ranking()
    var request = TargetRequest()
    request.detection = 0
    let explainer = try Explainer(
      model, explaining: request, nodes: ["head-inputs"], labels: Labels(["face"]), threadCount: 1)
    #expect(explainer.target.boxes?.scales == nil && explainer.focus.taps.map(\.value) == maps)
  }

  /// A place in a ranking is about one box, also while methods change the picture.
  @Test(arguments: [false, true]) func rankedBoxesKeepTheirPlaces(_ isScaled: Bool) throws {
    let (model, _, scores) = try ranking(isScaled: isScaled)
    for rank in [0, 4] {
      var request = TargetRequest()
      request.detection = rank
      let explainer = try Explainer(model, explaining: request, labels: Labels(["face"]), threadCount: 1)
      let observation = try explainer.observe(explainer.prepare(pixels))
      let target = try TargetChoice(of: explainer).targets(explainer, of: observation)[0]
      let all = try observation.tensor(of: scores).floats, score = try target.score(observation.contents)
      let box = try #require(all.firstIndex(of: score))
      let changed = Tensor(pixels.floats.map { -$0 }, shape: pixels.shape)
      let other = try explainer.observe(explainer.prepare(changed)), others = try other.tensor(of: scores).floats
      #expect(try target.score(other.contents) != others[box], "the network ranks it otherwise")
      let tail = try observation.tail(after: model.imageInput), sibling = try observation.sibling(changed)
      expectClose([try target.score(tail.explainedContents(for: changed))], [others[box]], within: 1e-6)
      expectClose([try target.score(sibling.contents)], [others[box]], within: 1e-6)
      let found = try tail.scores(20, of: target, passed: { _ in }) { _, pixels in pixels.update(repeating: 0) }
      #expect(Set(found).count == 1 && found[0] != score)
    }
  }

  /// Rows of class from 1, score and corners that NonMaxSuppression selects in the file, in its order.
  private func selecting() throws -> Model {
    var detector = ScaledDetector()
    detector.make(.corners)
    var graph = detector.graph
    let whole = graph.takeOutput()
    let boxes = graph.byBox(detector.sliced(whole, 0..<4, in: &graph))
    let scores = detector.sliced(whole, 4..<7, in: &graph)
    let selected = graph.add(
      "NonMaxSuppression", boxes, scores, graph.integers([60]), graph.constant([0.9], [1]), graph.constant([0], [1]))
    func column(_ index: Int) -> ValueID {
      graph.add("Gather", selected, graph.constant(of: index), with: ["axis": .int(1)])
    }
    let (names, boxNumbers) = (column(1), column(2))
    let places = graph.add("Add", graph.add("Mul", names, graph.integers([80])), boxNumbers)
    let best = graph.add("Gather", graph.add("Reshape", scores, graph.integers([-1])), places)
    let chosen = graph.add("Gather", graph.add("Reshape", boxes, graph.integers([80, 4])), boxNumbers)
    let counted = graph.add("Add", graph.add("Cast", names, with: ["to": .int(1)]), graph.constant([1], []))
    func rows(_ value: ValueID) -> ValueID { graph.add("Unsqueeze", value, graph.integers([1])) }
    let parts = (rows(counted), rows(best))
    graph.output(graph.joined(parts.0, parts.1, chosen), "rows")
    return try graph.model()
  }

  @Test func whatOneImageDecidesDoesNotSayHowOthersAreRead() throws {
    let model = try selecting()
    func explainer(_ labels: [String]) throws -> Explainer {
      var request = TargetRequest()
      request.detection = 1
      return try Explainer(model, explaining: request, labels: Labels(labels), threadCount: 1) {
        $0.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
      }
    }
    let explainer3 = try explainer(["a", "b", "c"]), planned = try #require(explainer3.target.boxes)
    #expect(planned.scales == nil && planned.usualOverlap == 1, "the network selects its boxes itself")
    #expect(planned.form == BoxForm(numbers: .xyxy, unit: .pixels) && planned.warnings.isEmpty)
    let image = explainer3.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
    let observation = try explainer3.observe(image), contents = observation.contents
    let order = (0..<contents.count / 6).sorted { contents[$0 * 6 + 1] > contents[$1 * 6 + 1] }
    let target = try #require(
      try TargetChoice(of: explainer3).targets(explainer3, of: observation)[0] as? DetectionTarget)
    #expect(target.box == order[1] && order.count > 60)
    #expect(target.label == ["a", "b", "c"][Int(contents[order[1] * 6]) - 1])
    // Of three classes, whichever of them are in the picture.
    expectError(.usage, saying: "from 1 to 3, and there are 2 labels") { _ = try explainer(["a", "b"]) }
    #expect(try explainer(["background", "a", "b", "c"]).target.warnings.isEmpty)
  }

  @Test func whatIsGivenBesidesThePictureCounts() throws {
    var detector = ScaledDetector()
    detector.make(.corners)
    var graph = detector.graph
    let whole = graph.takeOutput()
    let size = graph.input("size", Tensor([1 / 32], shape: [1]))
    graph.output(graph.add("Mul", detector.sliced(whole, 0..<4, in: &graph), size), "boxes")
    graph.output(detector.sliced(whole, 4..<7, in: &graph), "scores")
    let layout = try graph.layout(labels: ["a", "b", "c"]).layout
    #expect(layout.form == BoxForm(numbers: .xyxy, unit: .share(1)))
  }

  @Test func boxesOfQueriesAreReadFromNoCell() throws {
    var detector = DetectorGraph()
    let pooled = detector.add("GlobalAveragePool", detector.convolved(to: 4, kernel: 3, stride: 2))
    let flat = detector.add("Flatten", pooled)
    func queries(_ count: Int) -> ValueID {
      let weights = detector.constant((0..<4 * 10 * count).map { Float($0 % 5) / 5 }, [4, 10 * count])
      return detector.add(
        "Reshape", detector.add("MatMul", flat, weights), detector.integers([1, 10, Int64(count)]))
    }
    detector.output(queries(4), "logits")
    detector.output(detector.add("Sigmoid", queries(4)), "pred_boxes")
    let layout = try detector.layout(labels: ["a", "b", "c"]).layout
    #expect(layout.scales == nil && layout.usualOverlap == 1)
    #expect(layout.form == BoxForm(numbers: .cxcywh, unit: .share(1)))
  }

  @Test func overlappingBoxesOfAClassCountOnce() throws {
    let layout = try layout(.v8).layout
    // Numbers first: centre and size, then three scores.
    var contents = [Float](repeating: 0, count: 7 * 80)
    func set(_ box: Int, _ numbers: [Float]) {
      for (index, number) in numbers.enumerated() { contents[index * 80 + box] = number }
    }
    set(3, [10, 10, 8, 8, 0.9, 0, 0])
    set(4, [11, 10, 8, 8, 0.8, 0, 0])
    set(5, [11, 10, 8, 8, 0, 0.7, 0])
    set(6, [25, 25, 8, 8, 0.6, 0, 0])
    func best(_ wanted: Int? = nil, _ overlap: Float? = nil, count: Int = 4) -> [Int] {
      layout.best(ofClass: wanted, overlap: overlap, count: count, least: 0.1, in: { _ in contents }).map(\.box)
    }
    #expect(best() == [3, 5, 6], "box 5 is of another class")
    #expect(
      best(nil, 1) == [3, 4, 5, 6] && best(nil, 0.9) == [3, 4, 5, 6] && best(0) == [3, 6] && best(count: 2) == [3, 5])
  }

  /// An explainer of a detector's boxes, with an image that it saw.
  private func explained(
    _ kind: ScaledDetector.Layout, nodes: [String] = [], _ change: (inout TargetRequest) -> Void
  ) throws -> (explainer: Explainer, observation: Observation, target: any Target) {
    var detector = ScaledDetector(), request = TargetRequest()
    detector.make(kind)
    change(&request)
    let explainer = try Explainer(
      detector.graph.model(), explaining: request, nodes: nodes, labels: Labels(["a", "b", "c"]), threadCount: 1)
    let image = explainer.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
    let observation = try explainer.observe(image)
    return (explainer, observation, try TargetChoice(of: explainer).targets(explainer, of: observation)[0])
  }

  @Test func autoIsTheMapThatTheBoxIsReadFrom() throws {
    var seen: Set<Int> = []
    for rank in 0..<80 {
      let (explainer, observation, target) = try explained(.v8) { ($0.detection, $0.overlap) = (rank, 1) }
      #expect(explainer.focus.taps.count == 2 && explainer.focus.mapCount == 1)
      let box = try #require((target as? DetectionTarget)?.box), cells = box < 64 ? 8 : 4
      let found = try explainer.explain(target, of: observation, methods: ["odam", "hirescam"])
      #expect(found.count == 2 && found.allSatisfy { $0.tap?.width == cells && $0.map.width == cells })
      seen.insert(cells)
    }
    #expect(seen == [8, 4])
  }

  @Test func headInputsAreFused() throws {
    let (explainer, observation, target) = try explained(.v8, nodes: ["head-inputs"]) { $0.detection = 0 }
    let found = try explainer.explain(target, of: observation, methods: ["odam"])
    #expect(found.count == 1 && found[0].nodes.count == 2 && found[0].fusion == .max && !found[0].isEmpty)
    #expect(explainer.focus.fusedCount(nil) == 2)
    expectError(.usage, saying: "a detector reads its boxes from") {
      _ = try explained(.v8, nodes: ["head-inputs"]) { $0.elements = "output0[0,4]" }
    }
  }

  @Test func boxesOfAClassAreSummed() throws {
    let (explainer, observation, target) = try explained(.v8) { ($0.boxesOf, $0.overlap) = ("b:0.3", 1) }
    let boxes = try #require(target.boxes), contents = observation.contents
    let truth = (0..<80).filter { contents[5 * 80 + $0] >= 0.3 }
    #expect(truth.count > 1 && boxes.explained == Set(truth))
    expectClose(
      [try target.score(contents)], [truth.reduce(0) { $0 + contents[5 * 80 + $1] }], within: 1e-4)
    let gradient = try target.gradient(contents)
    #expect(gradient.indices.allSatisfy { gradient[$0] == ($0 / 80 == 5 && truth.contains($0 % 80) ? 1 : 0) })
    #expect(try explainer.explain(target, of: observation, methods: ["odam"]).count == 1)
    #expect(target.subject == 1 && target.description.contains("summed over \(truth.count) boxes of at least 0.3"))
    expectError(.usage, saying: "no box of this class has such a score") {
      _ = try explained(.v8) { $0.boxesOf = "b:1" }
    }
    expectError(.usage) { _ = try explained(.v8) { $0.boxesOf = "d" } }
    expectError(.usage, saying: "iou must be 0 to 1") {
      _ = try explained(.v8) { ($0.detection, $0.overlap) = (0, 2) }
    }
  }
}
