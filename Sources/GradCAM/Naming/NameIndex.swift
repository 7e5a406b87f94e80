import Graph
import Synchronization

/// The names of a catalogue, in tables that are made when one is first looked up.
final class NameIndex: Sendable {
  private struct Tables {
    var nodes: [String: Int] = [:]
    var tensors: [String: ValueID] = [:]
    var modules: [ValueID: [String]] = [:]
  }

  private let graph: ComputeGraph
  private let index: ModuleIndex
  private let tables = Mutex<Tables?>(nil)

  init(_ graph: ComputeGraph, _ modules: ModuleIndex) { (self.graph, index) = (graph, modules) }

  /// The first node of each name.
  var nodes: [String: Int] { made.nodes }
  /// The first tensor of each name that is no constant.
  var tensors: [String: ValueID] { made.tensors }
  /// By tensor, the names of the modules that return exactly it, with the number of the call if there are several;
  /// the innermost first.
  var modules: [ValueID: [String]] { made.modules }

  private var made: Tables {
    tables.withLock { tables in
      if let tables { return tables }
      let new = make()
      tables = new
      return new
    }
  }

  private func make() -> Tables {
    var tables = Tables()
    for (index, node) in graph.nodes.enumerated().reversed() { tables.nodes[node.name] = index }
    for (id, value) in graph.values.enumerated().reversed() where value.constant == nil {
      tables.tensors[value.name] = id
    }
    for (path, module) in index.modules {
      var seen: Set<ValueID> = []
      for (call, result) in module.results.enumerated() where result.isExact(for: path) {
        guard seen.insert(result.value).inserted else { continue }
        tables.modules[result.value, default: []].append(module.results.count == 1 ? path : "\(path):\(call)")
      }
    }
    for value in tables.modules.keys { tables.modules[value]!.sort { ($1.count, $0) < ($0.count, $1) } }
    return tables
  }
}
