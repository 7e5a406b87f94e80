/// Infers and folds the nodes that a request needs, and chooses their kernels.
struct ForwardPlanner {
  /// The graph, followed by the parts of the composite nodes expanded so far.
  private(set) var graph: ComputeGraph
  let operators: OperatorSet
  let request: PlanRequest
  /// Whether kernels are chosen only to fold constants.
  var infersOnly = false
  /// Whether the graph is the round of a loop.
  var isRound = false
  /// What planning may still take.
  var budget = PlanningBudget()
  /// What a run told, or tells meanwhile.
  var decided: DecidedContents

  var infos: [ValueID: ValueInfo] = [:]
  /// The values that are no tensors.
  private(set) var collections: [ValueID: CollectedValue] = [:]
  var places: [ValueID: ValuePlace] = [:]
  var steps: [Step] = []
  var byteCounts: [Int] = []
  /// How many nodes of repetitions may become parts of the graph: those of longer ones run in loops.
  private static let unrolledLimit = 2000
  /// The nodes of repetitions that became parts of the graph.
  private(set) var unrolledCount = 0
  /// What runs in loops.
  private(set) var loops = LoopWork()
  /// The nodes that compute something, in order, including those whose outputs are observed.
  var planned: [(node: Int, operation: any Operator)] = []
  /// The nodes still to be planned, those of a body after those of the graph that it is a part of.
  private var upcoming: [ArraySlice<Int>] = []

  init(
    graph: ComputeGraph, operators: OperatorSet, request: PlanRequest, infersOnly: Bool = false, isRound: Bool = false,
    budget: PlanningBudget = PlanningBudget(), source: SegmentedRun? = nil
  ) {
    (self.graph, self.operators, self.request) = (graph, operators, request)
    (self.infersOnly, self.isRound, self.budget) = (infersOnly, isRound, budget)
    decided = DecidedContents(request.decisions, source: source)
  }

  mutating func newBuffer(byteCount: Int) -> Int {
    byteCounts.append(byteCount)
    return byteCounts.count - 1
  }

  mutating func plan(reaching wanted: Set<ValueID>) throws {
    try placeGivenValues()
    try plan(nodes: graph.nodes(reaching: wanted)) { planner, index in
      try located(planner.graph.describe(node: index)) { try planner.plan(node: index) }
    }
    for value in wanted where infos[value] == nil { throw missingTensor(value) }
  }

  /// Plans nodes in order.
  private mutating func plan(nodes: [Int], each: (inout ForwardPlanner, Int) throws -> Void) throws {
    upcoming.append(nodes[...])
    defer { upcoming.removeLast() }
    for place in nodes.indices {
      upcoming[upcoming.count - 1] = nodes[place...]
      try each(&self, nodes[place])
    }
  }

  /// The tensors that nodes still to be planned read, the present one included, and those that are wanted.
  private var unread: Set<ValueID> {
    var values = request.wanted
    for index in upcoming.joined() {
      for value in graph.nodes[index].reads { values.formUnion((collections[value] ?? .tensor(value)).tensors) }
    }
    return values
  }

  /// Infers what can be inferred, and returns why the rest of what is needed cannot.
  mutating func infer(reaching wanted: Set<ValueID>) throws -> [ValueID: GradCAMError] {
    try placeGivenValues()
    var failures: [ValueID: GradCAMError] = [:]
    try plan(nodes: graph.nodes(reaching: wanted)) { planner, index in
      let node = planner.graph.nodes[index]
      do {
        for input in node.inputs { if let input, let failure = failures[input] { throw failure } }
        try located(planner.graph.describe(node: index)) { try planner.plan(node: index) }
      } catch let error as GradCAMError {
        // What a graph in an attribute reads may be what is missing.
        let reason = node.reads.lazy.compactMap { failures[$0] }.first ?? error
        for result in node.results {
          (failures[result], planner.infos[result], planner.collections[result]) = (reason, nil, nil)
        }
      }
    }
    for value in wanted where infos[value] == nil && failures[value] == nil {
      failures[value] = missingTensor(value)
    }
    return failures
  }

  private mutating func placeGivenValues() throws {
    for (id, value) in graph.values.enumerated() {
      guard let constant = value.constant else { continue }
      infos[id] = ValueInfo(constant)
      places[id] = .constant(constant)
    }
    for (id, info) in request.inputs {
      try located("input '\(graph.values[id].name)'") {
        _ = try Shape(checked: info.shape.dimensions)
        try MemoryLimit.check(value: info.byteCount)
      }
      infos[id] = info
      places[id] =
        info.constant.map(ValuePlace.constant) ?? observed(id) ?? .buffer(newBuffer(byteCount: info.byteCount))
    }
  }

