import Graph

/// How a detector's outputs are to be read, from what its file says: its metadata, the operators at its end, the names
/// of its outputs and the number of its labels.
struct DetectionReading {
  let model: Model
  let inferred: InferredGraph
  /// The names of the classes, if known.
  private let labels: [String]?
  /// The size of the network's input.
  let size: PixelSize
  /// Whether boxes that overlap are to be merged if the network does not select them itself.
  private let merges: Bool
  private let outputs: [ModelOutput]
  /// Type and extents of values, with contents if these are the same for all images.
  let infos: [ValueID: ValueInfo]
  let columnOrigins: ColumnOrigins

  /// - Parameter isDecided: whether the contents of a value are known only for one image.
  init(
    _ model: Model, _ inferred: InferredGraph, labels: [String]?, size: PixelSize, merges: Bool = true,
    isDecided: (ValueID) -> Bool = { _ in false }
  ) {
    (self.model, self.inferred, self.labels, self.size, self.merges) = (model, inferred, labels, size, merges)
    outputs = model.outputs(inferred).filter { $0.tableAxes != nil }
    infos = Dictionary(
      uniqueKeysWithValues: inferred.infos.map { value, info in
        (value, info.constant != nil && isDecided(value) ? ValueInfo(info.elementType, info.shape) : info)
      })
    columnOrigins = ColumnOrigins(model.graph, infos: infos)
  }

  /// The layout that the user describes, else the first that something in the file tells, in which what the user says of
  /// a value counts.
  ///
  /// - Parameter described: columns by the name of a value.
  ///
  /// Throws `usage` for a description that does not fit, `unsupported` listing the outputs if nothing tells the layout.
  func layout(described: [(name: String, columns: BoxColumns)]) throws -> DetectionLayout {
    let said = try described.map { try table($0.name, $0.columns) }
    if said.contains(where: { $0.meanings.contains(.score) }) { return try layout(said, isSaid: true, warnings: []) }
    let readings: [() throws -> Reading?] = [
      readingOfMetadata, readingOfNames, readingOfOperators, readingOfSelection,
    ]
    for reading in readings {
      guard let found = try reading() else { continue }
      let tables = found.tables.map { table in said.first { $0.value == table.value } ?? table }
      let others = said.filter { own in !tables.contains { $0.value == own.value } }
      return try layout(tables + others, isSaid: !said.isEmpty, warnings: found.warnings)
    }
    // It says what is missing.
    if !said.isEmpty { return try layout(said, isSaid: true, warnings: []) }
    let fitting = labels.map { " for \($0.count) labels" } ?? ""
    let listed = outputs.isEmpty ? model.declaredOutputs : model.outputs(inferred).description
    throw GradCAMError(
      .unsupported, at: "\(.detection)",
      problem: "boxes with scores are not recognised\(fitting) among the outputs \(listed)",
      advice:
        "describe the numbers of a box, as in \(.columns, as: "OUTPUT=cxcywh,objectness,score*80"), once for each "
        + "output; if there is one for each scale, describe all of them alike, from the first scale to the last; or name "
        + "the score with \(.target, as: "'OUTPUT[…]'")")
  }

  private typealias Reading = (tables: [BoxTable], warnings: [Warning])
  private typealias ColumnRun = BoxColumns.Run

  /// - Parameter isSaid: whether the user says what the numbers are.
  private func layout(_ tables: [BoxTable], isSaid: Bool = false, warnings: [Warning]) throws -> DetectionLayout {
    let scores = tables.first { $0.meanings.contains(.score) }
    let made = scores.map { origins(of: $0) } ?? []
    let (shift, warning) = try classShift(tables)
    let layout = try DetectionLayout(
      tables, labelCount: labels?.count, classShift: shift, areRaw: !made.contains(where: \.isScore),
      warnings: warnings + [warning].compactMap { $0 })
    let scales = BoxScales(layout.tables.scores, layout.tables.boxes, of: model, infos)
    let shape = UltralyticsMetadata(model.graph.metadata).keypointShape
    return layout.describing(
      over: size, scales, keypointWidth: shape.flatMap { $0.count == 2 ? $0[1] : nil }, merges: merges
    ) { form(of: $0, scales, isSaid: isSaid) }
  }

