/// An operator that is defined by others: nodes of it are replaced by those before anything else looks at a graph, so
/// that their values can be tapped.
public struct OperatorExpansion: Sendable {
  /// The domain and type.
  public let name: OperatorName
  let expand: @Sendable (inout NodeExpander) throws -> Void

  /// Creates an expansion; a node for which `expand` adds no node stays as it is.
  public init(_ type: String, domain: String = "", expand: @escaping @Sendable (inout NodeExpander) throws -> Void) {
    name = OperatorName(domain: domain, type: type)
    self.expand = expand
  }
}

/// Builds what replaces one node.
public struct NodeExpander {
  /// The node.
  public let node: Node
  private var values: [Value]
  fileprivate private(set) var nodes: [Node] = []
  private var unread: Set<String>

  fileprivate init(_ node: Node, values: [Value]) {
    self.node = node
    self.values = values
    unread = Set(node.attributes.keys)
  }

  fileprivate mutating func finish() throws -> (values: [Value], nodes: [Node]) {
    guard nodes.isEmpty || unread.isEmpty else {
      let names = unread.sorted().map { "'\($0)'" }.joined(separator: ", ")
      throw GradCAMError(.unsupported, problem: "attribute \(names) is not known to this program")
    }
    return (values, nodes)
  }

  /// The node's input, nil where it is left out.
  public func optional(_ index: Int) -> ValueID? { index < node.inputs.count ? node.inputs[index] : nil }

  /// The node's input.
  ///
  /// Throws `badData` where it is missing.
  public func input(_ index: Int) throws -> ValueID {
    guard let input = optional(index) else { throw GradCAMError(.badData, problem: "input \(index) is missing") }
    return input
  }

  /// Takes attributes of the node: those named that it has, or all.
  public mutating func attributes(_ names: String...) -> [String: Attribute] {
    let taken = names.isEmpty ? node.attributes : node.attributes.filter { names.contains($0.key) }
    unread.subtract(taken.keys)
    return taken
  }

  /// A constant.
  public mutating func constant(_ tensor: Tensor) -> ValueID {
    values.append(Value(name: newName("constant"), constant: tensor))
    return values.count - 1
  }

  /// Adds a node and returns its result.
  ///
  /// - Parameters:
  ///   - isNamed: whether it bears the replaced node's name, by which users ask for it.
  ///   - isLast: whether its result is the replaced node's own.
  @discardableResult
  public mutating func add(
    _ type: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:],
    isNamed: Bool = false, isLast: Bool = false
  ) throws -> ValueID {
    let output: ValueID
    if isLast {
      guard let own = node.outputs.compactMap({ $0 }).first else {
        throw GradCAMError(.badData, problem: "has no output")
      }
      output = own
    } else {
      values.append(Value(name: newName(type)))
      output = values.count - 1
    }
    nodes.append(
      Node(
        name: isNamed ? node.name : newName(type), operatorName: OperatorName(domain: domain, type: type),
        inputs: inputs, outputs: [output], attributes: attributes, metadata: node.metadata))
    return output
  }

  private func newName(_ part: String) -> String {
    let output = node.outputs.compactMap { $0 }.first.map { values[$0].name } ?? ""
    return "\(output)/\(part)_\(values.count)"
  }
}

extension OperatorSet {
  /// The graph with every operator that is defined by others replaced by those.
  ///
  /// Throws `badData` or `unsupported` naming the node.
  public func expanding(_ graph: ComputeGraph) throws -> ComputeGraph {
    guard graph.nodes.contains(where: { expansions[$0.operatorName] != nil }) else { return graph }
    var expanded = graph
    expanded.nodes = []
    for (index, node) in graph.nodes.enumerated() {
      guard let expansion = expansions[node.operatorName] else {
        expanded.nodes.append(node)
        continue
      }
      do {
        var expander = NodeExpander(node, values: expanded.values)
        try expansion.expand(&expander)
        let (values, nodes) = try expander.finish()
        expanded.values = values
        expanded.nodes += nodes.isEmpty ? [node] : nodes
      } catch let error as GradCAMError {
        throw error.within(graph.describe(node: index))
      }
    }
    return expanded
  }
}
