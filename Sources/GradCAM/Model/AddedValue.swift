import Graph
import Ops

/// A value that is computed from those of a model's file, and is none of its outputs.
enum AddedValue: Hashable, Sendable {
  /// Values one after the other, element after element.
  case joined([ValueID])
  /// A table of boxes.
  case table(BoxLists)

  /// Adds the nodes that compute it.
  func add(to graph: ComputeGraph) -> (graph: ComputeGraph, value: ValueID) {
    var builder = GraphBuilder(graph)
    switch self {
    case .joined(let values):
      let rows = values.map { builder.reshape($0, [1, -1]) }
      let value = builder.concatenate(rows, axis: 1)
      return (builder.graph, value)
    case .table(let lists):
      let value = lists.add(to: &builder)
      var graph = builder.graph
      graph.values[value] = Value(name: lists.name)
      return (graph, value)
    }
  }
}
