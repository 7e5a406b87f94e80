/// A repetition that runs in a loop: one plan of its graph serves every round.
///
/// The backward pass computes the states again and keeps them, then walks the rounds in reverse.
struct RepeatedGraph: DifferentiableOperator {
  private let repetition: Repetition
  private let operators: OperatorSet
  private let rule: BackwardRule
  private let inferred: InferredGraph
  /// The extents of the graph's inputs, and the contents of those that are the same in every round, if they are known.
  private let given: [ValueID: ValueInfo]
  /// What the whole loop computes.
  let work: LoopWork

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  /// Infers the extents in a round.
  ///
  /// - Parameters:
  ///   - rule: as in `PlanRequest`.
  ///   - budget: what the planning of loops may take.
  ///
  /// Throws `unsupported` if the rounds differ in more than numbers.
  init(
    _ repetition: Repetition, _ inputs: NodeInputs, operators: OperatorSet, rule: BackwardRule,
    budget: PlanningBudget
  ) throws {
    let graph = repetition.graph
    var given: [ValueID: ValueInfo] = [:]
    for (position, input) in graph.inputs.enumerated() {
      var info = try inputs.required(position)
      if !repetition.isFixed(position) { info.constant = nil }
      if let slicing = repetition.slicing(ofInput: position) {
        info.shape.dimensions.remove(at: try info.shape.axis(slicing.axis))
      }
      given[input] = info
    }
    inferred = try InferredGraph(
      graph, operators: operators, inputs: given, reaching: Set(graph.outputs), budget: budget)
    try inferred.require(graph.outputs)
    for (state, next) in zip(graph.inputs, graph.outputs).prefix(repetition.stateCount) {
      let before = given[state]!, after = inferred.infos[next]!
      guard before.shape == after.shape, before.elementType == after.elementType else {
        throw GradCAMError(
          .unsupported, at: "'\(graph.values[state].name)'",
          problem: "\(before.elementType) \(before.shape) becomes \(after.elementType) \(after.shape)")
      }
    }
    work = repetition.rounds * inferred.work
    (self.repetition, self.operators, self.rule) = (repetition, operators, rule)
    self.given = given
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    try repetition.graph.outputs.enumerated().map { position, output in
      let info = inferred.infos[output]!
      var extents = info.shape.dimensions
      if let slicing = repetition.slicing(ofOutput: position) {
        extents.insert(repetition.rounds, at: try Shape(extents + [0]).axis(slicing.axis))
      }
      return ValueInfo(info.elementType, try Shape(checked: extents))
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let plan = try plan(request), memory = try LoopMemory(repetition, inputs, outputs)
    return Kernel(
      "loop", scratchByteCount: plan.arenaByteCount + memory.stateByteCount,
      workerScratchByteCount: plan.workerScratchByteCount,
      operationCount: Double(repetition.rounds) * plan.forwardOperationCount
    ) { run in
      let bound = BoundPlan(plan, at: run.scratch, workerScratch: run.workerScratch, pool: run.pool)
      let loop = Loop(bound, repetition, memory, inputs: run.inputs, states: run.scratch + plan.arenaByteCount)
      for round in 0..<repetition.rounds {
        try loop.run(round, from: 0)
        loop.keepStates(at: 0)
        loop.collect(round, run.outputs)
      }
      loop.copyStates(to: run.outputs)
    }
  }

  var integerGradients: IntegerGradients { inferred.estimatesGradients ? .estimated : .none }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let graph = repetition.graph, rounds = repetition.rounds
    let integers = wanted.contains { !(inputs[$0]?.elementType.isFloatingPoint ?? true) }
    guard !integers, integerGradients == .none || outputs.allSatisfy(\.elementType.isFloatingPoint) else {
      throw GradCAMError(.unsupported, problem: "gradients of integers do not pass through a loop")
    }
    let tapped = carriers(wanted).sorted(), states = tapped.filter { $0 < repetition.stateCount }
    let sliced = tapped.filter { repetition.slicing(ofInput: $0) != nil }, fixed = tapped.filter(repetition.isFixed)
    let results = graph.outputs.indices.filter { outputs[$0].elementType.isFloatingPoint }
    // The gradient of a fixed value is the sum over all rounds: each begins with that of the later ones.
    let plan = try plan(
      request, taps: tapped.map { graph.inputs[$0] },
      targets: results.map { graph.outputs[$0] } + fixed.map { graph.inputs[$0] })
    let memory = try LoopMemory(repetition, inputs, outputs)
    let historyByteCount = rounds * memory.stateByteCount
    return GradientRule(
      "loop", readsInputs: Set(0..<inputs.count),
      scratchByteCount: plan.arenaByteCount + historyByteCount + memory.stateByteCount,
      workerScratchByteCount: plan.workerScratchByteCount,
      operationCount: Double(rounds) * (2 * plan.forwardOperationCount + plan.backwardOperationCount)
    ) { run in
      let bound = BoundPlan(plan, at: run.scratch, workerScratch: run.workerScratch, pool: run.pool)
      let history = run.scratch + plan.arenaByteCount, stateGradients = history + historyByteCount
      let loop = Loop(bound, repetition, memory, inputs: run.inputs, states: history)
      for round in 0..<rounds - 1 {
        try loop.run(round, from: round)
        loop.keepStates(at: round + 1)
      }

      func stateGradient(_ state: Int) -> UnsafeMutablePointer<Float> {
        (stateGradients + memory.stateOffsets[state]).assumingMemoryBound(to: Float.self)
      }
      func count(_ position: Int) -> Int { given[graph.inputs[position]]!.shape.count }
      for state in states { stateGradient(state).set(run.outputGradient(state), count: count(state)) }
      for position in fixed { run.inputGradient(position).set(nil, count: count(position)) }
      for round in (0..<rounds).reversed() {
        try loop.run(round, from: round)
        for (index, result) in results.enumerated() {
          let seed = bound.seed(index)
          if result < repetition.stateCount {
            if states.contains(result) { seed.set(stateGradient(result), count: count(result)) }
          } else if let gradient = run.outputGradient(result) {
            memory.results[result - repetition.stateCount].copy(round, of: gradient, to: seed)
          } else {
            seed.set(nil, count: inferred.infos[graph.outputs[result]]!.shape.count)
          }
        }
        for (index, position) in fixed.enumerated() {
          bound.seed(results.count + index).set(run.inputGradient(position), count: count(position))
        }
        try bound.run(plan.backwardStart..<plan.steps.count)
        for state in states { stateGradient(state).set(bound.gradient(of: graph.inputs[state]), count: count(state)) }
        for position in sliced {
          memory.slices[position - repetition.stateCount].copy(
            bound.gradient(of: graph.inputs[position]), to: round, of: run.inputGradient(position))
        }
        for position in fixed {
          run.inputGradient(position).set(bound.gradient(of: graph.inputs[position]), count: count(position))
        }
      }
      for state in states where wanted.contains(state) {
        run.inputGradient(state).set(stateGradient(state), count: count(state))
      }
    }
  }