  /// What made the class scores of a table.
  private func origins(of table: BoxTable) -> [ColumnOrigins.Origin] {
    let found = origins(of: .score, in: table)
    return found.allSatisfy(\.isScore) ? found : []
  }

  /// What made the numbers of a table with a meaning.
  private func origins(of meaning: BoxColumns.Meaning, in table: BoxTable) -> [ColumnOrigins.Origin] {
    let found = columnOrigins.origins(of: table.value, axis: table.numberAxis)
    return table.numbers { $0 == meaning }.compactMap { found.indices.contains($0) ? found[$0] : nil }
  }

  // MARK: Numbers of classes

  /// By how much the numbers with which boxes name their classes exceed the positions of the labels: networks that know
  /// a class of nothing, such as TensorFlow's and torchvision's, count from 1, also if the labels do not name it.
  ///
  /// The numbers are known from what computed them, else the names of TensorFlow's outputs say that they start at 1.
  /// Throws `usage` if there are neither as many labels as numbers nor one more.
  private func classShift(_ tables: [BoxTable]) throws -> (shift: Int, warning: Warning?) {
    guard let labels, let table = tables.first(where: { $0.meanings.contains(.class) }) else { return (0, nil) }
    var (least, greatest): (Int?, Int?)
    if case .integer(let low, let high)? = origins(of: .class, in: table).first { (least, greatest) = (low, high) }
    let isTensorFlows = !namesOfTensorFlow.isDisjoint(with: [Self.bare(table.name)])
    guard least ?? (isTensorFlows ? 1 : 0) == 1 else { return (0, nil) }
    if least != nil, let greatest {
      if labels.count == greatest { return (1, nil) }
      guard labels.count != greatest + 1 else { return (0, nil) }
      throw GradCAMError(
        .usage, at: "\(.labels)",
        problem: "the network numbers its classes from 1 to \(greatest), and there are \(labels.count) labels",
        advice: "give a label for each, with any text for numbers without a class, or none")
    }
    guard let first = labels.first, !Self.namesOfNothing.contains(first.lowercased()) else { return (0, nil) }
    let text: Message =
      "'\(first)' is taken for class 1 of '\(table.name)', from which such networks count; if it is class 0, begin "
      + "the labels with 'background'"
    return (1, Warning(code: .labelsAssumed, text: text))
  }

  // MARK: The user

  private func table(_ name: String, _ columns: BoxColumns) throws -> BoxTable {
    func error(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(.columns, "\(name)=\(columns)")", problem: "\(problem)", advice: "\(advice)")
    }
    let graph = model.graph
    guard let value = graph.producers.keys.filter({ graph.values[$0].name == name }).min() else {
      throw error("the model computes no value '\(name)'", "its outputs are \(model.declaredOutputs)")
    }
    try inferred.require([value])
    guard let info = inferred.infos[value] else { throw error("no output needs '\(name)'", "name another value") }
    guard let table = BoxTable(ModelOutput(value, info, of: graph), columns) else {
      throw error(
        "does not fit '\(name)', whose shape is \(info.shape)",
        "describe as many numbers as one of its axes has; NAME* stands for all that are left")
    }
    return table
  }

  // MARK: Metadata

  /// The columns that Ultralytics' exporter writes for each task.
  ///
  /// As the network gives them, and after a selection inside of the file; `%` stands for the number of mask
  /// coefficients, or of the key points' numbers.
  private static let ultralytics: [String: (all: String, selected: String)] = [
    "detect": ("cxcywh/px,score*", "xyxy/px,score,class"),
    "segment": ("cxcywh/px,score*,mask*%", "xyxy/px,score,class,mask*"),
    "pose": ("cxcywh/px,score*,keypoint*%", "xyxy/px,score,class,keypoint*"),
    "obb": ("cxcywh/px,score*,angle", "cxcywh/px,score,class,angle"),
  ]

