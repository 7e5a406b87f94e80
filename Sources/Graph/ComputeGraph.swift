/// A tensor of a graph, without its contents: its position in `ComputeGraph.values`.
public typealias ValueID = Int

/// One extent as a model declares it.
public enum DeclaredDimension: Sendable, Hashable {
  /// A number in the file.
  case fixed(Int)
  /// A name, equal names meaning equal extents; empty if nothing is known.
  case symbolic(String)
}

/// What a value is, as a model declares it.
public enum ValueKind: Sendable {
  case tensor, sequence, optionalTensor, optionalSequence
  /// None of these: a map, a sparse tensor, or a collection of such.
  case other
}

/// A named tensor of a graph, or a sequence or optional of tensors: an input, a constant, or the result of a node.
public struct Value: Sendable {
  /// The name in the file; unique in its graph.
  public let name: String
  /// The element type, if the file declares it.
  public var elementType: ElementType?
  /// The extents, if the file declares them.
  public var dimensions: [DeclaredDimension]?
  /// The contents of an initialiser.
  public var constant: Tensor?
  /// Why an initialiser's contents cannot be used: an error only if they are needed.
  public var problem: GradCAMError?
  /// What it is, if the file declares it; else taken for a tensor.
  public var kind = ValueKind.tensor

  /// Creates a value.
  public init(
    name: String, elementType: ElementType? = nil, dimensions: [DeclaredDimension]? = nil, constant: Tensor? = nil
  ) {
    self.name = name
    self.elementType = elementType
    self.dimensions = dimensions
    self.constant = constant
  }
}

/// The name of an operator in its domain; the standard domain is the empty string.
public struct OperatorName: Sendable, Hashable, CustomStringConvertible {
  /// The domain; empty for `ai.onnx`.
  public let domain: String
  /// The operator type, such as `Conv`.
  public let type: String

  /// Creates a name; `ai.onnx` becomes the empty domain.
  public init(domain: String = "", type: String) {
    self.domain = domain == "ai.onnx" ? "" : domain
    self.type = type
  }

  /// Whether one of ONNX's own domains defines it.
  public var isONNX: Bool { domain.isEmpty || domain.hasPrefix("ai.onnx.") }

  /// `Conv`, or `domain.Type` outside the standard domain.
  public var description: String { domain.isEmpty ? type : "\(domain).\(type)" }
}

/// One application of an operator.
public struct Node: Sendable {
  /// The name in the file; empty if the exporter gave none.
  public var name: String
  /// The operator's name in the file.
  public let operatorName: OperatorName
  /// What it does, with its attributes read; nil in a graph that is not resolved yet.
  public var operation: (any GraphOperator)?
  /// The inputs in the operator's order; nil for an omitted optional one.
  public var inputs: [ValueID?]
  /// The outputs in the operator's order; nil for an optional one that is not wanted.
  public var outputs: [ValueID?]
  /// The attributes by name, as in the file.
  public var attributes: [String: Attribute]
  /// What the exporter noted about the node, such as the path of its PyTorch module.
  public var metadata: [String: String]
  /// The values of the node's graph that graphs in its attributes read, by their names in those graphs.
  public var captures: [String: ValueID]
  /// The node of the original graph that this one is a part of, if the planner has expanded one.
  var origin: Int?

  /// Creates a node.
  public init(
    name: String, operatorName: OperatorName, inputs: [ValueID?], outputs: [ValueID?],
    attributes: [String: Attribute] = [:], metadata: [String: String] = [:], captures: [String: ValueID] = [:],
    operation: (any GraphOperator)? = nil
  ) {
    self.name = name
    self.operatorName = operatorName
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
    self.metadata = metadata
    self.captures = captures
    self.operation = operation
  }

  /// The values that it reads, including those that graphs in its attributes read.
  public var reads: [ValueID] { inputs.compactMap { $0 } + captures.values.sorted() }

  /// The values that it computes.
  public var results: [ValueID] { outputs.compactMap { $0 } }

  func computes(anyOf values: Set<ValueID>) -> Bool { results.contains(where: values.contains) }
}

/// A node of the file that its body replaced: the call of a function, or a composite operator.
public struct ExpandedNode: Sendable {
  /// The node's name; may be empty.
  public let name: String
  /// The function's or the operator's name.
  public let operatorName: OperatorName
  /// The first output.
  public let result: ValueID

  /// Creates a record of a node.
  public init(name: String, operatorName: OperatorName, result: ValueID) {
    self.name = name
    self.operatorName = operatorName
    self.result = result
  }
}

/// A network as data: values and the nodes that compute them, in topological order.
public struct ComputeGraph: Sendable {
  /// Every tensor.
  public var values: [Value]
  /// The nodes, each after those whose results it reads.
  public var nodes: [Node]
  /// The nodes of the file that others stand for here, in the file's order.
  public var expanded: [ExpandedNode] = []
  /// The values that the user supplies, without initialisers that old files also list as inputs.
  public var inputs: [ValueID]
  /// The values that the model returns.
  public var outputs: [ValueID]
  /// The opset version by domain.
  public var opsets: [String: Int]
  /// The model's metadata: `metadata_props`.
  public var metadata: [String: String]
  /// The files that the graph was read from: the model, then data files; never overwrite them.
  public var files: [String] = []
  /// The program that wrote the file, with its version if known.
  public var producer: String

  /// Creates a graph.
  public init(
    values: [Value] = [], nodes: [Node] = [], inputs: [ValueID] = [], outputs: [ValueID] = [],
    opsets: [String: Int] = [:], metadata: [String: String] = [:], producer: String = ""
  ) {
    self.values = values
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.opsets = opsets
    self.metadata = metadata
    self.producer = producer
  }

  /// The node that computes each value, by value; inputs and constants have none.
  public var producers: [ValueID: Int] {
    var producers: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() { for output in node.results { producers[output] = index } }
    return producers
  }

  /// How messages name a node: its name, or its first output if it has none, with operator and index.
  public func describe(node index: Int) -> String {
    let index = nodes[index].origin ?? index
    let node = nodes[index]
    let output = node.results.first.map { values[$0].name } ?? ""
    return "node \(node.name.isEmpty ? "'\(output)'" : "'\(node.name)'") (\(node.operatorName), #\(index))"
  }
}

// MARK: Walks

extension ComputeGraph {
  /// The values that depend on any of `origins`, including those.
  public func downstream(of origins: Set<ValueID>) -> Set<ValueID> {
    var found = origins
    for node in nodes where node.reads.contains(where: found.contains) { found.formUnion(node.results) }
    return found
  }

  /// The values that any of `targets` depends on, including those.
  public func upstream(of targets: Set<ValueID>) -> Set<ValueID> {
    var found = targets
    for node in nodes.reversed() where node.computes(anyOf: found) { found.formUnion(node.reads) }
    return found
  }

  /// The values on a path from one to another, including both.
  public func between(_ start: ValueID, _ end: ValueID) -> Set<ValueID> {
    downstream(of: [start]).intersection(upstream(of: [end]))
  }

  /// The nodes from `start` on that are needed to compute the wanted values; constants need none.
  func nodes(reaching wanted: Set<ValueID>, from start: Int = 0) -> [Int] {
    var needed = wanted
    var found: [Int] = []
    for index in nodes.indices[start...].reversed() where nodes[index].computes(anyOf: needed) {
      found.append(index)
      needed.formUnion(nodes[index].reads.filter { values[$0].constant == nil })
    }
    return found.reversed()
  }
}
