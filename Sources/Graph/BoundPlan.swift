/// A plan whose steps are bound to memory.
struct BoundPlan {
  let plan: Plan
  private let base: UnsafeMutableRawPointer
  private let observed: Executor?
  /// The memory that every step reads and writes.
  let arguments: [KernelArguments]

  /// Binds a plan.
  ///
  /// - Parameters:
  ///   - base: `Plan.arenaByteCount` bytes, aligned to 64.
  ///   - observed: as in `Executor`.
  init(
    _ plan: Plan, at base: UnsafeMutableRawPointer, workerScratch: WorkerScratch, pool: ThreadPool,
    observing observed: Executor? = nil
  ) {
    (self.plan, self.base, self.observed) = (plan, base, observed)
    func buffer(_ index: Int) -> UnsafeMutableRawPointer { base + plan.layout.offsets[index] }
    arguments = plan.steps.map { step in
      KernelArguments(
        inputs: step.reads.map { $0.map { Self.pointer($0, plan, base, observed) } },
        outputs: step.writes.map { $0.map(buffer) },
        scratch: step.scratch.map(buffer) ?? base, workerScratch: workerScratch, pool: pool)
    }
  }

  private static func pointer(
    _ place: ValuePlace, _ plan: Plan, _ base: UnsafeMutableRawPointer, _ observed: Executor?
  ) -> UnsafeRawPointer {
    switch place {
    case .constant(let tensor): UnsafeRawPointer(tensor.storage.base)
    case .buffer(let buffer): UnsafeRawPointer(base + plan.layout.offsets[buffer])
    case .observed(let value, _): observed!.pointer(to: value)
    }
  }

  /// The address of a value that the plan keeps.
  func pointer(to value: ValueID) -> UnsafeRawPointer { Self.pointer(plan.places[value]!, plan, base, observed) }

  /// Where a value that is supplied from outside is to be written; nil if the plan does not read it.
  func input(_ value: ValueID) -> UnsafeMutableRawPointer? {
    plan.places[value]?.buffer.map { base + plan.layout.offsets[$0] }
  }

  /// The gradient at a tap after a backward pass.
  func gradient(of tap: ValueID) -> UnsafePointer<Float> {
    UnsafePointer((base + plan.layout.offsets[plan.tapGradients[tap]!]).assumingMemoryBound(to: Float.self))
  }

  /// Where the gradient of one of the request's targets is to be written before a backward pass, which overwrites it.
  func seed(_ index: Int) -> UnsafeMutablePointer<Float> {
    (base + plan.layout.offsets[plan.seeds[index]]).assumingMemoryBound(to: Float.self)
  }

  /// Runs some steps.
  ///
  /// - Parameter checkpoint: called before every step; throwing ends the run.
  func run(_ range: Range<Int>, _ checkpoint: () throws -> Void = {}) throws {
    for index in range {
      try checkpoint()
      try located(plan.graph.describe(node: plan.steps[index].node)) { try run(step: index) }
    }
  }

  func run(step index: Int) throws {
    let kernel = plan.steps[index].kernel
    if !kernel.isView { try kernel.run(arguments[index]) }
  }
}