  /// The error for a wanted value that is not known.
  private func missingTensor(_ value: ValueID) -> GradCAMError {
    guard let collection = collections[value] else { return missingContents(value) }
    let kind =
      if case .sequence(let elements) = collection { "a sequence of \(elements.count) tensors" } else {
        "an optional that holds nothing"
      }
    return GradCAMError(
      .unsupported, at: "'\(graph.values[value].name)'", problem: "is \(kind), not a tensor",
      advice: "name a tensor with \(.target)")
  }

  private func missingContents(_ value: ValueID) -> GradCAMError {
    if let problem = graph.values[value].problem { return problem }
    let name = graph.values[value].name
    return GradCAMError(
      .badData, problem: "input '\(name)' has no contents", advice: "give it with \(.tensor, as: "\(name)=FILE.npy")")
  }

  /// The place of a value in the observed executor; nil if it is not observed.
  private func observed(_ value: ValueID) -> ValuePlace? {
    request.observed.contains(value) ? .observed(value, byteCount: infos[value]!.byteCount) : nil
  }

  private mutating func plan(node index: Int) throws {
    if isRound { try budget.takeNode() }
    let node = graph.nodes[index]
    let inputs = NodeInputs(
      try node.inputs.map { input in
        guard let input, collections[input] == nil else { return nil }
        guard let info = infos[input] else { throw missingContents(input) }
        return info
      }, collections: Set(node.inputs.indices.filter { node.inputs[$0].map { collections[$0] != nil } ?? false }),
      captured: node.captures.compactMapValues { infos[$0] })
    if case .collection(let operation)? = node.operation?.form { return try plan(node: index, operation) }
    try deciding(node: index, reading: node.inputs, inputs) { try $0.plan(node: index, $1) }
    if decided.canSettle(node: index), case .computed? = node.operation?.form, let contents = contents(of: node) {
      decided.settle(node: index, of: origin(of: index), contents)
    }
  }

  /// The node of the original graph that a node is, or is a part of.
  private func origin(of node: Int) -> Int { graph.nodes[node].origin ?? node }

  /// The contents of all outputs of a node; nil if some are not known.
  private func contents(of node: Node) -> [Tensor?]? {
    node.results.allSatisfy { infos[$0]?.constant != nil }
      ? node.outputs.map { $0.flatMap { infos[$0]?.constant } } : nil
  }

  /// Plans something about a node, with the contents that it asks for; nil if those of its outputs are known already.
  ///
  /// - Parameters:
  ///   - values: the values that it reads.
  ///   - inputs: what is known of them.
  @discardableResult
  private mutating func deciding<Made>(
    node index: Int, reading values: [ValueID?], _ inputs: NodeInputs,
    _ body: (inout ForwardPlanner, NodeInputs) throws -> Made
  ) throws -> Made? {
    var inputs = inputs
    while true {
      do {
        return try body(&self, inputs)
      } catch var error as GradCAMError {
        guard let position = error.awaitedInput, let value = values[position] else { throw error }
        error.awaitedInput = nil
        switch try decision(about: index, on: position, reading: value) {
        case .inputs(let contents)?: inputs = inputs.knowing(contents)
        case .outputs(let contents)?:
          place(contents, of: graph.nodes[index])
          return nil
        case nil: throw error
        }
      }
    }
  }

  /// What a run told, or tells now, about an input that a node has to know; nil if there is none.
  private mutating func decision(about node: Int, on position: Int, reading value: ValueID) throws -> Decision? {
    let origin = origin(of: node), info = infos[value]!
    if let known = try decided.next(about: node, of: origin, on: position, info) { return known }
    guard let source = decided.source, let place = places[value] else { return nil }
    if place.buffer != nil { try run(source) }
    return decided.add([position: source.contents(of: info, at: places[value]!)], about: node, of: origin)
  }

  /// Runs the steps planned so far, and goes on without them.
  private mutating func run(_ source: SegmentedRun) throws {
    try budget.takeRun(nodeCount: graph.nodes.count)
    let unread = unread.filter { places[$0]?.buffer != nil }
    try source.run(Plan(segment: self, keeping: unread.sorted()))
    for (value, place) in places where place.buffer != nil {
      places[value] = unread.contains(value) ? .observed(value, byteCount: infos[value]!.byteCount) : nil
    }
    (steps, byteCounts) = ([], [])
  }

