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
    func outputs() throws -> InferredGraph { try planner.partlyInferred(reaching: Set(model.graph.outputs)) }
    if let contradiction = request.contradiction { throw GradCAMError(.usage, problem: contradiction) }
    self.request = request
    var joined: JoinedOutputs?
    if let elements = request.elements, request.boxPart == nil {
      kind = .elements(try model.located { try ElementSelection(elements, in: model) })
    } else if request.isAboutBoxes {
      let columns = request.columns.isEmpty ? model.metadata.columns : request.columns
      let described: [(name: String, columns: BoxColumns)] = try columns.map { text in
        guard let equals = text.lastIndex(of: "=") else {
          throw GradCAMError(
            .usage, at: "\(.columns, text)", problem: "names no output",
            advice: "write OUTPUT=cxcywh,score*80, say; the outputs are \(model.declaredOutputs)")
        }
        return (String(text[..<equals]), try BoxColumns(String(text[text.index(after: equals)...])))
      }
      let inferred = try outputs()
      let layout = try model.located {
        try DetectionReading(
          model, inferred, labels: labels?.names ?? model.metadata.labels, size: planner.inputSize,
          merges: (request.overlap ?? 0) < 1
        ).layout(described: described)
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
