/// One version of one operator: how one of its nodes becomes a `GraphOperator`.
public struct OperatorEntry: Sendable {
  /// The domain and type.
  public let name: OperatorName
  /// The first opset version that this entry serves.
  public let since: Int
  /// How many inputs a node may have, optional ones included.
  public let inputs: ClosedRange<Int>
  /// What provides it, such as `plugin 'softclip'`, for messages; nil if it is built in.
  public let provider: String?
  /// Reads a node's attributes.
  public let make: @Sendable (inout AttributeReader) throws -> any GraphOperator
  /// Whether what `make` returns has a derivative; asked only when needed, since looking up conformances takes long.
  private let hasDerivative: @Sendable () -> Bool

  /// Creates an entry.
  public init<Made: GraphOperator>(
    _ type: String, domain: String = "", since: Int = 1, inputs: ClosedRange<Int>, provider: String? = nil,
    make: @escaping @Sendable (inout AttributeReader) throws -> Made
  ) {
    self.init(
      type, domain: domain, since: since, inputs: inputs, provider: provider,
      isDifferentiable: Made.self is any DifferentiableOperator.Type || Made.self is any CompositeOperator.Type
        || Made.self is any CollectionOperator.Type,
      making: make)
  }

  /// Creates an entry whose nodes become different operators.
  ///
  /// - Parameter isDifferentiable: whether what `make` returns has a derivative.
  public init(
    _ type: String, domain: String = "", since: Int = 1, inputs: ClosedRange<Int>, provider: String? = nil,
    isDifferentiable: @autoclosure @escaping @Sendable () -> Bool,
    making make: @escaping @Sendable (inout AttributeReader) throws -> any GraphOperator
  ) {
    name = OperatorName(domain: domain, type: type)
    self.since = since
    self.inputs = inputs
    self.provider = provider
    self.make = make
    hasDerivative = isDifferentiable
  }

  /// Throws `badData` unless a node has as many inputs as the operator takes; omitted ones at the end do not count.
  func check(inputCountOf node: Node) throws {
    let count = (node.inputs.lastIndex { $0 != nil } ?? -1) + 1
    guard count > inputs.upperBound || node.inputs.count < inputs.lowerBound else { return }
    let wanted =
      inputs.upperBound == .max
      ? "\(inputs.lowerBound) or more"
      : inputs.count == 1 ? "\(inputs.lowerBound)" : "\(inputs.lowerBound) to \(inputs.upperBound)"
    throw GradCAMError(
      .badData, problem: "has \(count) input\(count == 1 ? "" : "s"), but operator \(name) takes \(wanted)")
  }

  /// Whether what `make` returns has a derivative.
  public var isDifferentiable: Bool { hasDerivative() }
}

/// All operators that a graph may use, and the rules that fuse them.
public struct OperatorSet: Sendable {
  let entries: [OperatorName: [OperatorEntry]]
  /// The rewrites that the planner applies, in order.
  public let rewrites: [any GraphRewrite]
  /// What to do about operators of a domain that no set can provide, by domain.
  private let advice: [String: String]
  /// What is known of operators that the set does not have, by type in whatever domain: among which of their inputs they
  /// select detections.
  private let foreignSelections: [String: BoxSelection]

  /// Collects entries.
  ///
  /// - Parameter advice: what to do, by domain, about operators that are not in the set; a plugin, for other domains.
  public init(
    _ entries: [OperatorEntry], rewrites: [any GraphRewrite] = [], advice: [String: String] = [:],
    foreignSelections: [String: BoxSelection] = [:]
  ) {
    self.entries = Dictionary(grouping: entries, by: \.name).mapValues { $0.sorted { $0.since < $1.since } }
    self.rewrites = rewrites
    self.advice = advice
    self.foreignSelections = foreignSelections
  }

  /// The names of all operators, sorted.
  public var names: [OperatorName] { entries.keys.sorted { ($0.domain, $0.type) < ($1.domain, $1.type) } }

  /// Whether some version of the operator has a derivative, or stands for operators that may have one.
  public func isDifferentiable(_ name: OperatorName) -> Bool {
    entries[name]?.contains(where: \.isDifferentiable) == true
  }

  /// Whether the set has some version of the operator.
  public func contains(_ name: OperatorName) -> Bool { entries[name] != nil }

  /// What provides an operator, such as `plugin 'softclip'`; nil if it is built in.
  public func provider(of name: OperatorName) -> String? { entries[name]?.last?.provider }

  /// An operator as messages name it, with the plugin that provides it.
  func describe(_ name: OperatorName) -> String { "\(name)" + (provider(of: name).map { " of \($0)" } ?? "") }

