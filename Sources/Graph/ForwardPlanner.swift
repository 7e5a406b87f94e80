/// Resolves, infers and folds the nodes that a request needs, and chooses their kernels.
struct ForwardPlanner {
  /// The graph, with the parts of the composite nodes met so far at its end.
  private(set) var graph: ComputeGraph
  let operators: OperatorSet
  let request: PlanRequest
  /// Whether kernels are chosen for nothing but what is computed now, the contents of constants.
  private let infersOnly: Bool

  var infos: [ValueID: ValueInfo] = [:]
  var places: [ValueID: ValuePlace] = [:]
  var steps: [PlanStep] = []
  var byteCounts: [Int] = []
  /// The operator of every step.
  var resolved: [any Operator] = []

  init(graph: ComputeGraph, operators: OperatorSet, request: PlanRequest, infersOnly: Bool = false) {
    self.graph = graph
    self.operators = operators
    self.request = request
    self.infersOnly = infersOnly
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
      _ = try Shape(checked: info.shape.dimensions, limit: Plan.elementLimit)
      infos[id] = info
      if let constant = info.constant {
        places[id] = .constant(constant)
        continue
      }
      places[id] = .buffer(newBuffer(byteCount: info.shape.count * info.elementType.storage.byteCount))
    }
    for index in graph.nodes(reaching: wanted) {
      try located(graph.describe(node: index)) { try plan(node: index, opsets: graph.opsets) }
    }
    for value in wanted where infos[value] == nil { throw missingContents(value) }
  }

  private func missingContents(_ value: ValueID) -> GradCAMError {
    let name = graph.values[value].name
    return GradCAMError(
      .badData, problem: "input '\(name)' has no contents", advice: "give it with \(.tensor, as: "\(name)=FILE.npy")")
  }

  private mutating func plan(node index: Int, opsets: [String: Int]) throws {
    let node = graph.nodes[index]
    let resolved = try operators.resolve(node, opsets: opsets)
    let inputs = NodeInputs(
      try node.inputs.map { input in
        guard let input else { return nil }
        guard let info = infos[input] else { throw missingContents(input) }
        return info
      })
    if let composite = resolved as? any CompositeOperator {
      try plan(body: try composite.body(inputs), of: index)
      return
    }
    guard let made = resolved as? any Operator else {
      throw GradCAMError(.defect, problem: "operator \(node.operatorName) can neither be computed nor expanded")
    }
    var outputs = try made.infer(inputs)
    guard outputs.count >= node.outputs.count else {
      throw GradCAMError(.badData, problem: "has \(node.outputs.count) outputs where \(outputs.count) are known")
    }
    outputs.removeLast(outputs.count - node.outputs.count)
    for info in outputs { _ = try Shape(checked: info.shape.dimensions, limit: Plan.elementLimit) }

    if !outputs.allSatisfy({ $0.constant != nil }) {
      if node.inputs.allSatisfy({ $0 == nil || infos[$0!]?.constant != nil }) {
        try fold(try made.kernel(inputs, outputs, request.kernels), inputs, &outputs)
      } else if !infersOnly {
        addStep(try made.kernel(inputs, outputs, request.kernels), made, node: index, outputs)
      }
    }
    for (output, info) in zip(node.outputs, outputs) {
      guard let output else { continue }
      infos[output] = info
      if let constant = info.constant { places[output] = .constant(constant) }
    }
  }

  /// Plans the nodes of a composite node's body in its place.
  private mutating func plan(body: ComputeGraph, of index: Int) throws {
    let node = graph.nodes[index]
    guard body.outputs.count >= node.outputs.count else {
      throw GradCAMError(.badData, problem: "has \(node.outputs.count) outputs where \(body.outputs.count) are known")
    }
    let prefix = (node.outputs.compactMap { $0 }.first.map { graph.values[$0].name } ?? node.name) + "/"
    var ids: [ValueID: ValueID] = [:]
    for (inner, outer) in zip(body.inputs, node.inputs) { ids[inner] = outer }
    let own = Set(body.inputs + body.nodes.flatMap { $0.outputs.compactMap { $0 } })
    for (inner, value) in body.values.enumerated() where value.constant == nil && !own.contains(inner) {
      ids[inner] = node.captures[value.name]
    }
    var nodes = body.nodes
    for (inner, outer) in zip(body.outputs, node.outputs) {
      guard let outer else { continue }
      if ids[inner] == nil, body.values[inner].constant == nil {
        ids[inner] = outer
      } else {
        // What is returned as it is, or twice, needs a value of its own.
        nodes.append(
          Node(name: "", operatorName: OperatorName(type: "Identity"), inputs: [inner], outputs: [-1 - outer]))
        ids[-1 - outer] = outer
      }
    }
    for (inner, value) in body.values.enumerated() where ids[inner] == nil && !body.inputs.contains(inner) {
      graph.values.append(Value(name: prefix + value.name, constant: value.constant))
      ids[inner] = graph.values.count - 1
      if let constant = value.constant {
        infos[ids[inner]!] = ValueInfo(constant)
        places[ids[inner]!] = .constant(constant)
      }
    }
    let start = graph.nodes.count
    for var part in nodes {
      part.inputs = part.inputs.map { $0.flatMap { ids[$0] } }
      part.outputs = part.outputs.map { $0.flatMap { ids[$0] } }
      part.captures = part.captures.compactMapValues { ids[$0] }
      part.origin = node.origin ?? index
      graph.nodes.append(part)
    }
    for part in graph.nodes(reaching: Set(node.outputs.compactMap { $0 }), from: start) {
      try plan(node: part, opsets: body.opsets)
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
    let guardByteCount = kernel.isGuarded ? GuardZone.byteCount : 0
    let results = outputs.map { info in
      Tensor(
        elementType: info.elementType, shape: info.shape,
        storage: TensorStorage(byteCount: info.shape.count * info.elementType.storage.byteCount + guardByteCount))
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

extension ComputeGraph {
  /// The nodes, from one on, that are needed to compute some values.
  func nodes(reaching wanted: Set<ValueID>, from start: Int = 0) -> [Int] {
    var needed = wanted
    var found: [Int] = []
    for index in nodes.indices[start...].reversed()
    where nodes[index].outputs.contains(where: { $0.map(needed.contains) ?? false }) {
      found.append(index)
      let reads = nodes[index].inputs.compactMap { $0 } + nodes[index].captures.values
      needed.formUnion(reads.filter { values[$0].constant == nil })
    }
    return found.reversed()
  }
}
