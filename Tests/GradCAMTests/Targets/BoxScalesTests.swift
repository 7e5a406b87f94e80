import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Detectors of two scales, 8 × 8 and 4 × 4 cells of a picture of 32 × 32, in the layouts of public detectors.
private struct ScaledDetector {
  var graph = DetectorGraph()
  /// The feature maps of both scales, of four channels.
  let maps: [ValueID]
  static let cells = [8, 4]

  init() {
    let fine = graph.convolved(to: 4, kernel: 4, stride: 4), shallow = graph.add("Relu", fine)
    let coarse = graph.convolved(shallow, channels: 4, to: 4, kernel: 2, stride: 2)
    maps = [shallow, graph.add("Relu", coarse)]
  }

  /// Numbers of the cells of a scale, 1 × count × cells, through a branch of its own.
  mutating func branch(_ scale: Int, _ count: Int, kernels: [Int] = [3, 1]) -> ValueID {
    var value = maps[scale]
    for (index, kernel) in kernels.enumerated() {
      value = graph.convolved(value, channels: 4, to: index + 1 < kernels.count ? 4 : count, kernel: kernel)
      if index + 1 < kernels.count { value = graph.add("Relu", value) }
    }
    let side = Self.cells[scale]
    return graph.add("Reshape", value, graph.integers([1, Int64(count), Int64(side * side)]))
  }

  /// The centres of the cells of both scales, 1 × 2 × 80, and the sides of the cells, 1 × 1 × 80.
  mutating func grid(shift: Float = 0.5) -> (centres: ValueID, strides: ValueID) {
    var x: [Float] = [], y: [Float] = [], strides: [Float] = []
    for cells in Self.cells {
      for index in 0..<cells * cells {
        x.append(Float(index % cells) + shift)
        y.append(Float(index / cells) + shift)
        strides.append(Float(32 / cells))
      }
    }
    return (graph.constant(x + y, [1, 2, 80]), graph.constant(strides, [1, 1, 80]))
  }

  /// A part of the numbers along axis 1.
  mutating func slice(_ value: ValueID, _ range: Range<Int64>) -> ValueID {
    graph.add(
      "Slice", value, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([1]))
  }

  /// The same in another graph.
  func sliced(_ value: ValueID, _ range: Range<Int64>, in graph: inout DetectorGraph) -> ValueID {
    graph.add(
      "Slice", value, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([1]))
  }

  mutating func scalar(_ number: Float) -> ValueID { graph.constant([number], []) }

  enum Layout: String, CaseIterable {
    /// YOLOv8 to v12: distances to the edges, written as centre and size in pixels; numbers first.
    case v8
    /// YOLOv5 and v7: three boxes a cell, all numbers through one Sigmoid and one layer; boxes first.
    case v5
    /// YOLOX with its boxes decoded, and without.
    case yolox, yoloxRaw
    /// SSD, RetinaFace and UltraFace: priors in shares of the picture, corners; scores and boxes apart.
    case ssd
    /// As TensorFlow's: rows first.
    case rowsFirst
    /// FCOS: corners in pixels.
    case corners
  }

