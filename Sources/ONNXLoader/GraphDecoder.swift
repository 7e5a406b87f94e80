import COnnx
import Graph

/// Decodes one graph of a model: the main one, or one that an attribute holds.
final class GraphDecoder {
  private let context: ModelContext
  private let parent: GraphDecoder?
  private var graph: ComputeGraph
  private var ids: [String: ValueID] = [:]
  /// The values that each node reads, including those that only its subgraphs read.
  private var dependencies: [[ValueID]] = []
  /// The values of enclosing graphs that are read here.
  private(set) var captures: [ValueID] = []

  init(_ context: ModelContext, parent: GraphDecoder? = nil) {
    self.context = context
    self.parent = parent
    graph = ComputeGraph(opsets: context.opsets)
  }

  /// Builds the graph of a message whose names belong to `scope`; call this once.
  func build(_ message: Onnx__GraphProto, scope: Scope) throws -> ComputeGraph {
    try defineInitialisers(message, scope)
    let initialisers = Set(ids.keys)
    for input in messages(message.input, message.n_input) {
      let name = scope.name(text(input.name))
      // Files of the first versions list every initialiser as an input too.
      if !initialisers.contains(name) { graph.inputs.append(try define(name, as: "graph input")) }
    }
    var functionCalls: [Call] = []
    let calls = try inlined(messages(message.node, message.n_node), scope, &functionCalls)
    let outputs = try calls.map { call in try call.outputs.map { $0.isEmpty ? nil : try define($0, as: call.place) } }
    for information in messages(message.input, message.n_input) + messages(message.output, message.n_output)
      + messages(message.value_info, message.n_value_info)
    {
      try declare(information, scope)
    }
    for (call, outputs) in zip(calls, outputs) {
      try located(call.place) {
        let inputs = try call.inputs.map { $0.isEmpty ? nil : try value($0) }
        let (attributes, captured) = try self.attributes(of: call)
        append(
          Node(
            name: call.name, operatorName: call.operatorName, inputs: inputs, outputs: outputs,
            attributes: attributes, metadata: dictionary(call.message.metadata_props, call.message.n_metadata_props),
            captures: captured),
          reading: inputs.compactMap { $0 } + captured.values)
      }
    }
    graph.expanded = functionCalls.compactMap { call in
      call.outputs.first.flatMap { ids[$0] }.map {
        ExpandedNode(name: call.name, operatorName: call.operatorName, result: $0)
      }
    }
    graph.outputs = try messages(message.output, message.n_output).map { output in
      try located("graph output") { try value(scope.name(text(output.name))) }
    }
    try sortNodes()
    return graph
  }

  // MARK: Values

  private func define(_ name: String, as place: @autoclosure () -> String) throws -> ValueID {
    guard !name.isEmpty else { throw GradCAMError(.badData, at: place(), problem: "has no name") }
    guard ids[name] == nil else {
      throw GradCAMError(.badData, at: place(), problem: "tensor '\(name)' is defined a second time")
    }
    graph.values.append(Value(name: name))
    ids[name] = graph.values.count - 1
    return graph.values.count - 1
  }

  private func defineInitialisers(_ message: Onnx__GraphProto, _ scope: Scope) throws {
    for initialiser in messages(message.initializer, message.n_initializer) {
      let id = try define(scope.name(text(initialiser.name)), as: "initialiser")
      do {
        let tensor = try context.tensors.tensor(initialiser)
        graph.values[id].constant = tensor
        graph.values[id].elementType = tensor.elementType
        graph.values[id].dimensions = tensor.shape.dimensions.map { .fixed($0) }
      } catch let error as GradCAMError where error.kind == .unsupported {
        graph.values[id].problem = error
      }
    }
    for sparse in messages(message.sparse_initializer, message.n_sparse_initializer) {
      let name = scope.name(text(sparse.values?.pointee.name))
      graph.values[try define(name, as: "sparse initialiser")].problem = GradCAMError(
        .unsupported, at: "tensor '\(name)'", problem: "is sparse", advice: "store it as a dense tensor")
    }
  }

  private func declare(_ information: Onnx__ValueInfoProto, _ scope: Scope) throws {
    guard let id = ids[scope.name(text(information.name))], graph.values[id].constant == nil,
      let declared = information.type?.pointee
    else { return }
    graph.values[id].kind = ValueKind(declared)
    guard let type = declared.tensor_type?.pointee else { return }
    if let elementType = try? ElementType(onnxType: type.elem_type) { graph.values[id].elementType = elementType }
    guard let shape = type.shape?.pointee else { return }
    let dimensions = messages(shape.dim, shape.n_dim)
    // Some exporters write −1 for an unknown extent.
    func isFixed(_ dimension: Onnx__TensorShapeProto__Dimension) -> Bool {
      dimension.has_dim_value != 0 && dimension.dim_value >= 0
    }
    try located("tensor '\(graph.values[id].name)'") {
      _ = try Shape(checked: dimensions.filter(isFixed).map { Int($0.dim_value) })
    }
    graph.values[id].dimensions = dimensions.map { dimension in
      isFixed(dimension) ? .fixed(Int(dimension.dim_value)) : .symbolic(text(dimension.dim_param))
    }
  }

