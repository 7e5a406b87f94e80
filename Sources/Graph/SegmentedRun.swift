/// Runs a graph piece by piece while it is planned, for contents that its extents depend on.
///
/// Each piece reads what the earlier ones keep for it. Not thread-safe.
final class SegmentedRun {
  private let inputs: [ValueID: Tensor]
  private let pool: ThreadPool
  private let checkpoint: () throws -> Void
  private var last: Executor?
  /// Why a piece could not run.
  private(set) var failure: GradCAMError?

  /// - Parameters:
  ///   - inputs: the contents of the values supplied from outside.
  ///   - checkpoint: called before every step; throwing ends the run.
  init(inputs: [ValueID: Tensor], pool: ThreadPool, checkpoint: @escaping () throws -> Void) {
    (self.inputs, self.pool, self.checkpoint) = (inputs, pool, checkpoint)
  }

  /// Runs the next piece.
  ///
  /// Throws `unsupported` if it needs more memory than the limit, and what kernels and the checkpoint throw.
  func run(_ piece: Plan) throws {
    if let failure { throw failure }
    do {
      let executor = try Executor(piece, pool: pool, observing: last)
      if last == nil { for (value, tensor) in inputs { try executor.set(value, to: tensor) } }
      try executor.forward(checkpoint: checkpoint)
      last = executor
    } catch let error as GradCAMError {
      failure = error
      throw error
    }
  }

  /// A copy of what lies at a place that the pieces run so far keep.
  func contents(of info: ValueInfo, at place: ValuePlace) -> Tensor {
    switch place {
    case .constant(let tensor): return tensor
    case .observed(let value, let byteCount):
      let tensor = Tensor(uninitialized: info.elementType, shape: info.shape)
      tensor.storage.base.copyMemory(from: last!.pointer(to: value), byteCount: byteCount)
      return tensor
    case .buffer: preconditionFailure("the piece that computes a value must run first")
    }
  }
}

extension Decisions {
  /// Finds what the extents of a graph depend on, by running it as far as that takes; what cannot be planned is left out.
  ///
  /// - Parameters:
  ///   - inferred: the graph, with what is known of it beforehand.
  ///   - request: the values whose extents are wanted, as outputs.
  ///   - contents: those of the values supplied from outside that have none in the request.
  ///   - checkpoint: called before every step; throwing ends the run.
  ///
  /// Throws what running throws.
  public init(
    _ inferred: InferredGraph, operators: OperatorSet, request: PlanRequest, contents: [ValueID: Tensor],
    pool: ThreadPool, checkpoint: @escaping () throws -> Void = {}
  ) throws {
    let run = SegmentedRun(inputs: contents, pool: pool, checkpoint: checkpoint)
    var planner = ForwardPlanner(
      graph: inferred.rewritten(by: operators, for: request), operators: operators, request: request, source: run)
    _ = try planner.infer(reaching: request.wanted)
    if let failure = run.failure { throw failure }
    self = planner.decided.decisions
  }
}

extension Plan {
  /// Plans a graph for certain contents of its inputs, if its extents depend on them.
  ///
  /// - Parameter contents: those of the values supplied from outside that have none in the request.
  ///
  /// Throws what planning and running throws.
  public init(
    _ graph: ComputeGraph, operators: OperatorSet, request: PlanRequest, contents: [ValueID: Tensor], pool: ThreadPool
  ) throws {
    var request = request
    let wanted = request.wanted
    let inferred = try InferredGraph(graph, operators: operators, inputs: request.inputs, reaching: wanted)
    if wanted.contains(where: inferred.dependsOnData) {
      request.decisions = try Decisions(
        inferred, operators: operators, request: request, contents: contents, pool: pool)
      try self.init(graph, operators: operators, request: request)
    } else {
      try inferred.require(wanted)
      try self.init(inferred, operators: operators, request: request)
    }
  }
}
