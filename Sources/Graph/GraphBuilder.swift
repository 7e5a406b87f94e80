/// Builds a graph node by node.
public struct GraphBuilder {
  /// The graph so far.
  public private(set) var graph: ComputeGraph
  /// Whether each input of the composite node is present, if this is a body.
  private let presence: [Bool]
  /// The outside values that the graphs added so far read, by name.
  private var outside: [String: ValueID] = [:]

  /// Continues a graph.
  public init(_ graph: ComputeGraph = ComputeGraph(opsets: ["": 23])) {
    self.graph = graph
    presence = []
  }

  /// Starts the body of a composite node: its inputs are those of the node, as values 0, 1, ….
  ///
  /// - Parameter presence: whether each input is present.
  public init(inputs presence: [Bool], opsets: [String: Int] = ["": 23]) {
    graph = ComputeGraph(values: presence.indices.map { Value(name: "input\($0)") }, opsets: opsets)
    graph.inputs = Array(presence.indices)
    self.presence = presence
  }

  /// An input of the composite node; nil if it is omitted.
  public func optional(_ index: Int) -> ValueID? { index < presence.count && presence[index] ? index : nil }

  /// An input of the composite node.
  ///
  /// Throws `badData` if it is missing.
  public func required(_ index: Int) throws -> ValueID {
    guard let input = optional(index) else { throw GradCAMError(.badData, problem: "input \(index) is missing") }
    return input
  }

  /// Adds a value.
  public mutating func value(_ name: String, constant: Tensor? = nil) -> ValueID {
    graph.values.append(Value(name: name, constant: constant))
    return graph.values.count - 1
  }

  /// Adds an input of the graph.
  public mutating func input(_ name: String) -> ValueID {
    let input = value(name)
    graph.inputs.append(input)
    return input
  }

  /// Adds a constant.
  public mutating func constant(_ tensor: Tensor) -> ValueID { value("constant", constant: tensor) }

  /// Adds a node and returns its outputs.
  @discardableResult
  public mutating func node(
    _ type: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:],
    name: String = "", outputCount: Int = 1
  ) -> [ValueID] {
    let outputs = (0..<outputCount).map { _ in value(type) }
    graph.nodes.append(
      Node(
        name: name, operatorName: OperatorName(domain: domain, type: type), inputs: inputs, outputs: outputs,
        attributes: attributes))
    return outputs
  }

  /// Adds a node of an operator that files cannot name and returns its output.
  public mutating func node(_ type: String, _ inputs: [ValueID?], operation: any GraphOperator) -> ValueID {
    node(type, inputs, operation: operation, outputCount: 1)[0]
  }

  /// Adds a node of an operator that files cannot name and returns its outputs.
  public mutating func node(
    _ type: String, _ inputs: [ValueID?], operation: any GraphOperator, outputCount: Int
  ) -> [ValueID] {
    let outputs = (0..<outputCount).map { _ in value(type) }
    graph.nodes.append(
      Node(name: "", operatorName: OperatorName(type: type), inputs: inputs, outputs: outputs, operation: operation))
    return outputs
  }

  /// Adds a node with one output.
  public mutating func callAsFunction(
    _ type: String, _ inputs: ValueID?..., with attributes: [String: Attribute] = [:]
  ) -> ValueID { node(type, inputs, attributes)[0] }

  /// Adds a node unchanged.
  public mutating func add(_ node: Node) { graph.nodes.append(node) }

  /// The graph with its outputs.
  public mutating func returning(_ outputs: ValueID...) -> ComputeGraph { returning(outputs) }

  /// The graph with its outputs.
  public mutating func returning(_ outputs: [ValueID]) -> ComputeGraph {
    graph.outputs = outputs
    return graph
  }
}

// MARK: Graphs in graphs

extension GraphBuilder {
  /// Adds the contents of a graph, given its inputs; the values that it reads from outside stay outside, by name.
  ///
  /// - Returns: its outputs.
  public mutating func splice(_ inner: ComputeGraph, inputs: [ValueID]) -> [ValueID] {
    var ids: [ValueID: ValueID] = Dictionary(zip(inner.inputs, inputs)) { first, _ in first }
    for id in inner.outsideValues { ids[id] = outsideValue(inner.values[id].name) }
    graft(inner, &ids, prefix: "", metadata: [:], origin: nil)
    return inner.outputs.map { ids[$0]! }
  }