  /// The value of a name that is read here; an enclosing graph may define it.
  private func value(_ name: String) throws -> ValueID {
    if let id = ids[name] { return id }
    guard let parent, parent.sees(name) else {
      throw GradCAMError(
        .badData, problem: "reads tensor '\(name)', which nothing computes",
        advice: "the model is damaged; export it again")
    }
    let id = try define(name, as: "outer value")
    captures.append(id)
    return id
  }

  private func sees(_ name: String) -> Bool { ids[name] != nil || parent?.sees(name) ?? false }

  // MARK: Nodes

  /// A node of the file with its scope.
  private struct Call {
    let message: Onnx__NodeProto
    let scope: Scope

    var name: String { scope.nodeName(text(message.name)) }
    var operatorName: OperatorName { OperatorName(domain: text(message.domain), type: text(message.op_type)) }
    var inputs: [String] { texts(message.input, message.n_input).map(scope.name) }
    var outputs: [String] { texts(message.output, message.n_output).map(scope.name) }
    /// How messages name the node.
    var place: String { "node '\(name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name)' (\(operatorName))" }
  }

  /// The nodes, with calls of the model's functions replaced by their bodies and added to `functionCalls`.
  private func inlined(
    _ nodes: [Onnx__NodeProto], _ scope: Scope, _ functionCalls: inout [Call]
  ) throws -> [Call] {
    var calls: [Call] = []
    for message in nodes {
      if !scope.callers.isEmpty { try context.countInlinedNode() }
      let call = Call(message: message, scope: scope)
      guard !call.operatorName.type.isEmpty else {
        throw GradCAMError(.badData, at: call.place, problem: "names no operator")
      }
      let id = FunctionID(name: call.operatorName, overload: text(message.overload))
      guard let function = context.functions[id] else {
        calls.append(call)
        continue
      }
      guard !scope.callers.contains(id) else {
        throw GradCAMError(.badData, at: call.place, problem: "the function calls itself")
      }
      guard scope.callers.count < 32 else {
        throw GradCAMError(.unsupported, at: call.place, problem: "function calls are nested more than 32 deep")
      }
      let body = Scope(calling: function, id: id, from: message, in: scope)
      functionCalls.append(call)
      calls += try inlined(messages(function.node, function.n_node), body, &functionCalls)
    }
    return calls
  }

  private func append(_ node: Node, reading values: [ValueID]) {
    graph.nodes.append(node)
    dependencies.append(values)
  }

  private func sortNodes() throws {
    let producers = graph.producers
    switch TopologicalOrder(
      count: graph.nodes.count, dependencies: dependencies.map { $0.compactMap { producers[$0] } })
    {
    case .sorted(let order): graph.nodes = order.map { graph.nodes[$0] }
    case .cycle(let cycle):
      let names = cycle.prefix(8).map(graph.describe).joined(separator: ", ")
      let rest = cycle.count > 8 ? " and \(cycle.count - 8) more" : ""
      throw GradCAMError(.badData, problem: "nodes depend on each other in a cycle: \(names)\(rest)")
    }
  }

  // MARK: Attributes

  private func attributes(of call: Call) throws -> ([String: Attribute], captured: [String: ValueID]) {
    var attributes: [String: Attribute] = [:]
    var captured: [String: ValueID] = [:]
    for message in messages(call.message.attribute, call.message.n_attribute) {
      let name = text(message.name)
      try located("attribute '\(name)'") {
        guard attributes[name] == nil else { throw GradCAMError(.badData, problem: "appears twice") }
        guard let bound = call.scope.bind(message) else { return }
        do {
          attributes[name] = try Attribute(bound.message, tensors: context.tensors) { message in
            let builder = GraphDecoder(context, parent: self)
            let graph = try builder.build(message, scope: bound.scope)
            for name in builder.captures.map({ graph.values[$0].name }) { captured[name] = try value(name) }
            return graph
          }
        } catch let error as GradCAMError where error.kind == .unsupported {
          attributes[name] = .unsupported(error.within("attribute '\(name)'"))
        }
      }
    }
    return (attributes, captured)
  }
}

extension ValueKind {
  /// The kind that a type declares; a type that says nothing is taken for a tensor's.
  fileprivate init(_ type: Onnx__TypeProto) {
    func holdsTensors(_ element: UnsafeMutablePointer<Onnx__TypeProto>?) -> Bool { element?.pointee.tensor_type != nil }
    if let sequence = type.sequence_type?.pointee {
      self = holdsTensors(sequence.elem_type) ? .sequence : .other
    } else if let element = type.optional_type?.pointee.elem_type?.pointee {
      self =
        element.tensor_type != nil
        ? .optionalTensor : holdsTensors(element.sequence_type?.pointee.elem_type) ? .optionalSequence : .other
    } else {
      self = .tensor
    }
  }
}
