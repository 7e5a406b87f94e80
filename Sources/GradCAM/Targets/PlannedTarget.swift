import Graph

/// A request whose values were found in a model, before that is planned.
public struct PlannedTarget: Sendable {
  enum Kind: Sendable {
    case classes
    case elements(ElementSelection)
    case box(Int, DetectionLayout)
    case embedding(EmbeddingReference)
  }

  let request: TargetRequest
  let kind: Kind

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
    if let elements = request.elements {
      kind = .elements(try model.located { try ElementSelection(elements, in: model) })
    } else if let rank = request.detection {
      let described: [(name: String, columns: BoxColumns)] = try request.columns.map { text in
        guard let equals = text.lastIndex(of: "=") else {
          throw GradCAMError(
            .usage, at: "\(.columns, text)", problem: "names no output",
            advice: "write OUTPUT=cxcywh,score*80, say; the outputs are \(model.declaredOutputs)")
        }
        return (String(text[..<equals]), try BoxColumns(String(text[text.index(after: equals)...])))
      }
      kind = .box(
        rank,
        try model.located {
          try DetectionReading(
            model, try outputs(), labels: labels?.names ?? model.metadata.labels
          ).layout(described: described)
        })
    } else if let embedding = request.embedding {
      kind = .embedding(try EmbeddingReference(embedding, model.outputs(outputs()), of: model))
    } else {
      kind = .classes
    }
  }

  /// The elements picked; nil for other requests.
  var selection: ElementSelection? { if case .elements(let selection) = kind { selection } else { nil } }

  /// How boxes are read; nil for other requests.
  var layout: DetectionLayout? { if case .box(_, let layout) = kind { layout } else { nil } }

  /// The value that is explained; nil for the class scores.
  public var explained: ValueID? {
    switch kind {
    case .classes: nil
    case .elements(let selection): selection.value
    case .box(_, let layout): layout.scores
    case .embedding(let reference): reference.output
    }
  }

  /// Whether the target is computed from the value of all images of a run: elements are picked from the whole value.
  public var explainsAllImages: Bool { if case .elements = kind { true } else { false } }

  /// The other values to keep.
  public var kept: [ValueID] { if case .box(_, let layout) = kind { layout.others } else { [] } }

  /// What was assumed about it.
  public var warnings: [Warning] { if case .box(_, let layout) = kind { layout.warnings } else { [] } }
}