  /// Those of its RT-DETR, a row for each box: as older versions wrote them, and selected.
  private static let realTimeTransformer = (all: "cxcywh/1,score*", selected: "cxcywh/1,score,class")

  private func readingOfMetadata() throws -> Reading? {
    let metadata = UltralyticsMetadata(model.graph.metadata), isSelected = metadata.selectsBoxes
    if metadata.isRealTimeTransformer { return try readingOfRealTimeTransformer() }
    guard let task = metadata.task, let columns = Self.ultralytics[task], let boxes = outputs.first else { return nil }
    let extra =
      task == "segment"
      ? model.outputs(inferred).first { $0.info.shape.rank == 4 }?.info.shape[1] : metadata.keypointShape?.reduce(1, *)
    let text = (isSelected ? columns.selected : columns.all).split(separator: "%", omittingEmptySubsequences: false)
    guard text.count == 1 || extra != nil else { return nil }
    let read = try BoxColumns(text.joined(separator: "\(extra ?? 0)"))
    guard let table = BoxTable(boxes, read, axis: isSelected ? .second : .first) else { return nil }
    let count = table.numbers { $0 == .score }.count
    guard isSelected || labels == nil || labels!.count == count else { return nil }
    return ([table], [])
  }

  private func readingOfRealTimeTransformer() throws -> Reading? {
    guard let boxes = outputs.first, let width = boxes.info.shape.dimensions.last else { return nil }
    let isSelected = width == 6 && labels?.count != 2, columns = Self.realTimeTransformer
    guard isSelected || labels == nil || width == labels!.count + 4 else { return nil }
    return BoxTable(boxes, try BoxColumns(isSelected ? columns.selected : columns.all), axis: .second).map {
      ([$0], [])
    }
  }

  // MARK: Operators

  /// One output whose columns were made by different operators.
  private func readingOfOperators() -> Reading? {
    for output in outputs where output.info.elementType.isFloatingPoint {
      let found = [BoxTable.Axis.second, .first].compactMap { axis -> Reading? in
        guard let axes = output.tableAxes, let columnAxis = axes.columns else { return nil }
        let made = columnOrigins.origins(of: output.value, axis: axis == .second ? columnAxis : axes.rows)
        guard let (columns, warning) = columns(of: made, in: output.name, isByBox: axis == .second),
          let table = BoxTable(output, columns, axis: axis)
        else { return nil }
        return ([table], warning.map { [$0] } ?? [])
      }
      if found.count == 1 { return found[0] }
    }
    return nil
  }

  /// Reads boxes, scores and classes from what made the columns.
  private func columns(
    of made: [ColumnOrigins.Origin], in name: String, isByBox: Bool
  ) -> (columns: BoxColumns, warning: Warning?)? {
    var runs: [(origin: ColumnOrigins.Origin, count: Int)] = []
    for origin in made.map(\.unlimited) {
      if runs.last?.origin == origin { runs[runs.count - 1].count += 1 } else { runs.append((origin, 1)) }
    }
    if made.contains(where: \.isInteger) { return selectedColumns(runs).map { ($0, nil) } }
    guard let first = runs.first, made.count > 4, made.contains(where: \.isScore) else { return nil }
    if let read = scoresInFront(runs, in: name) { return read }
    // Four numbers of the box, then scores; what stands after a gap belongs to neither.
    var scores = Array(runs.dropFirst().prefix { $0.origin.isScore })
    let others = runs.dropFirst(1 + scores.count)
    var rest = others.reduce(0) { $0 + $1.count }
    guard others.allSatisfy({ !$0.origin.isScore || $0.count == 1 }) else { return nil }
    if first.count != 4 {
      // One Sigmoid may have made the numbers of the box, too.
      guard first.origin.isScore, first.count > 4, labels != nil || runs.count > 1 else { return nil }
      rest = runs.dropFirst().prefix { !$0.origin.isScore }.reduce(0) { $0 + $1.count }
      guard rest + first.count == made.count else { return nil }
      scores = [(first.origin, first.count - 4)]
    }
    let after = rest > 0 ? [ColumnRun(.skip, rest)] : []
    switch scores.count {
    case 1:
      guard let read = scoreRuns(scores[0].count, scores[0].origin, in: name, isByBox: isByBox) else { return nil }
      return (BoxColumns([ColumnRun(.box)] + read.runs + after), read.warning)
    case 2 where scores[0].count == 1 && (labels == nil || labels!.count == scores[1].count):
      return (BoxColumns([ColumnRun(.box), ColumnRun(.objectness), ColumnRun(.score, scores[1].count)] + after), nil)
    default: return nil
    }
  }

