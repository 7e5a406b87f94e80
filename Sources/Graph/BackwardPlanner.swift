/// Plans the backward pass from the targets to the taps, through the nodes on the paths between them.
struct BackwardPlanner {
  let forward: ForwardPlanner
  private(set) var steps: [Step] = []
  private(set) var byteCounts: [Int]
  /// The buffer of each tap's gradient.
  private(set) var tapGradients: [ValueID: Int] = [:]
  /// The buffers that the caller fills with the targets' gradients.
  private(set) var seeds: [Int] = []
  /// The nodes whose gradient is an estimate.
  private(set) var estimates: [Int] = []

  /// The copies of the network for other inputs.
  let references: [NetworkCopy]
  /// What the rules of relevance ask about values.
  let traits: RelevanceTraits
  /// The gradients collected for each value, to be summed.
  private var contributions: [ValueID: [Int]] = [:]

  init(forward: ForwardPlanner) {
    self.forward = forward
    byteCounts = forward.byteCounts
    references = forward.request.references.map { $0.withParts(of: forward.graph) }
    traits = if case .relevance = forward.request.rule { RelevanceTraits(of: forward) } else { RelevanceTraits() }
  }

  mutating func plan() throws {
    let targets = forward.request.targets
    guard !targets.isEmpty else { return }
    let taps = Set(forward.request.taps)
    let path = valuesDownstream(of: taps)
    if let target = forward.request.target { try check(forward.request.taps, leadTo: target) }
    for target in targets {
      let seed = newBuffer(for: target)
      seeds.append(seed)
      contributions[target, default: []].append(seed)
    }

    for (index, operation) in forward.planned.reversed() {
      let node = forward.graph.nodes[index]
      let outputGradients = node.outputs.map { $0.flatMap { path.contains($0) ? gathered($0, node: index) : nil } }
      guard outputGradients.contains(where: { $0 != nil }) else { continue }
      let wanted = Set(node.inputs.indices.filter { operation.passesGradients(of: node, among: path, to: $0) })
      guard !wanted.isEmpty else { continue }
      try located(forward.graph.describe(node: index)) {
        try planGradient(of: index, operation, wanted, outputGradients)
      }
    }
    for tap in taps {
      if contributions[tap] == nil { addZeros(to: tap, node: 0) }
      tapGradients[tap] = gathered(tap, node: 0)
    }
  }

  /// Throws `usage` if no gradient can flow to any of the taps.
  private func check(_ taps: [ValueID], leadTo target: ValueID) throws {
    if let tap = taps.first, !valuesDownstream(of: Set(taps)).contains(target) {
      throw GradCAMError(
        .usage, at: "'\(forward.graph.values[tap].name)'",
        problem: "no gradient can flow from here to the output '\(forward.graph.values[target].name)'",
        advice: "choose a node between the image and that output")
    }
  }

  /// The values that can carry a gradient and depend on any of `origins`, including those.
  private func valuesDownstream(of origins: Set<ValueID>) -> Set<ValueID> {
    var downstream = origins
    for (index, operation) in forward.planned {
      let node = forward.graph.nodes[index]
      let sources = node.inputs.indices.filter { operation.passesGradients(of: node, among: downstream, to: $0) }
        .compactMap { node.inputs[$0] }
      guard !sources.isEmpty else { continue }
      let integersCarry =
        switch operation.differentiable?.integerGradients ?? .none {
        case .none: false
        case .passed: sources.contains { forward.infos[$0]!.elementType.storage == .int64 }
        case .estimated: true
        }
      for output in node.results {
        guard let info = forward.infos[output], info.constant == nil else { continue }
        switch info.elementType.storage {
        case .float32: downstream.insert(output)
        case .int64: if integersCarry { downstream.insert(output) }
        case .bool, .string: break
        }
      }
    }
    return downstream
  }

  private mutating func newBuffer(byteCount: Int) -> Int {
    byteCounts.append(byteCount)
    return byteCounts.count - 1
  }

  private mutating func newBuffer(for value: ValueID) -> Int {
    newBuffer(byteCount: forward.infos[value]!.shape.count * MemoryLayout<Float>.size)
  }

  /// The buffer that holds the complete gradient of a value; nil if none arrived.
  private mutating func gathered(_ value: ValueID, node: Int) -> Int? {
    guard let parts = contributions[value] else { return nil }
    if parts.count == 1 { return parts[0] }
    let count = forward.infos[value]!.shape.count
    let sum = add(.sum(count: count), node: node, reads: parts.map { .buffer($0) }, count: count)
    contributions[value] = [sum]
    return sum
  }

