/// Where a value lies while a plan runs.
public enum ValuePlace: Sendable {
  /// Known before the run.
  case constant(Tensor)
  /// In the arena, at the buffer of this number.
  case buffer(Int)
}

/// One thing that a plan does.
struct PlanStep: Sendable {
  enum Work: Sendable {
    case forward(Kernel, inputs: [ValuePlace?], outputs: [Int?])
    case backward(
      GradientKernel, outputGradients: [Int?], inputs: [ValuePlace?], outputs: [ValuePlace?], inputGradients: [Int?])
    /// Adds gradients of equal size that meet at one value.
    case sum([Int], count: Int, into: Int)
  }

  let node: Int
  var work: Work
  var scratch: Int?
}

/// What a plan is to compute.
public struct PlanRequest: Sendable {
  /// Type and extents of the values that are given from outside, one with contents being treated as a constant: the
  /// model's inputs, and any other values of its graph, which are then not computed.
  public var inputs: [ValueID: ValueInfo]
  /// The values to keep for the caller.
  public var outputs: [ValueID]
  /// The values at which the gradient is wanted.
  public var taps: [ValueID]
  /// The value whose gradient the caller supplies; nil for a forward pass only.
  public var target: ValueID?
  /// What kernels are told.
  public var kernels: KernelRequest
  /// Whether the walk back is guided: at every rectifier only what speaks for the target goes on, g·[x > 0]·[g > 0].
  ///
  /// Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015.
  public var guidesGradients = false

  /// Whether the taps are visited one after another on the walk back, so that their values and gradients need not be there
  /// together; such a plan walks back once for each forward pass.
  public var visitsTaps = false

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

  /// All values that the plan must compute.
  var wanted: Set<ValueID> { keptBesidesTaps.union(taps) }

  fileprivate var keptBesidesTaps: Set<ValueID> { Set(outputs + (target.map { [$0] } ?? [])) }
}

/// Everything about a run that can be decided before data arrives: the nodes needed, extents, constants, kernels,
/// the backward pass, and where every tensor lies in one block of memory.
public struct Plan: Sendable {
  /// The graph after rewriting; the parts of expanded nodes stand at its end.
  public let graph: ComputeGraph
  /// Type and extents of every value met.
  public let infos: [ValueID: ValueInfo]
  /// The largest number of elements of a value.
  public static let elementLimit = 1 << 40
  /// The bytes of the arena.
  public var arenaByteCount: Int { layout.byteCount }

  /// What was asked for.
  public let request: PlanRequest
  /// The nodes on the way back whose derivative is an estimate: they round, and the gradient passes straight through.
  public let estimatedGradients: [Int]

  let steps: [PlanStep]
  let backwardStart: Int
  let places: [ValueID: ValuePlace]
  let tapGradients: [ValueID: Int]
  /// The taps that are visited, each before a step.
  let visits: [(step: Int, tap: ValueID)]
  let seed: Int?
  let layout: ArenaLayout

  /// The bytes of scratch memory that every worker needs.
  var workerScratchByteCount: Int {
    steps.reduce(0) { most, step in
      switch step.work {
      case .forward(let kernel, _, _): max(most, kernel.workerScratchByteCount)
      case .backward(let rule, _, _, _, _): max(most, rule.workerScratchByteCount)
      case .sum: most
      }
    }
  }

  /// Plans a graph.
  ///
  /// Throws `unsupported` for what no operator can do, `badData` where shapes do not fit, and `usage` where a tap
  /// does not lead to the target; all name the node.
  public init(_ graph: ComputeGraph, operators: OperatorSet, request: PlanRequest) throws {
    let inferred = try InferredGraph(graph, operators: operators, inputs: request.inputs, reaching: request.wanted)
    try self.init(inferred, operators: operators, request: request)
  }

  /// Plans a graph whose extents are known, for the inputs and at most the values that it was inferred for.
  ///
  /// Throws as the other initialiser does.
  public init(_ inferred: InferredGraph, operators: OperatorSet, request: PlanRequest) throws {
    var graph = inferred.graph
    let kept = request.wanted
    let behindTaps = graph.values(dependingOn: Set(request.taps))
    for rewrite in operators.rewrites {
      let readers = graph.readerCounts(reaching: kept)
      rewrite.apply(
        to: &graph,
        knowing: RewriteFacts(
          infos: inferred.infos,
          isPrivate: { !kept.contains($0) && request.inputs[$0] == nil && readers[$0] == 1 },
          carriesGradient: behindTaps.contains))
    }

    var forward = ForwardPlanner(graph: graph, operators: operators, request: request)
    try forward.plan(reaching: kept)
    var backward = BackwardPlanner(forward: forward)
    if let target = request.target { try backward.plan(from: target) }

    self.graph = forward.graph
    self.request = request
    infos = forward.infos
    backwardStart = forward.steps.count
    places = forward.places
    tapGradients = backward.tapGradients
    estimatedGradients = backward.estimates
    seed = backward.seed

    steps = forward.steps + backward.steps
    var memory = MemoryPlanner(steps: steps, byteCounts: backward.byteCounts)
    let keptPlaces = request.visitsTaps ? request.keptBesidesTaps : kept
    for value in keptPlaces.union(request.inputs.keys) {
      if case .buffer(let buffer)? = places[value] { memory.keep(buffer) }
    }
    let gradients = backward.tapGradients, places = forward.places
    visits =
      request.visitsTaps
      ? gradients.map { (memory.firstStep(behind: $1) ?? forward.steps.count, $0) }.sorted { $0 < $1 } : []
    for (step, tap) in visits {
      memory.read(gradients[tap]!, at: step)
      if case .buffer(let buffer)? = places[tap] { memory.read(buffer, at: step) }
    }
    if !request.visitsTaps {
      memory.backwardStart = backwardStart
      for buffer in gradients.values { memory.keep(buffer) }
    }
    if let seed { memory.written(seed, at: backwardStart) }
    layout = memory.plan()
  }
}

extension ComputeGraph {
  /// The values that are computed from some, those included.
  fileprivate func values(dependingOn origins: Set<ValueID>) -> Set<ValueID> {
    var found = origins
    for node in nodes
    where node.inputs.contains(where: { $0.map(found.contains) ?? false })
      || node.captures.values.contains(where: found.contains)
    { found.formUnion(node.outputs.compactMap { $0 }) }
    return found
  }

  /// How often each value is read by the nodes that some values need, or returned by the graph, by value.
  fileprivate func readerCounts(reaching wanted: Set<ValueID>) -> [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes(reaching: wanted).map({ nodes[$0] }) {
      for input in node.inputs.compactMap({ $0 }) + node.captures.values { counts[input] += 1 }
    }
    for output in outputs { counts[output] += 1 }
    return counts
  }
}
