/// What a plan must compute.
public struct PlanRequest: Sendable {
  /// Type and extents of the values supplied from outside: the model's inputs, and any other values of its graph, which
  /// are then not computed; one with contents is treated as a constant.
  public var inputs: [ValueID: ValueInfo]
  /// The values to keep for the caller.
  public var outputs: [ValueID]
  /// The values at which the gradient is wanted.
  public var taps: [ValueID]
  /// The value whose gradient the caller supplies, to which some tap must lead; nil for a forward pass only.
  public var target: ValueID?
  /// Other values whose gradients are supplied: taps need not lead to them.
  var otherTargets: [ValueID] = []
  /// What a run told about extents.
  public var decisions = Decisions()
  /// How to choose kernels.
  public var kernels: KernelRequest
  /// What the backward pass computes.
  public var rule = BackwardRule.gradient
  /// The copies of the network for other inputs that the rule compares the picture with, as many as it says.
  public var references: [NetworkCopy] = []

  /// Whether the taps are visited one after another in the backward pass, so that their values and gradients need not
  /// be in memory together; such a plan runs backward once for each forward pass.
  public var visitsTaps = false

  /// Whether every computed value stays in memory and can carry a gradient, so that other plans of the same graph can
  /// observe this one.
  public var isObservable = false

  /// The values that an observed executor has: not recomputed, but gradients pass through the nodes that compute them.
  public var observed: Set<ValueID> = []

  /// Creates a request.
  public init(
    inputs: [ValueID: ValueInfo], outputs: [ValueID], taps: [ValueID] = [], target: ValueID? = nil,
    kernels: KernelRequest
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.taps = taps
    self.target = target
    self.kernels = kernels
  }

  var wanted: Set<ValueID> { keptBesidesTaps.union(taps) }

  /// The values that must be planned: the wanted ones, and the targets of other inputs.
  var reached: Set<ValueID> { wanted.union(references.flatMap { copy in targets.compactMap { copy.values[$0] } }) }

  /// The values whose gradients are supplied.
  var targets: [ValueID] { (target.map { [$0] } ?? []) + otherTargets }

  fileprivate var keptBesidesTaps: Set<ValueID> { Set(outputs + targets) }
}

/// Everything about a run that can be decided before data arrives: the nodes needed, extents, constants, kernels,
/// the backward pass, and where every tensor lies in one block of memory.
public struct Plan: Sendable {
  /// The graph after rewriting; the parts of expanded nodes are at its end.
  public let graph: ComputeGraph
  /// Type and extents of every value encountered.
  public let infos: [ValueID: ValueInfo]
  /// The largest number of nodes that a graph may have once loops, recurrences and other composite nodes are expanded.
  public static let nodeLimit = 100_000
  /// The size of the arena in bytes.
  public var arenaByteCount: Int { layout.byteCount }

  /// The request that the plan fulfils.
  public let request: PlanRequest
  /// The nodes of the backward pass whose derivative is an estimate: they round, and gradients pass straight through.
  public let estimatedGradients: [Int]

  let steps: [Step]
  let backwardStart: Int
  let places: [ValueID: ValuePlace]
  let tapGradients: [ValueID: Int]
  /// The taps that are visited, each before a step.
  let visits: [(step: Int, tap: ValueID)]
  /// The buffers of the targets' gradients, in the request's order.
  let seeds: [Int]
  let layout: ArenaLayout
  let byteCounts: [Int]

  var workerScratchByteCount: Int { steps.map(\.kernel.workerScratchByteCount).max() ?? 0 }

  /// Whether a value is in memory after a forward pass of an observable plan, and not inside a fused node.
  public func keeps(_ value: ValueID) -> Bool { places[value] != nil }

  /// The values that this plan computes or receives: those that other plans of the same graph may observe.
  public var observableValues: Set<ValueID> { Set(places.filter { $0.value.buffer != nil }.keys) }

  /// Plans a graph.
  ///
  /// Throws `unsupported` for nodes that cannot be computed, `badData` if shapes do not match, and `usage` if no tap
  /// leads to the target; all name the node.
  public init(_ graph: ComputeGraph, operators: OperatorSet, request: PlanRequest) throws {
    let inferred = try InferredGraph(
      graph, operators: operators, inputs: request.inputs, decisions: request.decisions, reaching: request.reached)
    try inferred.require(request.reached)
    try self.init(inferred, operators: operators, request: request)
  }

  /// Plans a graph whose extents are known, for the inputs and at most the values that it was inferred for.
  ///
  /// Throws as the other initialiser does, and `defect` if only a rewrite makes the graph one that cannot be planned.
  public init(_ inferred: InferredGraph, operators: OperatorSet, request: PlanRequest) throws {
    do {
      try self.init(rewriting: inferred, operators: operators, request: request)
    } catch let error as GradCAMError {
      let plain = operators.withoutRewrites
      guard !operators.rewrites.isEmpty, (try? Plan(rewriting: inferred, operators: plain, request: request)) != nil
      else { throw error }
      throw error.ofRewrite
    }
  }