  /// Turns what a graph reads from outside into inputs of it.
  ///
  /// - Returns: the values for these inputs.
  public mutating func captures(of inner: inout ComputeGraph) -> [ValueID] {
    let read = Set(inner.nodes.flatMap(\.reads) + inner.outputs)
    let captured = inner.outsideValues.filter(read.contains)
    inner.inputs += captured
    return captured.map { outsideValue(inner.values[$0].name) }
  }

  private mutating func outsideValue(_ name: String) -> ValueID {
    if let known = outside[name] { return known }
    let added = value(name)
    outside[name] = added
    return added
  }

  /// Adds the body of a composite node, whose inputs, outputs and captures become the body's.
  ///
  /// Nodes without a name are named after the node's first output.
  /// - Parameter origin: the node's index in this graph, recorded as the origin of the added nodes; nil if they replace
  ///   the node entirely.
  /// - Returns: the positions of the nodes added.
  @discardableResult
  mutating func splice(_ body: ComputeGraph, replacing node: Node, origin: Int? = nil) -> Range<Int> {
    var ids: [ValueID: ValueID] = [:]
    for (inner, outer) in zip(body.inputs, node.inputs) { ids[inner] = outer }
    for inner in body.outsideValues { ids[inner] = node.captures[body.values[inner].name] }
    var copies: [(from: ValueID, to: ValueID)] = []
    for (inner, outer) in zip(body.outputs, node.outputs) {
      guard let outer else { continue }
      if ids[inner] == nil, body.values[inner].constant == nil, !body.inputs.contains(inner) {
        ids[inner] = outer
      } else {
        // A value that is returned unchanged, or twice, needs a copy.
        copies.append((inner, outer))
      }
    }
    let first = graph.nodes.count
    graft(
      body, &ids, prefix: (node.results.first.map { graph.values[$0].name } ?? node.name) + "/",
      metadata: node.metadata, origin: origin)
    for (inner, outer) in copies {
      var copy = Node(
        name: "", operatorName: OperatorName(type: "Identity"), inputs: [ids[inner]], outputs: [outer],
        metadata: node.metadata, operation: Identity())
      copy.origin = origin
      graph.nodes.append(copy)
    }
    return first..<graph.nodes.count
  }

  /// Adds the body of a composite node in its place, and records the node.
  mutating func expand(_ node: Node, into body: ComputeGraph) {
    splice(body, replacing: node)
    if let result = node.results.first {
      graph.expanded.append(ExpandedNode(name: node.name, operatorName: node.operatorName, result: result))
    }
  }

  /// Adds the values of a graph that are not in this one yet, and its nodes.
  private mutating func graft(
    _ inner: ComputeGraph, _ ids: inout [ValueID: ValueID], prefix: String, metadata: [String: String], origin: Int?
  ) {
    var added: Set<ValueID> = []
    for (id, value) in inner.values.enumerated() where ids[id] == nil && !inner.inputs.contains(id) {
      ids[id] = self.value("\(prefix)\(value.name)_\(graph.values.count)", constant: value.constant)
      graph.values[ids[id]!].problem = value.problem
      added.insert(ids[id]!)
    }
    for var node in inner.nodes {
      node.inputs = node.inputs.map { $0.flatMap { ids[$0] } }
      node.outputs = node.outputs.map { $0.flatMap { ids[$0] } }
      node.captures = node.captures.compactMapValues { ids[$0] }
      if node.name.isEmpty, let output = node.results.first {
        let number = added.contains(output) ? output + 1 : graph.values.count
        node.name = "\(prefix)\(node.operatorName.type)_\(number)"
      }
      if node.metadata.isEmpty { node.metadata = metadata }
      node.origin = origin
      graph.nodes.append(node)
    }
  }
}

extension ComputeGraph {
  /// The values that nothing in the graph provides: neither inputs, nor initialisers, nor results of nodes.
  fileprivate var outsideValues: [ValueID] {
    let own = Set(inputs).union(nodes.flatMap(\.results))
    return values.indices.filter { values[$0].constant == nil && values[$0].problem == nil && !own.contains($0) }
  }
}
