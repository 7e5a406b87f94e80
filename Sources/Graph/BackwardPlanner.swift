/// Plans the backward pass from the targets to the taps, through the nodes on the paths between them.
struct BackwardPlanner {
  private let forward: ForwardPlanner
  private(set) var steps: [Step] = []
  private(set) var byteCounts: [Int]
  /// The buffer of each tap's gradient.
  private(set) var tapGradients: [ValueID: Int] = [:]
  /// The buffers that the caller fills with the targets' gradients.
  private(set) var seeds: [Int] = []
  /// The nodes whose gradient is an estimate.
  private(set) var estimates: [Int] = []

  /// The gradients collected for each value, to be summed.
  private var contributions: [ValueID: [Int]] = [:]

  init(forward: ForwardPlanner) {
    self.forward = forward
    byteCounts = forward.byteCounts
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
    let sum = newBuffer(for: value)
    steps.append(
      Step(
        node: node, kernel: .sum(count: forward.infos[value]!.shape.count), reads: parts.map { .buffer($0) },
        writes: [sum]))
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
    let infos = forward.infos
    let inputs = NodeInputs(node.inputs.map { $0.flatMap { infos[$0] } }).knowing(forward.decided.inputs[index] ?? [:])
    let isGuided = forward.request.guidesGradients && operation.rectifies(inputs)
    let outputGradients = isGuided ? outputGradients.map { $0.map { rectified($0, of: index) } } : outputGradients
    let rule = try operation.gradient(
      wanted, inputs, node.outputs.map { $0.flatMap { infos[$0] } ?? ValueInfo(.float32, []) }, forward.request.kernels)

    var inputGradients: [Int?] = node.inputs.map { _ in nil }
    for input in wanted.sorted() {
      let value = node.inputs[input]!
      if rule.passes.contains(input) {
        // No gradient at the first output adds nothing.
        guard let passed = outputGradients[0] else { continue }
        try checkPassing(from: node.outputs[0]!, to: value, input: input)
        contributions[value, default: []].append(passed)
      } else if rule.kernel == nil {
        addZeros(to: value, node: index)
      } else {
        inputGradients[input] = newBuffer(for: value)
        contributions[value, default: []].append(inputGradients[input]!)
      }
    }
    guard let kernel = rule.kernel, rule.passes != wanted else { return }
    let scratch = kernel.scratchByteCount > 0 ? newBuffer(byteCount: kernel.scratchByteCount) : nil
    let places = forward.places
    func read(_ values: [ValueID?], _ isRead: Set<Int>) -> [ValuePlace?] {
      values.enumerated().map { isRead.contains($0) ? $1.flatMap { places[$0] } : nil }
    }
    steps.append(
      Step(
        node: index, kernel: kernel,
        reads: outputGradients.map { $0.map { .buffer($0) } } + read(node.inputs, rule.readsInputs)
          + read(node.outputs, rule.readsOutputs),
        writes: inputGradients, scratch: scratch))
  }

  private func isEmpty(_ value: ValueID) -> Bool { forward.infos[value]!.shape.count == 0 }

  /// Adds a gradient of zeros to what is collected for a value.
  private mutating func addZeros(to value: ValueID, node: Int) {
    let zeros = newBuffer(for: value)
    steps.append(Step(node: node, kernel: .zero(count: forward.infos[value]!.shape.count), reads: [], writes: [zeros]))
    contributions[value, default: []].append(zeros)
  }

  /// Throws `badData` unless the gradient of an output has the size of an input that it is passed on to.
  private func checkPassing(from output: ValueID, to value: ValueID, input: Int) throws {
    let from = forward.infos[output]!.shape, to = forward.infos[value]!.shape
    guard from.count == to.count else {
      throw GradCAMError(
        .badData, problem: "input \(input) of shape \(to) cannot have the gradient of a result of shape \(from)")
    }
  }

  /// The buffer that holds the positive part of a gradient.
  private mutating func rectified(_ gradient: Int, of node: Int) -> Int {
    let result = newBuffer(byteCount: byteCounts[gradient])
    steps.append(
      Step(
        node: node, kernel: .rectifying(count: byteCounts[gradient] / MemoryLayout<Float>.size),
        reads: [.buffer(gradient)], writes: [result]))
    return result
  }
}

extension Operator {
  /// Whether gradients pass to an input of a node that is one of some values.
  fileprivate func passesGradients(of node: Node, among values: Set<ValueID>, to input: Int) -> Bool {
    guard let value = node.inputs[input], values.contains(value) else { return false }
    return differentiable?.passesGradients(to: input) ?? true
  }
}
