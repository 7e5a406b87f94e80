/// Resolves, infers and folds the nodes that a request needs, and chooses their kernels.
struct ForwardPlanner {
  let graph: ComputeGraph
  let operators: OperatorSet
  let request: PlanRequest

  var infos: [ValueID: ValueInfo] = [:]
  var places: [ValueID: ValuePlace] = [:]
  var steps: [PlanStep] = []
  var byteCounts: [Int] = []
  /// The operator of every step.
  var resolved: [any Operator] = []

  init(graph: ComputeGraph, operators: OperatorSet, request: PlanRequest) {
    self.graph = graph
    self.operators = operators
    self.request = request
  }

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
      _ = try Shape(checked: info.shape.dimensions, limit: 1 << 40)
      infos[id] = info
      places[id] = .buffer(newBuffer(byteCount: info.shape.count * info.elementType.storage.byteCount))
    }
    for index in neededNodes(reaching: wanted) {
      do {
        try plan(node: index)
      } catch let error as GradCAMError {
        throw error.within(graph.describe(node: index))
      }
    }
    for value in wanted where infos[value] == nil { throw missingContents(value) }
  }

  private func missingContents(_ value: ValueID) -> GradCAMError {
    let name = graph.values[value].name
    return GradCAMError(
      .badData, problem: "input '\(name)' has no contents", advice: "give it with --tensor \(name)=FILE.npy")
  }

  private func neededNodes(reaching wanted: Set<ValueID>) -> [Int] {
    var needed = wanted
    var nodes: [Int] = []
    for (index, node) in graph.nodes.enumerated().reversed()
    where node.outputs.contains(where: { $0.map(needed.contains) ?? false }) {
      nodes.append(index)
      needed.formUnion(node.inputs.compactMap { $0 }.filter { graph.values[$0].constant == nil })
    }
    return nodes.reversed()
  }

  private mutating func plan(node index: Int) throws {
    let node = graph.nodes[index]
    let made = try operators.resolve(node, opsets: graph.opsets)
    let inputs = NodeInputs(
      try node.inputs.map { input in
        guard let input else { return nil }
        guard let info = infos[input] else { throw missingContents(input) }
        return info
      })
    var outputs = try made.infer(inputs)
    guard outputs.count >= node.outputs.count else {
      throw GradCAMError(.badData, problem: "has \(node.outputs.count) outputs where \(outputs.count) are known")
    }
    outputs.removeLast(outputs.count - node.outputs.count)
    for info in outputs { _ = try Shape(checked: info.shape.dimensions, limit: 1 << 40) }

    if !outputs.allSatisfy({ $0.constant != nil }) {
      let kernel = try made.kernel(inputs, outputs, request.kernels)
      let isConstant = node.inputs.allSatisfy { $0 == nil || infos[$0!]?.constant != nil }
      if isConstant {
        try fold(kernel, inputs, &outputs)
      } else {
        addStep(kernel, made, node: index, outputs)
      }
    }
    for (output, info) in zip(node.outputs, outputs) {
      guard let output else { continue }
      infos[output] = info
      if let constant = info.constant { places[output] = .constant(constant) }
    }
  }

  private mutating func addStep(_ kernel: Kernel, _ made: any Operator, node index: Int, _ outputs: [ValueInfo]) {
    let node = graph.nodes[index]
    if case .view(let input) = kernel.placement, let output = node.outputs[0] {
      places[output] = places[node.inputs[input]!]
    }
    var buffers: [Int?] = []
    for (output, info) in zip(node.outputs, outputs) {
      guard let output, info.constant == nil else {
        buffers.append(nil)
        continue
      }
      if places[output] == nil {
        places[output] = .buffer(newBuffer(byteCount: info.shape.count * info.elementType.storage.byteCount))
      }
      if case .buffer(let buffer)? = places[output] { buffers.append(buffer) } else { buffers.append(nil) }
    }
    let scratch = kernel.scratchByteCount > 0 ? newBuffer(byteCount: kernel.scratchByteCount) : nil
    let inputs = node.inputs.map { $0.flatMap { places[$0] } }
    steps.append(PlanStep(node: index, work: .forward(kernel, inputs: inputs, outputs: buffers), scratch: scratch))
    resolved.append(made)
  }

  /// Computes a node whose inputs are all constant.
  private func fold(_ kernel: Kernel, _ inputs: NodeInputs, _ outputs: inout [ValueInfo]) throws {
    if case .view(let input) = kernel.placement {
      outputs[0].constant = try inputs.required(input).constant!.reshaped(to: outputs[0].shape)
      return
    }
    let results = outputs.map { Tensor(uninitialized: $0.elementType, shape: $0.shape) }
    let scratch = TensorStorage(byteCount: kernel.scratchByteCount)
    try kernel.run(
      KernelArguments(
        inputs: (0..<inputs.count).map { inputs[$0]?.constant.map { UnsafeRawPointer($0.storage.base) } },
        outputs: results.map { $0.storage.base }, scratch: scratch.base, pool: ThreadPool(threadCount: 1)))
    for index in outputs.indices { outputs[index].constant = results[index] }
  }
}