  /// The operators whose names are kept.
  public func keeping(_ isKept: (OperatorName) -> Bool) -> OperatorSet {
    OperatorSet(
      entries.values.joined().filter { isKept($0.name) }, rewrites: rewrites, advice: advice,
      foreignSelections: foreignSelections)
  }

  /// The operators of both sets, which have no name in common.
  public func joined(with other: OperatorSet) -> OperatorSet {
    OperatorSet(
      [entries, other.entries].flatMap { $0.values.joined() }, rewrites: rewrites + other.rewrites,
      advice: advice.merging(other.advice) { own, _ in own },
      foreignSelections: foreignSelections.merging(other.foreignSelections) { own, _ in own })
  }

  /// The same operators without the rules that fuse them.
  public var withoutRewrites: OperatorSet {
    OperatorSet(Array(entries.values.joined()), advice: advice, foreignSelections: foreignSelections)
  }

  /// The graph with an operator in every node, and composite nodes with a fixed body replaced by it; a node that cannot
  /// be resolved is an error only if it is needed.
  public func resolving(_ graph: ComputeGraph) -> ComputeGraph {
    guard graph.nodes.contains(where: { $0.operation == nil }) else { return graph }
    var empty = graph
    empty.nodes = []
    var builder = GraphBuilder(empty)
    for var node in graph.nodes {
      node.operation = node.operation ?? operation(of: node, opsets: graph.opsets)
      if case .composite(let composite)? = node.operation?.form, let body = composite.fixedBody {
        builder.expand(node, into: resolving(body))
      } else {
        builder.add(node)
      }
    }
    return builder.graph
  }

  /// A resolved graph with some of its composite nodes replaced by their bodies.
  ///
  /// - Parameters:
  ///   - isReplaced: whether a node is replaced if it is composite.
  ///   - info: type and extents of values; nodes that read a value that it does not know stay.
  ///
  /// Throws what making a body throws, naming the node.
  public func expanding(
    _ graph: ComputeGraph, where isReplaced: (Node) -> Bool, _ info: (ValueID) -> ValueInfo?
  ) throws -> ComputeGraph {
    var empty = graph
    empty.nodes = []
    var builder = GraphBuilder(empty)
    for (index, node) in graph.nodes.enumerated() {
      guard case .composite(let composite)? = node.operation?.form, isReplaced(node),
        node.inputs.allSatisfy({ $0 == nil || info($0!) != nil })
      else {
        builder.add(node)
        continue
      }
      let inputs = NodeInputs(node.inputs.map { $0.flatMap(info) }, captured: node.captures.compactMapValues(info))
      builder.expand(node, into: resolving(try located(graph.describe(node: index)) { try composite.body(inputs) }))
    }
    return builder.graph
  }

  /// The entry that an operator has in an opset: the highest version not above it; nil if there is none.
  func entry(of name: OperatorName, opset: Int) -> OperatorEntry? { entries[name]?.last(where: { $0.since <= opset }) }

  private func operation(of node: Node, opsets: [String: Int]) -> any GraphOperator {
    do {
      return try resolve(node, opsets: opsets)
    } catch {
      return UnresolvableOperator(
        error: error as? GradCAMError ?? GradCAMError(.defect, problem: "\(error)"),
        boxSelection: foreignSelections[node.operatorName.type])
    }
  }

  /// The operator of a node: the highest version not above the model's opset, with all attributes read.
  ///
  /// Throws `unsupported` for an unknown operator, version or attribute, `badData` for a wrong number of inputs.
  public func resolve(_ node: Node, opsets: [String: Int]) throws -> any GraphOperator {
    let name = node.operatorName
    guard let versions = entries[name] else {
      throw GradCAMError(
        .unsupported, problem: "operator \(name) is not supported",
        advice: advice[name.domain].map { Message($0) }
          ?? (name.domain.isEmpty ? nil : "a plugin that provides it can be given with \(.plugin)"))
    }
    // A model that uses a domain must import it, but fused nodes and careless exporters do not: use the newest.
    let opset = opsets[name.domain] ?? Int.max
    guard let entry = entry(of: name, opset: opset) else {
      throw GradCAMError(
        .unsupported, problem: "operator \(name) is not supported in opset \(opset)",
        advice: "it is supported from opset \(versions[0].since) of its domain on")
    }
    try entry.check(inputCountOf: node)
    var reader = AttributeReader(node, opsets: opsets)
    let made = try entry.make(&reader)
    if let provider = entry.provider {
      try located(provider) { try reader.finish(knownTo: "its operator") }
    } else {
      try reader.finish()
    }
    return made
  }
}