  /// The positions of the wanted inputs and of the states that depend on them in some round.
  private func carriers(_ wanted: Set<Int>) -> Set<Int> {
    let graph = repetition.graph
    var carriers = wanted
    while true {
      let reached = graph.downstream(of: Set(carriers.map { graph.inputs[$0] }))
      let more = (0..<repetition.stateCount).filter { state in
        given[graph.inputs[state]]!.elementType.isFloatingPoint && reached.contains(graph.outputs[state])
      }
      guard !carriers.isSuperset(of: more) else { return carriers }
      carriers.formUnion(more)
    }
  }

  /// The plan of one round.
  private func plan(_ kernels: KernelRequest, taps: [ValueID] = [], targets: [ValueID] = []) throws -> Plan {
    var request = PlanRequest(inputs: given, outputs: repetition.graph.outputs, taps: taps, kernels: kernels)
    request.otherTargets = targets
    request.rule = rule
    return try Plan(rewriting: inferred, operators: operators, request: request)
  }
}

/// Where a loop's states and slices lie.
private struct LoopMemory: Sendable {
  /// The size of all states together, in bytes.
  let stateByteCount: Int
  /// Where each state lies among them.
  let stateOffsets: [Int]
  /// The size of each state in bytes.
  let stateByteCounts: [Int]
  /// The slices of the inputs and of the results.
  let slices, results: [SliceCopy]

  init(_ repetition: Repetition, _ inputs: NodeInputs, _ outputs: [ValueInfo]) throws {
    stateByteCounts = try (0..<repetition.stateCount).map { try inputs.required($0).byteCount }
    var offsets: [Int] = [], end = 0
    for count in stateByteCounts {
      offsets.append(end)
      end += (count + 63) & ~63
    }
    (stateOffsets, stateByteCount) = (offsets, end)
    slices = try repetition.sliced.enumerated().map {
      try SliceCopy($1, of: inputs.required(repetition.stateCount + $0))
    }
    results = try repetition.collected.enumerated().map { try SliceCopy($1, of: outputs[repetition.stateCount + $0]) }
  }
}