  mutating func make(_ layout: Layout) {
    switch layout {
    case .v8, .corners:
      var joined = joinedBranches(layout == .v8 ? 4 * 5 + 3 : 7)
      let (centres, strides) = grid()
      if layout == .v8 {
        // Each distance is the mean of five, by a convolution of all boxes of all scales.
        let raw = slice(joined, 0..<20), scores = slice(joined, 20..<23)
        let bins = graph.add("Reshape", raw, graph.integers([1, 4, 5, 80]))
        let first = graph.add("Transpose", bins, with: ["perm": .ints([0, 2, 1, 3])])
        let shares = graph.add("Softmax", first, with: ["axis": .int(1)])
        let mean = graph.add("Conv", shares, graph.constant([0, 1, 2, 3, 4], [1, 5, 1, 1]))
        joined = graph.joined(graph.add("Reshape", mean, graph.integers([1, 4, 80])), scores)
      }
      let nearest = slice(joined, 0..<2), farthest = slice(joined, 2..<4)
      let first = graph.add("Sub", centres, nearest), last = graph.add("Add", centres, farthest)
      let half = scalar(2)
      let middle = graph.add("Div", graph.add("Add", first, last), half), extent = graph.add("Sub", last, first)
      let box = layout == .v8 ? graph.joined(middle, extent) : graph.joined(first, last)
      let pixels = graph.add("Mul", box, strides), scores = graph.add("Sigmoid", slice(joined, 4..<7))
      graph.output(graph.joined(pixels, scores), "output0")
    case .v5:
      var parts: [ValueID] = []
      for (scale, cells) in Self.cells.enumerated() {
        let raw = branch(scale, 3 * 8, kernels: [1]), side = Int64(cells)
        let anchors = graph.add("Reshape", raw, graph.integers([1, 3, 8, side, side]))
        let last = graph.add("Transpose", anchors, with: ["perm": .ints([0, 1, 3, 4, 2])])
        let shares = graph.add("Sigmoid", last)
        func part(_ range: Range<Int64>) -> ValueID {
          graph.add(
            "Slice", shares, graph.integers([range.lowerBound]), graph.integers([range.upperBound]),
            graph.integers([4]))
        }
        let places = (0..<cells * cells).flatMap { [Float($0 % cells) - 0.5, Float($0 / cells) - 0.5] }
        let grid = graph.constant(places, [1, 1, cells, cells, 2]), two = scalar(2), stride = scalar(Float(32 / cells))
        let centre = graph.add("Mul", graph.add("Add", graph.add("Mul", part(0..<2), two), grid), stride)
        let sizes = graph.constant([4, 5, 9, 6, 7, 12], [1, 3, 1, 1, 2])
        let doubled = graph.add("Mul", part(2..<4), two)
        let size = graph.add("Mul", graph.add("Pow", doubled, two), sizes)
        let whole = graph.joined(centre, size, part(4..<8), axis: 4)
        parts.append(graph.add("Reshape", whole, graph.integers([1, 3 * side * side, 8])))
      }
      graph.output(graph.joined(parts[0], parts[1], axis: 1), "output0")
    case .yolox, .yoloxRaw:
      var lists: [ValueID] = []
      for scale in Self.cells.indices {
        let box = branch(scale, 4), whole = graph.add("Sigmoid", branch(scale, 1)),
          classes = graph.add("Sigmoid", branch(scale, 3))
        lists.append(graph.joined(box, whole, classes))
      }
      var rows = graph.joined(lists[0], lists[1], axis: 2)
      if layout == .yolox {
        let (corners, strides) = grid(shift: 0)
        let centre = graph.add("Mul", graph.add("Add", slice(rows, 0..<2), corners), strides)
        let size = graph.add("Mul", graph.add("Exp", slice(rows, 2..<4)), strides)
        rows = graph.joined(centre, size, slice(rows, 4..<8))
      }
      graph.output(graph.byBox(rows), "output")
    case .ssd, .rowsFirst:
      let shifts = graph.byBox(joinedBranches(4)), raw = graph.byBox(joinedBranches(3))
      var priors: [[Float]] = []
      for cells in Self.cells {
        for index in 0..<cells * cells {
          priors.append([(Float(index % cells) + 0.5) / Float(cells), (Float(index / cells) + 0.5) / Float(cells)])
        }
      }
      let centres = graph.constant(priors.flatMap { layout == .ssd ? $0 : [$0[1], $0[0]] }, [1, 80, 2])
      let sizes = graph.constant([Float](repeating: 0.2, count: 160), [1, 80, 2])
      func half(_ range: Range<Int64>) -> ValueID {
        graph.add(
          "Slice", shifts, graph.integers([range.lowerBound]), graph.integers([range.upperBound]), graph.integers([2]))
      }
      let tenth = scalar(0.1), two = scalar(2)
      let moved = graph.add("Add", centres, graph.add("Mul", graph.add("Mul", half(0..<2), tenth), sizes))
      let grown = graph.add("Mul", sizes, graph.add("Exp", graph.add("Mul", half(2..<4), tenth)))
      let radius = graph.add("Div", grown, two)
      let first = graph.add("Sub", moved, radius), last = graph.add("Add", moved, radius)
      graph.output(graph.joined(first, last, axis: 2), "boxes")
      graph.output(graph.add("Softmax", raw, with: ["axis": .int(-1)]), "scores")
    }
  }

  /// The layouts of networks that give a value for each scale.
  enum ListLayout: CaseIterable {
    /// A list of scores and one of distances for each scale: NanoDet's old layout.
    case lists
    /// Maps of as many channels as the boxes of a cell have numbers: EfficientDet's.
    case maps
    /// Maps with an axis for three boxes a cell, and one for their numbers, which no Sigmoid made: YOLOv5's.
    case anchors
  }

  /// Adds outputs `a0`, `a1`, `b0`, … and gives what says what they hold.
  mutating func make(_ layout: ListLayout) -> [String] {
    for (scale, cells) in Self.cells.enumerated() {
      let side = Int64(cells)
      switch layout {
      case .lists:
        graph.output(graph.byBox(graph.add("Sigmoid", branch(scale, 3))), "a\(scale)")
        graph.output(graph.byBox(branch(scale, 8)), "b\(scale)")
      case .maps:
        graph.output(graph.add("Reshape", branch(scale, 2 * 3), graph.integers([1, 6, side, side])), "a\(scale)")
        graph.output(graph.add("Reshape", branch(scale, 2 * 4), graph.integers([1, 8, side, side])), "b\(scale)")
      case .anchors:
        let split = graph.add("Reshape", branch(scale, 3 * 8), graph.integers([1, 3, 8, side, side]))
        graph.output(graph.add("Transpose", split, with: ["perm": .ints([0, 1, 3, 4, 2])]), "a\(scale)")
      }
    }
    switch layout {
    case .lists: return ["a0=score*3", "b0=ltrb/cells*2", "a1=score*3", "b1=ltrb/cells*2"]
    case .maps: return ["a0=score*3", "a1=score*3", "b0=cxcywh/cells", "b1=cxcywh/cells"]
    case .anchors: return ["a0=box,objectness,score*3", "a1=box,objectness,score*3"]
    }
  }

  private mutating func joinedBranches(_ count: Int) -> ValueID {
    let parts = Self.cells.indices.map { branch($0, count) }
    return graph.joined(parts[0], parts[1], axis: 2)
  }
}

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