  /// Notes the contents of a node's outputs.
  private mutating func place(_ contents: [Tensor?], of node: Node) {
    for (output, tensor) in zip(node.outputs, contents) {
      guard let output, let tensor else { continue }
      (infos[output], places[output]) = (ValueInfo(tensor), .constant(tensor))
    }
  }

  private mutating func plan(node index: Int, _ inputs: NodeInputs) throws {
    let node = graph.nodes[index]
    switch node.operation?.form {
    case .unresolvable(let error): throw error
    case .composite(let composite):
      if let loop = try composite.repetition.flatMap({ try loop($0, inputs) }) {
        try plan(node: index, loop, inputs)
      } else {
        try plan(body: try composite.body(inputs), replacing: node, of: index)
      }
    case .computed(is Identity) where inputs[0] == nil && inputs.has(0):
      if let output = node.outputs[0] { collections[output] = collections[node.inputs[0]!] }
    case .computed(let operation):
      for input in node.inputs.indices where inputs[input] == nil && inputs.has(input) {
        _ = try inputs.required(input)
      }
      try plan(node: index, operation, inputs)
    case .collection, nil: throw GradCAMError(.defect, problem: "operator \(node.operatorName) is not resolved")
    }
  }

  private mutating func plan(node index: Int, _ operation: any Operator, _ inputs: NodeInputs) throws {
    let node = graph.nodes[index]
    var outputs = try operation.infer(inputs)
    guard outputs.count >= node.outputs.count else { throw tooManyOutputs(node, known: outputs.count) }
    outputs.removeLast(outputs.count - node.outputs.count)
    for (place, info) in outputs.enumerated() {
      let shape = try Shape(checked: info.shape.dimensions)
      try MemoryLimit.check(value: info.byteCount)
      // The contents of an empty tensor are known: nothing has to be computed.
      if shape.count == 0 { outputs[place].constant = Tensor(uninitialized: info.elementType, shape: shape) }
    }

    let isConstant = outputs.allSatisfy { $0.constant != nil }
    let isFolded = !isConstant && node.inputs.allSatisfy { $0 == nil || infos[$0!]?.constant != nil }
    if isFolded {
      if let loop = operation as? RepeatedGraph { try budget.takeFoldingTime(loop.work.duration) }
      try fold(try operation.kernel(inputs, outputs, request.kernels), inputs, &outputs)
    }
    try MemoryLimit.check(0)
    for (output, info) in zip(node.outputs, outputs) {
      guard let output else { continue }
      infos[output] = info
      places[output] = info.constant.map { .constant($0) } ?? observed(output)
    }
    guard !isConstant, !isFolded else { return }
    planned.append((index, operation))
    if !infersOnly, node.results.contains(where: { places[$0] == nil }) {
      addStep(try operation.kernel(inputs, outputs, request.kernels), node: index)
    }
  }

  /// What runs a repetition in a loop; nil if its rounds can be parts of the graph.
  private mutating func loop(_ repetition: Repetition, _ inputs: NodeInputs) throws -> RepeatedGraph? {
    if unrolledCount + repetition.nodeCount <= Self.unrolledLimit {
      unrolledCount += repetition.nodeCount
      return nil
    }
    let loop: RepeatedGraph
    do {
      loop = try RepeatedGraph(
        repetition, inputs, operators: operators, rule: request.rule, budget: budget)
    } catch let error as GradCAMError {
      guard graph.nodes.count + repetition.nodeCount > Plan.nodeLimit else { return nil }
      throw error.within("its \(repetition.rounds) rounds, too many to be planned one by one")
    }
    loops = loops + loop.work
    // The work of loops in loops is known outside of them.
    if !isRound { try loops.check() }
    return loop
  }

  private func tooManyOutputs(_ node: Node, known: Int) -> GradCAMError {
    GradCAMError(.badData, problem: "has \(node.outputs.count) outputs, but the operator has \(known)")
  }