  /// The scores of classes alone, if other numbers follow that one does not know, as in NanoDet.
  ///
  /// One Sigmoid may have made the numbers of a box, too, if there are as many more of them than labels.
  private func scoresInFront(
    _ runs: [(origin: ColumnOrigins.Origin, count: Int)], in name: String
  ) -> (columns: BoxColumns, warning: Warning?)? {
    guard runs.count == 2, case .sigmoid = runs[0].origin, !runs[1].origin.isScore,
      labels == nil || labels!.count == runs[0].count
    else { return nil }
    let columns = BoxColumns([ColumnRun(.score, runs[0].count), ColumnRun(.skip, runs[1].count)])
    guard labels == nil else { return (columns, nil) }
    let text: Message =
      "the \(runs[0].count) numbers in '\(name)' that a Sigmoid made, before \(runs[1].count) that none did, are taken "
      + "for the scores of as many classes, as in NanoDet; give \(.labels, as: "FILE"), or \(.columns, as: "\(name)=…")"
    return (columns, Warning(code: .columnsAssumed, text: text))
  }

  /// Detections that were selected inside the network: a box, one score and an integer that names the class.
  private func selectedColumns(_ runs: [(origin: ColumnOrigins.Origin, count: Int)]) -> BoxColumns? {
    func count(_ isMeant: (ColumnOrigins.Origin) -> Bool) -> Int {
      runs.filter { isMeant($0.origin) }.reduce(0) { $0 + $1.count }
    }
    let integers = count(\.isInteger)
    guard integers < 3, count(\.isScore) == 1 else { return nil }
    var columns: [ColumnRun] = [], hasBox = false, passed = 0
    func add(_ meaning: BoxColumns.Meaning, _ count: Int = 1) { columns.append(ColumnRun(meaning, count)) }
    for run in runs {
      switch run.origin {
      case .integer:
        // Of two, the first is the number of the image, which stands in front of everything.
        for _ in 0..<run.count {
          guard passed > 0 || integers == 1 || columns.isEmpty else { return nil }
          passed += 1
          add(passed == integers ? .class : .skip)
        }
      case .sigmoid, .softmax: add(.score)
      case .limited, .other:
        guard run.count >= 4 || hasBox else { return nil }
        if !hasBox { add(.box) }
        if hasBox || run.count > 4 { add(.skip, hasBox ? run.count : run.count - 4) }
        hasBox = true
      }
    }
    return hasBox ? BoxColumns(columns) : nil
  }

