/// Infers and folds the nodes that a request needs, and chooses their kernels.
struct ForwardPlanner {
  /// The graph, followed by the parts of the composite nodes expanded so far.
  private(set) var graph: ComputeGraph
  let operators: OperatorSet
  let request: PlanRequest
  /// Whether kernels are chosen only to fold constants.
  var infersOnly = false

  var infos: [ValueID: ValueInfo] = [:]
  var places: [ValueID: ValuePlace] = [:]
  var steps: [Step] = []
  var byteCounts: [Int] = []
  /// The nodes that compute something, in order, including those whose outputs are observed.
  var planned: [(node: Int, operation: any Operator)] = []

  mutating func newBuffer(byteCount: Int) -> Int {
    byteCounts.append(byteCount)
    return byteCounts.count - 1
  }

  mutating func plan(reaching wanted: Set<ValueID>) throws {
    for (id, value) in graph.values.enumerated() {
      guard let constant = value.constant else { continue }
      infos[id] = ValueInfo(constant)
      places[id] = .constant(constant)
    }
    for (id, info) in request.inputs {
      _ = try Shape(checked: info.shape.dimensions, limit: Plan.elementLimit)
      infos[id] = info
      places[id] =
        info.constant.map(ValuePlace.constant) ?? observed(id) ?? .buffer(newBuffer(byteCount: info.byteCount))
    }
    for index in graph.nodes(reaching: wanted) { try located(graph.describe(node: index)) { try plan(node: index) } }
    for value in wanted where infos[value] == nil { throw missingContents(value) }
  }

  private func missingContents(_ value: ValueID) -> GradCAMError {
    let name = graph.values[value].name
    return GradCAMError(
      .badData, problem: "input '\(name)' has no contents", advice: "give it with \(.tensor, as: "\(name)=FILE.npy")")
  }

  /// The place of a value in the observed executor; nil if it is not observed.
  private func observed(_ value: ValueID) -> ValuePlace? {
    request.observed.contains(value) ? .observed(value, byteCount: infos[value]!.byteCount) : nil
  }

  private mutating func plan(node index: Int) throws {
    let node = graph.nodes[index]
    let inputs = NodeInputs(
      try node.inputs.map { input in
        guard let input else { return nil }
        guard let info = infos[input] else { throw missingContents(input) }
        return info
      })
    switch node.operation {
    case let unresolvable as UnresolvableOperator: throw unresolvable.error
    case let composite as any CompositeOperator: try plan(body: try composite.body(inputs), of: index)
    case let operation as any Operator: try plan(node: index, operation, inputs)
    default:
      throw GradCAMError(.defect, problem: "operator \(node.operatorName) can neither be computed nor expanded")
    }
  }

  private mutating func plan(node index: Int, _ operation: any Operator, _ inputs: NodeInputs) throws {
    let node = graph.nodes[index]
    var outputs = try operation.infer(inputs)
    guard outputs.count >= node.outputs.count else { throw tooManyOutputs(node, known: outputs.count) }
    outputs.removeLast(outputs.count - node.outputs.count)
    for info in outputs { _ = try Shape(checked: info.shape.dimensions, limit: Plan.elementLimit) }

    let isConstant = outputs.allSatisfy { $0.constant != nil }
    let isFolded = !isConstant && node.inputs.allSatisfy { $0 == nil || infos[$0!]?.constant != nil }
    if isFolded { try fold(try operation.kernel(inputs, outputs, request.kernels), inputs, &outputs) }
    for (output, info) in zip(node.outputs, outputs) {
      guard let output else { continue }
      infos[output] = info
      places[output] = info.constant.map { .constant($0) } ?? observed(output)
    }
    guard !isConstant, !isFolded, !infersOnly else { return }
    planned.append((index, operation))
    if node.results.contains(where: { places[$0] == nil }) {
      addStep(try operation.kernel(inputs, outputs, request.kernels), node: index)
    }
  }

  private func tooManyOutputs(_ node: Node, known: Int) -> GradCAMError {
    GradCAMError(.badData, problem: "has \(node.outputs.count) outputs, but the operator has \(known)")
  }

  /// Plans the nodes of a composite node's body in its place.
  private mutating func plan(body: ComputeGraph, of index: Int) throws {
    guard body.outputs.count >= graph.nodes[index].outputs.count else {
      throw tooManyOutputs(graph.nodes[index], known: body.outputs.count)
    }
    let firstValue = graph.values.count
    var builder = GraphBuilder(graph)
    let parts = builder.splice(operators.resolving(body), replacing: index)
    graph = builder.graph
    for value in firstValue..<graph.values.count {
      guard let constant = graph.values[value].constant else { continue }
      infos[value] = ValueInfo(constant)
      places[value] = .constant(constant)
    }
    let results = Set(graph.nodes[index].results)
    for part in graph.nodes(reaching: results, from: parts.lowerBound) { try plan(node: part) }
  }

  private mutating func addStep(_ kernel: Kernel, node index: Int) {
    let node = graph.nodes[index]
    if case .view(let input) = kernel.placement, let output = node.outputs[0] {
      places[output] = places[node.inputs[input]!]
    }
    let writes = node.outputs.map { output -> Int? in
      guard let output else { return nil }
      if places[output] == nil { places[output] = .buffer(newBuffer(byteCount: infos[output]!.byteCount)) }
      return places[output]!.buffer
    }
    let scratch = kernel.scratchByteCount > 0 ? newBuffer(byteCount: kernel.scratchByteCount) : nil
    steps.append(
      Step(
        node: index, kernel: kernel, reads: node.inputs.map { $0.flatMap { places[$0] } }, writes: writes,
        scratch: scratch))
  }

  /// Computes a node whose inputs are all constant.
  private func fold(_ kernel: Kernel, _ inputs: NodeInputs, _ outputs: inout [ValueInfo]) throws {
    if case .view(let input) = kernel.placement {
      outputs[0].constant = try inputs.required(input).constant!.reshaped(to: outputs[0].shape)
      return
    }
    let results = outputs.map { info in
      Tensor(
        elementType: info.elementType, shape: info.shape,
        storage: TensorStorage(byteCount: info.byteCount + kernel.guardByteCount))
    }
    let scratch = TensorStorage(byteCount: kernel.scratchByteCount)
    let workerScratch = TensorStorage(byteCount: kernel.workerScratchByteCount)
    try kernel.run(
      KernelArguments(
        inputs: (0..<inputs.count).map { inputs[$0]?.constant.map { UnsafeRawPointer($0.storage.base) } },
        outputs: results.map { $0.storage.base }, scratch: scratch.base,
        workerScratch: WorkerScratch(base: workerScratch.base, stride: kernel.workerScratchByteCount),
        pool: ThreadPool(threadCount: 1)))
    for index in outputs.indices { outputs[index].constant = results[index] }
  }
}
