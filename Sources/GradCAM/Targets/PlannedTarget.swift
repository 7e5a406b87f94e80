import Graph

/// A request whose values were found in a model, before that is planned.
public struct PlannedTarget: Sendable {
  enum Kind: Sendable {
    case classes
    case elements(ElementSelection)
    case boxes(DetectionLayout)
    case embedding(EmbeddingReference)
  }

  let request: TargetRequest
  let kind: Kind
  /// For a mask, what it is computed from.
  let joined: JoinedOutputs?
  /// What it is computed from that the file does not have.
  let added: [AddedValue]
  /// The planner of the model that has these values.
  let planner: ModelPlanner

  /// Finds the values.
  ///
  /// - Parameters:
  ///   - planner: the model, with what is known of its extents.
  ///   - labels: the names of the classes; nil means what the model's file says.
  ///
  /// Throws `usage` if the request contradicts itself, `usage` or `unsupported` if the model has no such values, and
  /// what reading a file throws.
  public init(_ request: TargetRequest, by planner: ModelPlanner, labels: Labels? = nil) throws {
    var (planner, model) = (planner, planner.model), added: [AddedValue] = []
    func outputs() throws -> InferredGraph {
      try planner.partlyInferred(reaching: Set(model.graph.outputs + added.compactMap { model.value(of: $0) }))
    }
    if let contradiction = request.contradiction { throw GradCAMError(.usage, problem: contradiction) }
    self.request = request
    var joined: JoinedOutputs?
    if let elements = request.elements, request.boxPart == nil {
      kind = .elements(try model.located { try ElementSelection(elements, in: model) })
    } else if request.isAboutBoxes {
      let columns = request.columns.isEmpty ? model.metadata.columns : request.columns
      let described = try model.located { try DescribedOutputs(columns, of: model, by: planner) }
      added = described.lists.map { .table($0) }
      planner = planner.adding(added)
      model = planner.model
      let inferred = try outputs()
      let layout = try model.located {
        try DetectionReading(
          model, inferred, labels: labels?.names ?? model.metadata.labels, size: planner.inputSize,
          merges: (request.overlap ?? 0) < 1, isDecided: planner.isDecided
        ).layout(described: described.columns)
      }
      guard layout.boxCount > 0 else {
        throw GradCAMError(.badData, problem: "the network finds no box in this picture")
      }
      kind = .boxes(layout)
      if request.boxPart?.kind == .mask {
        joined = try model.located { try Self.prototypes(of: layout, by: planner, inferred) }
      }
    } else if let embedding = request.embedding {
      kind = .embedding(try EmbeddingReference(embedding, model.outputs(outputs()), of: model))
    } else {
      kind = .classes
    }
    if let joined { added.append(.joined(joined.values)) }
    (self.joined, self.added, self.planner) = (joined, added, planner.adding(added))
  }

  /// The elements picked; nil for other requests.
  var selection: ElementSelection? { if case .elements(let selection) = kind { selection } else { nil } }

  /// How boxes are read; nil for other requests.
  var boxes: DetectionLayout? { if case .boxes(let layout) = kind { layout } else { nil } }

  /// The value that is explained; nil for the class scores.
  public var explained: ValueID? {
    switch kind {
    case .classes: nil
    case .elements(let selection): selection.value
    case .boxes(let layout): joined?.value ?? layout.scores
    case .embedding(let reference): reference.output
    }
  }

  /// Whether the target is computed from the value of all images of a run: elements are picked from the whole value.
  public var explainsAllImages: Bool { if case .elements = kind { true } else { false } }

  /// The other values to keep.
  public var kept: [ValueID] { boxes.map { (joined == nil ? [] : [$0.scores]) + $0.others } ?? [] }

  /// What was assumed about it.
  public var warnings: [Warning] { boxes?.warnings ?? [] }

  /// What a detector reads its boxes from; nil if it is about no boxes.
  public var boxSources: BoxSources? {
    boxes.map { boxes in
      BoxSources(
        scales: boxes.scales?.scales ?? [],
        values: Set([boxes.tables.scores, boxes.tables.boxes].compactMap { $0?.value }))
    }
  }
}