  /// Plans the nodes that compute the tensors of a node's results.
  private mutating func plan(node index: Int, _ operation: any CollectionOperator) throws {
    var node = graph.nodes[index]
    var tensors: [ValueID] = []
    let inputs = node.inputs.map { input -> CollectedValue? in
      guard let input else { return nil }
      let first = tensors.count
      tensors += (collections[input] ?? .tensor(input)).tensors
      switch collections[input] {
      case nil, .tensor: return .tensor(first)
      case .sequence: return .sequence(Array(first..<tensors.count))
      case .empty: return .empty
      }
    }
    let known = NodeInputs(tensors.map { infos[$0] })
    let expansion = try deciding(node: index, reading: tensors, known) { _, known in
      try operation.expand(inputs, known)
    }
    guard case (var body, let results)? = expansion else { return }
    guard results.count >= node.outputs.count else { throw tooManyOutputs(node, known: results.count) }
    // The results' tensors by their values in the body; those that come in stay what they are.
    var outer = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($0, $1) })
    (node.inputs, node.outputs, body.outputs) = (tensors, [], [])
    func add(_ inner: ValueID, as value: ValueID) {
      body.outputs.append(inner)
      node.outputs.append(value)
    }
    for (output, result) in zip(graph.nodes[index].outputs, results) {
      guard let output else { continue }
      if case .tensor(let tensor) = result {
        add(tensor, as: output)
        continue
      }
      for element in result.tensors where outer[element] == nil {
        outer[element] = graph.values.count
        graph.values.append(Value(name: "\(graph.values[output].name)/\(body.outputs.count)"))
        add(element, as: outer[element]!)
      }
      let elements = result.tensors.map { outer[$0]! }
      collections[output] = if case .empty = result { .empty } else { .sequence(elements) }
    }
    try plan(body: body, replacing: node, of: index)
  }

  /// Plans the nodes of a body in the place of a node, which stands for that at an index of the graph.
  private mutating func plan(body: ComputeGraph, replacing node: Node, of index: Int) throws {
    guard body.outputs.count >= node.outputs.count else { throw tooManyOutputs(node, known: body.outputs.count) }
    guard graph.nodes.count + body.nodes.count <= Plan.nodeLimit else {
      throw GradCAMError(
        .unsupported, problem: "with its parts, the network has more than the \(Plan.nodeLimit) nodes that it may have")
    }
    let firstValue = graph.values.count, origin = graph.nodes[index].origin ?? index
    var builder = GraphBuilder(graph)
    // Two owners would copy the graph.
    graph = ComputeGraph()
    let parts = builder.splice(operators.resolving(body), replacing: node, origin: origin)
    graph = builder.graph
    for value in firstValue..<graph.values.count {
      guard let constant = graph.values[value].constant else { continue }
      infos[value] = ValueInfo(constant)
      places[value] = .constant(constant)
    }
    try plan(nodes: graph.nodes(reaching: Set(node.results), from: parts.lowerBound)) { try $0.plan(node: $1) }
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
  private mutating func fold(_ kernel: Kernel, _ inputs: NodeInputs, _ outputs: inout [ValueInfo]) throws {
    if case .view(let input) = kernel.placement {
      outputs[0].constant = try inputs.required(input).constant!.reshaped(to: outputs[0].shape)
      return
    }
    let read = (0..<inputs.count).reduce(0) { $0 + (inputs[$1]?.byteCount ?? 0) }
    let written = outputs.reduce(0) { $0 + $1.byteCount + kernel.guardByteCount }
    try MemoryLimit.check(written + kernel.scratchByteCount + kernel.workerScratchByteCount)
    try budget.takeFoldingTime(kernel.operationCount / 2e10 + Double(read + written) / 4e9)
    let results = outputs.map { info in
      Tensor(
        elementType: info.elementType, shape: info.shape,
        storage: TensorStorage(byteCount: info.byteCount + kernel.guardByteCount))
    }
    let scratch = TensorStorage(byteCount: kernel.scratchByteCount)
    let workerScratch = TensorStorage(byteCount: kernel.workerScratchByteCount)
    let sources = (0..<inputs.count).map { inputs[$0]?.constant?.storage.forOneUse }
    try withExtendedLifetime(sources) {
      try kernel.run(
        KernelArguments(
          inputs: sources.map { $0.map { UnsafeRawPointer($0.base) } },
          outputs: results.map { $0.storage.base }, scratch: scratch.base,
          workerScratch: WorkerScratch(base: workerScratch.base, stride: kernel.workerScratchByteCount),
          pool: ThreadPool(threadCount: 1)))
    }
    for index in outputs.indices { outputs[index].constant = results[index] }
  }
}