  init(rewriting inferred: InferredGraph, operators: OperatorSet, request: PlanRequest) throws {
    var request = request
    request.decisions = inferred.decisions
    let kept = request.wanted
    var forward = ForwardPlanner(
      graph: inferred.rewritten(by: operators, for: request), operators: operators, request: request)
    try forward.plan(reaching: request.reached)
    var backward = BackwardPlanner(forward: forward)
    try backward.plan()

    self.graph = forward.graph
    self.request = request
    infos = forward.infos
    places = forward.places
    tapGradients = backward.tapGradients
    estimatedGradients = backward.estimates
    seeds = backward.seeds
    byteCounts = backward.byteCounts

    let keptPlaces = request.isObservable ? Set(places.keys) : request.visitsTaps ? request.keptBesidesTaps : kept
    let keptBuffers = keptPlaces.union(request.inputs.keys).compactMap { forward.places[$0]?.buffer }
    let tapBuffers = request.taps.compactMap { forward.places[$0]?.buffer }
    let forwardSteps =
      request.observed.isEmpty && request.references.isEmpty
      ? forward.steps : forward.steps.needed(for: keptBuffers + tapBuffers + backward.steps.flatMap(\.readBuffers))
    backwardStart = forwardSteps.count
    steps = forwardSteps + backward.steps

    var memory = MemoryPlanner(steps: steps, byteCounts: byteCounts)
    for buffer in keptBuffers { memory.keep(buffer) }
    let gradients = backward.tapGradients
    visits =
      request.visitsTaps
      ? gradients.map { (memory.firstStep(after: $1) ?? forwardSteps.count, $0) }.sorted { $0 < $1 } : []
    for (step, tap) in visits {
      memory.read(gradients[tap]!, at: step)
      if let buffer = forward.places[tap]?.buffer { memory.read(buffer, at: step) }
    }
    if !request.visitsTaps {
      memory.backwardStart = backwardStart
      for buffer in gradients.values { memory.keep(buffer) }
    }
    for seed in seeds { memory.written(seed, at: backwardStart) }
    layout = memory.plan()
  }

  /// The steps that a planner has planned so far, as a plan of their own.
  ///
  /// - Parameter kept: the values to keep for what it plans next.
  init(segment forward: ForwardPlanner, keeping kept: [ValueID]) {
    graph = forward.graph
    request = forward.request
    infos = forward.infos
    places = forward.places
    steps = forward.steps
    byteCounts = forward.byteCounts
    (backwardStart, tapGradients, estimatedGradients, seeds, visits) = (steps.count, [:], [], [], [])
    var memory = MemoryPlanner(steps: steps, byteCounts: byteCounts)
    for value in kept { if let buffer = places[value]?.buffer { memory.keep(buffer) } }
    layout = memory.plan()
  }
}

extension InferredGraph {
  /// The graph after the rewrites of a set of operators, as far as a request allows them.
  func rewritten(by operators: OperatorSet, for request: PlanRequest) -> ComputeGraph {
    var graph = graph
    let kept = request.reached
    let carriers = graph.downstream(of: request.isObservable ? Set(request.inputs.keys) : Set(request.taps))
    for rewrite in operators.rewrites where rewrite.restoresFunctions || !request.rule.sharesOut {
      let readers = graph.readerCounts(reaching: kept)
      rewrite.apply(
        to: &graph,
        knowing: RewriteFacts(
          infos: infos, weights: request.kernels.weights,
          readerCount: { kept.contains($0) || request.inputs[$0] != nil ? nil : readers[$0] },
          isShared: { request.isObservable || request.observed.contains($0) }, carriesGradient: carriers.contains))
    }
    return graph
  }
}

extension Plan {
  /// Throws `unsupported` if a graph would have more nodes than the limit.
  ///
  /// - Parameters:
  ///   - rounds: how often a body is repeated.
  ///   - nodeCount: the number of nodes of the body.
  public static func checkExpansion(_ rounds: Int, of nodeCount: Int) throws {
    let (count, overflows) = rounds.multipliedReportingOverflow(by: max(nodeCount, 1))
    guard overflows || count > nodeLimit else { return }
    throw GradCAMError(
      .unsupported,
      problem: "\(rounds) rounds of \(nodeCount) nodes are more than the \(nodeLimit) nodes that one network may have")
  }
}

extension GradCAMError {
  /// The same failure where the graph could be planned without rewrites: the program's fault, not the file's.
  fileprivate var ofRewrite: GradCAMError {
    var defect = GradCAMError(
      .defect, problem: "this program joined nodes to one that fails: \(problem)",
      advice: "please report it with the model; a node inside of the joined ones can be named instead")
    defect.place = place
    return defect
  }
}

extension [Step] {
  /// The steps that these buffers depend on.
  fileprivate func needed(for buffers: [Int]) -> [Step] {
    var needed = Set(buffers)
    return reversed().filter { step in
      guard step.writtenBuffers.contains(where: needed.contains) else { return false }
      needed.formUnion(step.readBuffers)
      return true
    }.reversed()
  }
}

extension ComputeGraph {
  /// How often each value is read by the nodes that the wanted values need, or returned by the graph.
  fileprivate func readerCounts(reaching wanted: Set<ValueID>) -> [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes(reaching: wanted) { for value in nodes[node].reads { counts[value] += 1 } }
    for output in outputs { counts[output] += 1 }
    return counts
  }
}
