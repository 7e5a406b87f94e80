import Graph

/// An output of a model.
public struct ModelOutput: Sendable {
  /// The value.
  public let value: ValueID
  /// Its name.
  public let name: String
  /// Its type, and its shape for images of one size.
  public let info: ValueInfo
  /// The only axis whose extent the file leaves open; nil if there is none, or another number of them.
  public let openAxis: Int?

  init(_ value: ValueID, _ info: ValueInfo, of graph: ComputeGraph) {
    (self.value, self.info, name) = (value, info, graph.values[value].name)
    let open = (graph.values[value].dimensions ?? []).enumerated().filter {
      if case .symbolic = $0.element { true } else { false }
    }.map(\.offset)
    openAxis = open.count == 1 && graph.values[value].dimensions!.count == info.shape.rank ? open[0] : nil
  }
}

extension [ModelOutput] {
  /// Such as `'boxes' 1×100×4, 'scores' 1×100×80`.
  var description: String { map { "'\($0.name)' \($0.info.shape)" }.joined(separator: ", ") }
}

extension Model {
  /// The outputs that can be computed.
  func outputs(_ inferred: InferredGraph) -> [ModelOutput] {
    graph.outputs.compactMap { value in
      inferred.infos[value].map { ModelOutput(value, $0, of: graph) }
    }
  }

  /// The output whose elements reports save: the one that the user named, else the first.
  var savedOutput: ValueID { head.evidence == .request ? head.output : graph.outputs[0] }

  /// The outputs as the file declares them: `'boxes' 1×count×4`.
  var declaredOutputs: String {
    graph.outputs.map { output in
      let extents = graph.values[output].dimensions?.map { dimension in
        switch dimension {
        case .fixed(let extent): "\(extent)"
        case .symbolic(let name): name.isEmpty ? "?" : name
        }
      }
      return "'\(graph.values[output].name)'" + (extents.map { " " + $0.joined(separator: "×") } ?? "")
    }.joined(separator: ", ")
  }
}