/// Copies slices out of tensors and into them.
private struct SliceCopy: Sendable {
  /// The parts of a slice that lie together: how many, their size and their distance in bytes.
  private let count, byteCount, stride: Int
  private let rounds: Int
  private let isReversed: Bool

  init(_ slicing: Repetition.Slicing, of whole: ValueInfo) throws {
    let axis = try whole.shape.axis(slicing.axis)
    count = whole.shape.count(0..<axis)
    byteCount = whole.shape.count(axis + 1..<whole.shape.rank) * whole.elementType.storage.byteCount
    rounds = whole.shape[axis]
    stride = rounds * byteCount
    isReversed = slicing.isReversed
  }

  private func offset(_ round: Int) -> Int { (isReversed ? rounds - 1 - round : round) * byteCount }

  /// Copies the slice of a round to other memory.
  func copy(_ round: Int, of whole: UnsafeRawPointer, to slice: UnsafeMutableRawPointer) {
    let start = whole + offset(round)
    for part in 0..<count {
      (slice + part * byteCount).copyMemory(from: start + part * stride, byteCount: byteCount)
    }
  }

  /// Copies other memory to the slice of a round.
  func copy(_ slice: UnsafeRawPointer, to round: Int, of whole: UnsafeMutableRawPointer) {
    let start = whole + offset(round)
    for part in 0..<count {
      (start + part * stride).copyMemory(from: slice + part * byteCount, byteCount: byteCount)
    }
  }
}

/// The rounds of a loop, in memory.
private struct Loop {
  private let bound: BoundPlan
  private let repetition: Repetition
  private let memory: LoopMemory
  private let inputs: [UnsafeRawPointer?]
  /// Places for the states, one or as many as the rounds.
  private let states: UnsafeMutableRawPointer

  /// Puts the first states into their first place, and the values that stay the same where the rounds read them.
  init(
    _ bound: BoundPlan, _ repetition: Repetition, _ memory: LoopMemory, inputs: [UnsafeRawPointer?],
    states: UnsafeMutableRawPointer
  ) {
    (self.bound, self.repetition, self.memory, self.inputs, self.states) = (bound, repetition, memory, inputs, states)
    for state in memory.stateOffsets.indices {
      place(of: state, at: 0).copyMemory(from: inputs[state]!, byteCount: memory.stateByteCounts[state])
    }
    for (position, input) in repetition.graph.inputs.enumerated() where repetition.isFixed(position) {
      bound.input(input)?.copyMemory(from: inputs[position]!, byteCount: bound.plan.infos[input]!.byteCount)
    }
  }

  private func place(of state: Int, at index: Int) -> UnsafeMutableRawPointer {
    states + index * memory.stateByteCount + memory.stateOffsets[state]
  }

  /// Computes a round from the states at a place.
  func run(_ round: Int, from index: Int) throws {
    for (position, input) in repetition.graph.inputs.enumerated() {
      guard let target = bound.input(input) else { continue }
      if position < repetition.stateCount {
        target.copyMemory(from: place(of: position, at: index), byteCount: memory.stateByteCounts[position])
      } else if !repetition.isFixed(position) {
        memory.slices[position - repetition.stateCount].copy(round, of: inputs[position]!, to: target)
      }
    }
    try bound.run(0..<bound.plan.backwardStart)
  }

  /// Copies the next states to a place.
  func keepStates(at index: Int) {
    for (state, byteCount) in memory.stateByteCounts.enumerated() {
      place(of: state, at: index).copyMemory(
        from: bound.pointer(to: repetition.graph.outputs[state]), byteCount: byteCount)
    }
  }

  /// Copies the results of a round to those that are wanted.
  func collect(_ round: Int, _ outputs: [UnsafeMutableRawPointer?]) {
    for (index, result) in memory.results.enumerated() {
      let position = repetition.stateCount + index
      guard let whole = outputs[position] else { continue }
      result.copy(bound.pointer(to: repetition.graph.outputs[position]), to: round, of: whole)
    }
  }

  /// Copies the states at the first place to those that are wanted.
  func copyStates(to outputs: [UnsafeMutableRawPointer?]) {
    for (state, (output, byteCount)) in zip(outputs, memory.stateByteCounts).enumerated() {
      output?.copyMemory(from: place(of: state, at: 0), byteCount: byteCount)
    }
  }
}

extension UnsafeMutablePointer<Float> {
  /// Copies numbers, or sets as many to 0 if there are none.
  fileprivate func set(_ source: UnsafePointer<Float>?, count: Int) {
    if let source { update(from: source, count: count) } else { update(repeating: 0, count: count) }
  }

  fileprivate func set(_ source: UnsafeMutablePointer<Float>, count: Int) { set(UnsafePointer(source), count: count) }
}
