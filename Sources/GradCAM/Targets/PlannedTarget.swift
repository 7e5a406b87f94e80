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
  /// The planner of the model that has the values: for a mask, one value more than the file.
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
    let model = planner.model
    func outputs(and others: Set<ValueID> = []) throws -> InferredGraph {
      try planner.partlyInferred(reaching: others.union(model.graph.outputs))
    }
    if let contradiction = request.contradiction { throw GradCAMError(.usage, problem: contradiction) }
    self.request = request
    var joined: JoinedOutputs?
    if let elements = request.elements, request.boxPart == nil {
      kind = .elements(try model.located { try ElementSelection(elements, in: model) })
    } else if request.isAboutBoxes {
      let described = try Self.described(by: request, planner)
      guard described.model.graph.values.count == model.graph.values.count else { throw Self.notPlanned(request) }
      let inferred = try outputs(and: described.tables)
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
    (self.joined, self.planner) = (joined, joined.map { planner.joining($0.values) } ?? planner)
  }

  /// What is said of the columns of outputs: by the request, else by the file.
  ///
  /// Throws `usage` if that does not fit.
  static func described(by request: TargetRequest, _ planner: ModelPlanner) throws -> DescribedOutputs {
    let model = planner.model
    return try model.located {
      try DescribedOutputs(request.columns.isEmpty ? model.metadata.columns : request.columns, of: model, by: planner)
    }
  }

  /// The error for values that a network, once planned, does not have.
  static func notPlanned(_ request: TargetRequest) -> GradCAMError {
    GradCAMError(
      .unsupported, at: request.elements.map { "\(.target, $0)" } ?? "\(.columns)",
      problem: "is computed from several outputs, for which an open network is not planned",
      advice: "use 'gradcam explain'")
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

  /// The grids of cells that a detector reads its boxes from, empty if they are not known; nil if it is about no boxes.
  public var scales: [BoxScales.Scale]? { boxes.map { $0.scales?.scales ?? [] } }
}