  /// What some scores of each box are, by their number and that of the labels.
  ///
  /// - Parameters:
  ///   - isByBox: whether the scores stand in one list with boxes, box by box; nil if they stand alone.
  ///   - startsWithNothing: whether the name of the output means that the first is the score of nothing.
  private func scoreRuns(
    _ count: Int, _ origin: ColumnOrigins.Origin?, in name: String, isByBox: Bool?, startsWithNothing: Bool = false
  ) -> (runs: [ColumnRun], warning: Warning?)? {
    func background(_ index: Int, isCertain: Bool) -> (runs: [ColumnRun], warning: Warning?) {
      let parts = [ColumnRun(.score, index), ColumnRun(.background), ColumnRun(.score, count - 1 - index)].filter {
        $0.count! > 0
      }
      let reason: Message =
        isCertain
        ? "that of '\(labels![index])', which is left out"
        : "taken for that of nothing, and left out; \(.columns, as: "\(name)=…") describes the numbers"
      let text: Message = "score \(index) of the \(count) in '\(name)' is \(reason)"
      return (parts, Warning(code: .backgroundLeftOut, text: text))
    }
    let all: (runs: [ColumnRun], warning: Warning?) = ([ColumnRun(.score, count)], nil)
    if case .sigmoid? = origin, let isByBox {
      // One list of boxes and scores.
      if labels?.count == count || count == 1 && labels == nil { return all }
      let objectness = [ColumnRun(.objectness), ColumnRun(.score, count - 1)]
      if let labels {
        guard labels.count + 1 == count else { return nil }
        return (objectness, nil)
      }
      let advice: Message = "give \(.labels, as: "FILE"), or \(.columns, as: "\(name)=…")"
      guard isByBox else {
        let text: Message =
          "the \(count) numbers in '\(name)' that one Sigmoid made are taken for the scores of as many classes, as in YOLOv8"
        return (all.runs, Warning(code: .columnsAssumed, text: "\(text); \(advice)"))
      }
      let text: Message =
        "of the \(count) numbers in '\(name)' that one Sigmoid made, the first is taken for the score of the box itself"
      return (objectness, Warning(code: .columnsAssumed, text: "\(text), as in YOLOv5; \(advice)"))
    }
    if let labels, labels.count == count {
      let index = labels.firstIndex { Self.namesOfNothing.contains($0.lowercased()) }
      return index.map { background($0, isCertain: true) } ?? all
    }
    guard labels == nil || labels!.count + 1 == count else {
      return count == 1 ? all : nil
    }
    if startsWithNothing, count > 1 { return background(0, isCertain: false) }
    switch origin {
    case .softmax?: return count > 1 ? background(0, isCertain: false) : all
    case .sigmoid?: return labels == nil ? all : background(count - 1, isCertain: false)
    case .integer?, .limited?, .other?, nil:
      // As in DETR and its descendants.
      let mayHoldNothing = labels != nil || OutputName(name).has(["logits"])
      return count > 1 && mayHoldNothing ? background(count - 1, isCertain: false) : all
    }
  }

  private static let namesOfNothing: Set = [
    "background", "__background__", "bg", "no object", "no-object", "no_object", "unlabeled",
  ]

  // MARK: Names

