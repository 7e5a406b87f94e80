/// Runs a plan: owns its arena and binds every step to its memory once.
///
/// Not thread-safe.
public final class Executor {
  /// The plan.
  public let plan: Plan
  private let pool: ThreadPool
  private let arena: TensorStorage
  private let workers: TensorStorage
  private let bound: BoundPlan

  /// Allocates the memory of a plan.
  ///
  /// - Parameter observed: an executor that has run a plan of the same graph with `PlanRequest.isObservable`, if this
  ///   plan observes values; it must not run again while this executor is in use.
  ///
  /// Throws `unsupported` if it is more than the limit.
  public init(_ plan: Plan, pool: ThreadPool, observing observed: Executor? = nil) throws {
    self.plan = plan
    self.pool = pool
    let stride = WorkerScratch.stride(byteCount: plan.workerScratchByteCount)
    try MemoryLimit.check(plan.layout.byteCount + stride * pool.threadCount)
    arena = TensorStorage(byteCount: plan.layout.byteCount)
    workers = TensorStorage(byteCount: stride * pool.threadCount)
    bound = BoundPlan(
      plan, at: arena.base, workerScratch: WorkerScratch(base: workers.base, stride: stride), pool: pool,
      observing: observed)
  }

  /// The memory that every step reads and writes.
  var arguments: [KernelArguments] { bound.arguments }

  /// The address of a value that the plan keeps.
  func pointer(to value: ValueID) -> UnsafeRawPointer { bound.pointer(to: value) }

  /// Copies the contents of a value supplied from outside into the plan's memory; values that the plan does not read
  /// are ignored.
  ///
  /// Throws `badData` if the type or shape differs from the planned one.
  public func set(_ value: ValueID, to tensor: Tensor) throws {
    guard let info = plan.infos[value], let memory = bound.input(value) else { return }
    guard info.shape == tensor.shape, info.elementType.storage == tensor.elementType.storage else {
      throw GradCAMError(
        .badData, at: "input '\(plan.graph.values[value].name)'",
        problem: "is \(tensor.elementType) \(tensor.shape) where \(info.elementType) \(info.shape) is expected")
    }
    memory.copyMemory(from: tensor.storage.base, byteCount: info.byteCount)
  }

  /// Whether the plan reads a value supplied from outside.
  public func reads(_ value: ValueID) -> Bool { plan.places[value]?.buffer != nil }

  /// Touches every page of the memory from all threads, before the first run; the contents are lost.
  public func touchMemory() {
    for memory in [arena, workers] {
      pool.parallelRanges(memory.byteCount, grain: 1 << 21) { range in
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
          memory.base.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
      }
    }
  }

  /// Computes all values that the plan keeps.
  ///
  /// - Parameter checkpoint: called before every step; throwing ends the run.
  public func forward(checkpoint: () throws -> Void = {}) throws {
    try bound.run(0..<plan.backwardStart, checkpoint)
  }

  /// Runs the backward pass from the target.
  ///
  /// May be called again with another seed, without another forward pass, unless the plan visits taps.
  /// - Parameters:
  ///   - seed: the target's gradient, one number for each of its elements.
  ///   - checkpoint: called before every step; throwing ends the run.
  ///   - visit: called for each tap as soon as its gradient is complete, if the plan visits taps; the contents and the
  ///     gradient of the tap are valid until it returns.
  public func backward(
    seed: [Float], checkpoint: () throws -> Void = {}, visit: (ValueID) throws -> Void = { _ in }
  ) throws {
    try setSeed(seed)
    var start = plan.backwardStart
    for (step, tap) in plan.visits {
      try bound.run(start..<step, checkpoint)
      start = step
      try visit(tap)
    }
    try bound.run(start..<plan.steps.count, checkpoint)
  }

  /// Puts the target's gradient where the backward pass first reads it; later steps overwrite it.
  func setSeed(_ seed: [Float]) throws {
    guard let target = plan.request.target else {
      throw GradCAMError(.defect, problem: "a plan without a target was run backwards")
    }
    precondition(seed.count == plan.infos[target]!.shape.count, "the seed must have the shape of the target")
    bound.seed(0).update(from: seed, count: seed.count)
  }

  /// A copy of a value that the request names: an output, a tap, the target, an input or a constant.
  public func contents(of value: ValueID) -> Tensor {
    if case .constant(let tensor) = plan.places[value]! { return tensor }
    let info = plan.infos[value]!, tensor = Tensor(uninitialized: info.elementType, shape: info.shape)
    tensor.storage.base.copyMemory(from: pointer(to: value), byteCount: info.byteCount)
    return tensor
  }

  /// A copy of the gradient at a tap after a backward pass, in the tap's shape.
  public func gradient(of tap: ValueID) -> Tensor {
    withGradient(of: tap) { Tensor(Array($0), shape: plan.infos[tap]!.shape) }
  }

  /// Lends the elements of a floating-point value that the request names, without a copy.
  public func withElements<Result>(of value: ValueID, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    if case .constant(let tensor) = plan.places[value]! { return tensor.floats.withUnsafeBufferPointer(body) }
    return body(
      UnsafeBufferPointer(
        start: pointer(to: value).assumingMemoryBound(to: Float.self), count: plan.infos[value]!.shape.count))
  }

  /// Lends the gradient at a tap after a backward pass, without a copy.
  public func withGradient<Result>(
    of tap: ValueID, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(start: bound.gradient(of: tap), count: plan.infos[tap]!.shape.count))
  }

  func run(step index: Int) throws { try bound.run(step: index) }
}

extension Executor {
  /// How long one step took.
  public struct StepTiming: Sendable {
    /// The node, as messages name it.
    public let node: String
    /// The operator.
    public let operatorName: OperatorName
    /// Whether it belongs to the backward pass.
    public let isBackward: Bool
    /// The kernel that ran.
    public let kernel: String
    /// The floating-point operations of the kernel; 0 if negligible.
    public let operationCount: Double
    /// The time taken.
    public let duration: Duration
  }

  /// Runs forward, and backward if there is a seed, timing every step.
  public func profile(seed: [Float]?) throws -> [StepTiming] {
    var timings: [StepTiming] = []
    let clock = ContinuousClock()
    func time(_ range: Range<Int>) throws {
      for index in range {
        let duration = try clock.measure { try run(step: index) }
        let step = plan.steps[index]
        timings.append(
          StepTiming(
            node: plan.graph.describe(node: step.node), operatorName: plan.graph.nodes[step.node].operatorName,
            isBackward: index >= plan.backwardStart, kernel: step.kernel.name,
            operationCount: step.kernel.operationCount, duration: duration))
      }
    }
    try time(0..<plan.backwardStart)
    if let seed {
      try setSeed(seed)
      try time(plan.backwardStart..<plan.steps.count)
    }
    return timings
  }
}

extension Plan {
  /// The steps of the forward pass that compute something.
  public var forwardStepCount: Int { steps[..<backwardStart].count { !$0.kernel.isView } }

  /// The floating-point operations of the forward pass.
  public var forwardOperationCount: Double { steps[..<backwardStart].reduce(0) { $0 + $1.kernel.operationCount } }

  /// The floating-point operations of the backward pass.
  var backwardOperationCount: Double { steps[backwardStart...].reduce(0) { $0 + $1.kernel.operationCount } }
}