  private mutating func planGradient(
    of index: Int, _ operation: any Operator, _ wanted: Set<Int>, _ outputGradients: [Int?]
  ) throws {
    let node = forward.graph.nodes[index]
    guard let operation = operation.differentiable else {
      throw GradCAMError(
        .unsupported,
        problem:
          "operator \(forward.operators.describe(node.operatorName)) has no gradient, but lies between tap and score",
        advice: "choose a node after it")
    }
    if operation.integerGradients == .estimated { estimates.append(index) }
    // Of an empty result nothing follows, and an empty input needs nothing.
    guard outputGradients.contains(where: { $0.map { byteCounts[$0] > 0 } ?? false }) else {
      for input in wanted.sorted() { addZeros(to: node.inputs[input]!, node: index) }
      return
    }
    for input in wanted where isEmpty(node.inputs[input]!) { addZeros(to: node.inputs[input]!, node: index) }
    let wanted = wanted.filter { !isEmpty(node.inputs[$0]!) }
    guard !wanted.isEmpty else { return }
    let infos = forward.infos, places = forward.places
    let step = BackwardStep(
      node: index, values: node.inputs, operation: operation, wanted: wanted,
      inputs: NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } }).knowing(forward.decided.inputs[index] ?? [:]),
      outputs: node.outputs.map { $0.flatMap { infos[$0] } ?? ValueInfo(.float32, []) },
      inputPlaces: node.inputs.map { $0.flatMap { places[$0] } },
      outputPlaces: node.outputs.map { $0.flatMap { places[$0] } })
    let found =
      switch forward.request.rule {
      case .gradient: try product(step, outputGradients)
      case .guided:
        try product(
          step,
          operation.rectifies(step.inputs)
            ? outputGradients.map { $0.map { rectified($0, of: index) } } : outputGradients)
      case .relevance(let rules): try relevance(step, outputGradients, by: rules)
      case .rescaled: try multipliers(step, outputGradients)
      }
    for (input, gradient) in found.sorted(by: { $0.key < $1.key }) {
      contributions[node.inputs[input]!, default: []].append(gradient)
    }
  }

  /// Plans a vector-Jacobian product.
  ///
  /// - Parameter gradients: the buffers of the results' gradients; nil for a result that has none.
  /// - Returns: the buffer of each wanted input's gradient; none where nothing is added to it.
  mutating func product(_ step: BackwardStep, _ gradients: [Int?]) throws -> [Int: Int] {
    let rule = try step.operation.gradient(step.wanted, step.inputs, step.outputs, forward.request.kernels)
    var found: [Int: Int] = [:], writes = step.inputPlaces.map { _ in Int?.none }
    for input in step.wanted.sorted() {
      if rule.passes.contains(input) {
        // No gradient at the first output adds nothing.
        guard let passed = gradients[0] else { continue }
        try checkPassing(step, to: input)
        found[input] = passed
      } else if rule.kernel == nil {
        found[input] = zeros(step.count(of: input), node: step.node)
      } else {
        writes[input] = newBuffer(byteCount: step.count(of: input) * MemoryLayout<Float>.size)
        found[input] = writes[input]
      }
    }
    guard let kernel = rule.kernel, rule.passes != step.wanted else { return found }
    func read(_ places: [ValuePlace?], _ isRead: Set<Int>) -> [ValuePlace?] {
      places.enumerated().map { isRead.contains($0) ? $1 : nil }
    }
    add(
      kernel, node: step.node,
      reads: gradients.map { $0.map { .buffer($0) } } + read(step.inputPlaces, rule.readsInputs)
        + read(step.outputPlaces, rule.readsOutputs),
      writes: writes)
    return found
  }

  /// Adds a step, with the scratch memory that it needs.
  mutating func add(_ kernel: Kernel, node: Int, reads: [ValuePlace?], writes: [Int?]) {
    let scratch = kernel.scratchByteCount > 0 ? newBuffer(byteCount: kernel.scratchByteCount) : nil
    steps.append(Step(node: node, kernel: kernel, reads: reads, writes: writes, scratch: scratch))
  }

  /// Adds a step that computes as many numbers as it returns a buffer for.
  mutating func add(_ kernel: Kernel, node: Int, reads: [ValuePlace?], count: Int) -> Int {
    let result = newBuffer(byteCount: count * MemoryLayout<Float>.size)
    add(kernel, node: node, reads: reads, writes: [result])
    return result
  }

  private func isEmpty(_ value: ValueID) -> Bool { forward.infos[value]!.shape.count == 0 }

  /// Adds a gradient of zeros to what is collected for a value.
  private mutating func addZeros(to value: ValueID, node: Int) {
    contributions[value, default: []].append(zeros(forward.infos[value]!.shape.count, node: node))
  }

  private mutating func zeros(_ count: Int, node: Int) -> Int {
    add(.zero(count: count), node: node, reads: [], count: count)
  }

  /// Throws `badData` unless the gradient of the first output has the size of an input that it is passed on to.
  func checkPassing(_ step: BackwardStep, to input: Int) throws {
    let from = step.outputs[0].shape, to = try step.inputs.required(input).shape
    guard from.count == to.count else {
      throw GradCAMError(
        .badData, problem: "input \(input) of shape \(to) cannot have the gradient of a result of shape \(from)")
    }
  }

  /// The buffer that holds the positive part of a gradient.
  private mutating func rectified(_ gradient: Int, of node: Int) -> Int {
    let count = byteCounts[gradient] / MemoryLayout<Float>.size
    return add(.rectifying(count: count), node: node, reads: [.buffer(gradient)], count: count)
  }
}

/// The application of a node's rule in a backward pass.
struct BackwardStep {
  let node: Int
  /// The node's inputs.
  let values: [ValueID?]
  var operation: any DifferentiableOperator
  /// The inputs that get something.
  var wanted: Set<Int>
  var inputs: NodeInputs
  let outputs: [ValueInfo]
  /// Where the contents of inputs and outputs lie.
  var inputPlaces, outputPlaces: [ValuePlace?]

  /// The number of elements of an input.
  func count(of input: Int) -> Int { inputs[input]!.shape.count }

  /// Whether the wanted inputs and all outputs are in memory as float32.
  var isOfFloats: Bool {
    wanted.allSatisfy { inputs[$0]?.elementType.storage == .float32 }
      && outputs.allSatisfy { $0.elementType.storage == .float32 }
  }
}

extension Operator {
  /// Whether gradients pass to an input of a node that is one of some values.
  fileprivate func passesGradients(of node: Node, among values: Set<ValueID>, to input: Int) -> Bool {
    guard let value = node.inputs[input], values.contains(value) else { return false }
    return differentiable?.passesGradients(to: input) ?? true
  }
}