  /// Outputs that are named after what they hold, or of which one was made by Sigmoid or Softmax and another holds as
  /// many boxes.
  private func readingOfNames() throws -> Reading? {
    func tables(_ columns: String, _ isMeant: (OutputName) -> Bool) throws -> [BoxTable] {
      let read = try BoxColumns(columns)
      return outputs.filter { isMeant(OutputName($0.name)) }.compactMap { BoxTable($0, read) }
    }
    // TensorFlow's detectors give shares, rows first.
    let areTensorFlows = namesOfTensorFlow.isSuperset(of: Self.tensorFlow)
    let areRaw = !areTensorFlows && namesOfTensorFlow.isSuperset(of: Self.rawTensorFlow)
    let boxes = try tables(areTensorFlows || areRaw ? "yxyx/1" : "box") {
      $0.has(["box", "boxes", "bbox", "bboxes"]) && $0.has(["raw"]) == areRaw
    }
    let joined = try tables("box,score") { $0.has(["det", "dets", "detections"]) }
    let classes = try tables("class") { $0.has(["class", "classes", "cls", "label", "labels", "ids"]) }
    if let joined = joined.first, classes.count == 1 { return ([joined, classes[0]], []) }

    let four = try BoxColumns("box"), any = try BoxColumns("score*")
    for output in outputs where output.info.elementType.isFloatingPoint {
      let name = OutputName(output.name)
      for axis in [BoxTable.Axis.second, .first] {
        guard let table = BoxTable(output, any, axis: axis) else { continue }
        let made = origins(of: table), isMade = made.count == table.meanings.count && !made.isEmpty
        let own = boxes.isEmpty && isMade ? outputs.compactMap { BoxTable($0, four) } : boxes
        let matching = own.filter { $0.boxCount == table.boxCount && $0.value != output.value }
        // Numbers of classes are no scores, whatever their type.
        let isNumber = classes.contains { $0.value == output.value }
        guard matching.count == 1, isMade || !isNumber,
          (name.isOfScores && !name.has(["num"]) && name.has(["raw"]) == areRaw) || isMade
        else {
          continue
        }
        let named = classes.filter { $0.value != output.value && $0.boxCount == table.boxCount }
        if table.meanings.count == 1, named.count == 1 { return ([matching[0], table, named[0]], []) }
        guard
          let read = scoreRuns(
            table.meanings.count, made.first, in: output.name, isByBox: nil, startsWithNothing: areRaw),
          let scores = BoxTable(output, BoxColumns(read.runs), axis: axis)
        else { continue }
        return ([matching[0], scores], read.warning.map { [$0] } ?? [])
      }
    }
    return nil
  }

  /// The outputs of TensorFlow's detectors; without their selection, scores start with that of nothing.
  private static let tensorFlow: Set = ["detection_boxes", "detection_scores", "detection_classes"]
  private static let rawTensorFlow: Set = ["raw_detection_boxes", "raw_detection_scores"]

  /// Which of these the model has.
  private var namesOfTensorFlow: Set<String> {
    Set(model.graph.outputs.map { Self.bare(model.graph.values[$0].name) })
      .intersection(Self.tensorFlow.union(Self.rawTensorFlow))
  }

  /// A name without the number that TensorFlow puts after it, as in `detection_boxes:0`.
  private static func bare(_ name: String) -> String {
    guard let colon = name.lastIndex(of: ":"), Int(name[name.index(after: colon)...]) != nil else { return name }
    return String(name[..<colon])
  }

  // MARK: Selection

  /// The boxes and scores among which operators select.
  var selections: [(boxes: ModelOutput, scores: ModelOutput, classAxis: Int)] {
    let graph = model.graph
    return graph.nodes.compactMap { node in
      guard let selection = node.operation?.boxSelection else { return nil }
      let inputs = [selection.boxes, selection.scores].compactMap { index -> ModelOutput? in
        guard node.inputs.indices.contains(index), let value = node.inputs[index],
          let info = inferred.infos[value], info.constant == nil
        else { return nil }
        return ModelOutput(value, info, of: graph)
      }
      guard inputs.count == 2, inputs[1].info.shape.rank == 3 else { return nil }
      return (inputs[0], inputs[1], selection.classAxis)
    }
  }

  /// The boxes and scores among which an operator selects, if the outputs cannot be computed.
  private func readingOfSelection() throws -> Reading? {
    let four = try BoxColumns("box")
    var found: [[BoxTable]] = [], warnings: [Warning] = []
    for (boxInput, scoreInput, classAxis) in selections {
      guard let boxes = BoxTable(boxInput, four, axis: .second) else { continue }
      let made = columnOrigins.origins(of: scoreInput.value, axis: classAxis).first
      guard let read = scoreRuns(scoreInput.info.shape[classAxis], made, in: scoreInput.name, isByBox: nil),
        let scores = BoxTable(scoreInput, BoxColumns(read.runs), axis: classAxis == 1 ? .first : .second)
      else { continue }
      found.append([boxes, scores])
      warnings = read.warning.map { [$0] } ?? []
    }
    let distinct = Set(found.map { $0.map(\.value) })
    return distinct.count == 1 ? (found[0], warnings) : nil
  }
}
