import Graph
import GraphLayout

/// A network as people draw it: the operators that work on the picture's numbers, in groups that are its modules.
///
/// Constants, arithmetic on extents, and nodes that only pass on numbers are left out.
public struct NetworkOutline: Sendable {
  /// An operator.
  public struct Node: Sendable {
    /// The node in the catalogue.
    public let entry: NodeCatalogue.Entry
    /// The name in its group: the module's if the node is all of it, else the operator's.
    public fileprivate(set) var title: String
    /// The shown nodes that it reads, and those that read it, by index, in order.
    public fileprivate(set) var inputs, outputs: [Int]
    /// The operators between it and the nodes that it reads that are left out, from the nearest on.
    public let folded: [OperatorName]
  }

  /// What lies in a cell of a group's grid.
  public enum Item: Sendable, Equatable {
    /// A node, by its index.
    case node(Int)
    /// A group, by its number.
    case group(Int)
    /// Where numbers enter the group.
    case entrance
    /// Where numbers leave the group.
    case exit
  }

  /// A module, or the whole network.
  public struct Group: Sendable {
    /// The group that it lies in; nil for the whole network.
    public let parent: Int?
    /// The module's path; empty for the whole network.
    public let path: String
    /// The part of the path that the parent's does not have.
    public let title: String
    /// The number of operators in it, at all depths.
    public let operatorCount: Int
    /// The last node in it at which a map can be taken, by its index.
    public let last: Int?
    /// What it consists of, by position in `layout`.
    public let items: [Item]
    /// Where the items lie, and how they are connected.
    public let layout: GridLayout
  }

  /// The nodes in the file's order.
  public private(set) var nodes: [Node] = []
  /// The groups by number; 0 is the whole network.
  public private(set) var groups: [Group] = []

  /// Draws what lies between the images and the outputs of a model.
  ///
  /// - Parameter catalogue: the model's nodes.
  public init(_ model: Model, _ catalogue: NodeCatalogue) {
    let visible = VisibleNodes(model, catalogue)
    nodes = visible.nodes.map { shown in
      Node(
        entry: catalogue.entries[shown.index], title: shown.operatorName.type, inputs: shown.inputs, outputs: [],
        folded: shown.folded)
    }
    let places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.entry.index, $0) })
    for node in nodes { for input in node.inputs { nodes[places[input]!].outputs.append(node.entry.index) } }
    let tree = ModuleTree(
      paths: nodes.map { catalogue.modules.containers(of: $0.entry.index) },
      inputs: nodes.map { $0.inputs.map { places[$0]! } })
    for (place, title) in tree.titles { nodes[place].title = title }
    groups = tree.groups.map { group in
      let members = group.members.map { nodes[$0] }
      return Group(
        parent: group.parent, path: group.path, title: group.title, operatorCount: members.count,
        last: members.last { $0.entry.isMappable }?.entry.index,
        items: group.items.map { item in
          if case .node(let place) = item { .node(nodes[place].entry.index) } else { item }
        },
        layout: group.layout)
    }
  }
}

/// The nodes of a network that an outline shows, with what they read of each other.
private struct VisibleNodes {
  struct Shown {
    let index: Int
    let operatorName: OperatorName
    let inputs: [Int]
    let folded: [OperatorName]
  }

  private(set) var nodes: [Shown] = []

  init(_ model: Model, _ catalogue: NodeCatalogue) {
    let graph = model.graph
    let between = graph.downstream(of: Set(model.imageInputs.map(\.value))).intersection(
      graph.upstream(of: Set(graph.outputs)))
    func computes(_ value: ValueID) -> Bool { between.contains(value) && catalogue.infos[value]?.constant == nil }
    // By value: the shown node that its numbers come from, and the operators left out on the way.
    var sources: [ValueID: (node: Int, folded: [OperatorName])] = [:]
    for (index, node) in graph.nodes.enumerated() where node.results.contains(where: computes) {
      if node.role == .identity, let source = node.inputs.first.flatMap({ $0 }).flatMap({ sources[$0] }) {
        for result in node.results { sources[result] = (source.node, [node.operatorName] + source.folded) }
        continue
      }
      let read = node.reads.compactMap { sources[$0] }
      nodes.append(
        Shown(
          index: index, operatorName: node.operatorName, inputs: read.map(\.node).withoutRepeats,
          folded: read.flatMap(\.folded)))
      for result in node.results { sources[result] = (index, []) }
    }
  }
}
