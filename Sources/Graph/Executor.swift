/// Runs a plan: owns its arena and binds every step to its memory once.
///
/// Not for use by several threads at a time.
public final class Executor {
  /// The plan.
  public let plan: Plan
  private let pool: ThreadPool
  private let arena: TensorStorage
  private let workers: TensorStorage
  let bound: [BoundStep]
  /// Called before every step when set, so that a long run can be ended by throwing.
  public var checkpoint: (() throws -> Void)?

  enum BoundStep {
    case forward(Kernel, KernelArguments)
    case backward(GradientKernel, GradientArguments)
    case sum([UnsafePointer<Float>], count: Int, into: UnsafeMutablePointer<Float>)
  }

  /// Allocates the memory of a plan.
  public init(_ plan: Plan, pool: ThreadPool) {
    self.plan = plan
    self.pool = pool
    arena = TensorStorage(byteCount: plan.layout.byteCount)
    let stride = WorkerScratch.stride(byteCount: plan.workerScratchByteCount)
    workers = TensorStorage(byteCount: stride * pool.threadCount)
    let workerScratch = WorkerScratch(base: workers.base, stride: stride)
    let memory = Memory(base: arena.base, layout: plan.layout)
    bound = plan.steps.map { step in
      let scratch = memory.pointer(step.scratch) ?? memory.base
      switch step.work {
      case .forward(let kernel, let inputs, let outputs):
        return .forward(
          kernel,
          KernelArguments(
            inputs: inputs.map(memory.pointer), outputs: outputs.map(memory.pointer), scratch: scratch,
            workerScratch: workerScratch, pool: pool))
      case .backward(let rule, let outputGradients, let inputs, let outputs, let inputGradients):
        return .backward(
          rule,
          GradientArguments(
            outputGradients: outputGradients.map { UnsafePointer(memory.floats($0)) },
            inputs: inputs.map(memory.pointer), outputs: outputs.map(memory.pointer),
            inputGradients: inputGradients.map(memory.floats), scratch: scratch, workerScratch: workerScratch,
            pool: pool))
      case .sum(let parts, let count, let result):
        return .sum(parts.map { UnsafePointer(memory.floats($0)!) }, count: count, into: memory.floats(result)!)
      }
    }
  }

  /// Copies the contents of a value that is given from outside into the plan's memory; values that the plan does not
  /// read are ignored.
  ///
  /// Throws `badData` where type or shape differ from what was planned.
  public func set(_ value: ValueID, to tensor: Tensor) throws {
    guard let info = plan.infos[value], case .buffer(let buffer)? = plan.places[value] else { return }
    guard info.shape == tensor.shape, info.elementType.storage == tensor.elementType.storage else {
      throw GradCAMError(
        .badData, at: "input '\(plan.graph.values[value].name)'",
        problem: "is \(tensor.elementType) \(tensor.shape) where \(info.elementType) \(info.shape) is expected")
    }
    let byteCount = info.shape.count * info.elementType.storage.byteCount
    (arena.base + plan.layout.offsets[buffer]).copyMemory(from: tensor.storage.base, byteCount: byteCount)
  }

  /// Writes to every page of the memory, with all threads, before the first run; what was in it is lost.
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
  public func forward() throws { try run(0..<plan.backwardStart) }

  /// Walks back from the target.
  ///
  /// May be called again, with another gradient of the target, without another forward pass, unless the plan visits taps.
  /// - Parameters:
  ///   - seed: the target's gradient, one number for each of its elements.
  ///   - visit: called for each tap, where the plan visits them, as soon as its gradient is there; contents and gradient
  ///     of the tap are the caller's until it returns.
  public func backward(seed: [Float], visit: (ValueID) throws -> Void = { _ in }) throws {
    try setSeed(seed)
    var start = plan.backwardStart
    for (step, tap) in plan.visits {
      try run(start..<step)
      start = step
      try visit(tap)
    }
    try run(start..<plan.steps.count)
  }

  /// Puts the target's gradient where the walk back reads it first; other steps write over it later.
  func setSeed(_ seed: [Float]) throws {
    guard let buffer = plan.seed, let target = plan.request.target else {
      throw GradCAMError(.defect, problem: "a plan without a target was run backwards")
    }
    precondition(seed.count == plan.infos[target]!.shape.count, "the seed must have the shape of the target")
    (arena.base + plan.layout.offsets[buffer]).assumingMemoryBound(to: Float.self).update(from: seed, count: seed.count)
  }

  /// A copy of a value that the request names: an output, a tap, the target, an input or a constant.
  public func contents(of value: ValueID) -> Tensor {
    switch plan.places[value]! {
    case .constant(let tensor): tensor
    case .buffer(let buffer): copy(buffer, plan.infos[value]!)
    }
  }

  /// A copy of the gradient at a tap after a backward pass, in the tap's shape.
  public func gradient(of tap: ValueID) -> Tensor {
    let info = plan.infos[tap]!
    return copy(plan.tapGradients[tap]!, ValueInfo(.float32, info.shape))
  }

  /// Lends the elements of a floating-point value that the request names, without a copy.
  public func withElements<Result>(of value: ValueID, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    let count = plan.infos[value]!.shape.count
    switch plan.places[value]! {
    case .constant(let tensor):
      return tensor.floats.withUnsafeBufferPointer(body)
    case .buffer(let buffer): return body(floats(buffer, count))
    }
  }

  /// Lends the gradient at a tap after a backward pass, without a copy.
  public func withGradient<Result>(of tap: ValueID, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    body(floats(plan.tapGradients[tap]!, plan.infos[tap]!.shape.count))
  }

  private func floats(_ buffer: Int, _ count: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(
      start: (arena.base + plan.layout.offsets[buffer]).assumingMemoryBound(to: Float.self), count: count)
  }

  private func copy(_ buffer: Int, _ info: ValueInfo) -> Tensor {
    let tensor = Tensor(uninitialized: info.elementType, shape: info.shape)
    let byteCount = info.shape.count * info.elementType.storage.byteCount
    tensor.storage.base.copyMemory(from: arena.base + plan.layout.offsets[buffer], byteCount: byteCount)
    return tensor
  }

  private func run(_ range: Range<Int>) throws {
    for index in range {
      try checkpoint?()
      try located(plan.graph.describe(node: plan.steps[index].node)) { try run(bound[index]) }
    }
  }

  func run(_ step: BoundStep) throws {
    switch step {
    case .forward(let kernel, let arguments): if !kernel.isView { try kernel.run(arguments) }
    case .backward(let rule, let arguments): try rule.run(arguments)
    case .sum(let parts, let count, let result):
      pool.parallelRanges(count, grain: 1 << 16) { range in
        let first = parts[0], second = parts[1]
        for index in range { result[index] = first[index] + second[index] }
        for part in parts.dropFirst(2) { for index in range { result[index] += part[index] } }
      }
    }
  }
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
    /// The floating-point operations of the kernel, 0 where negligible.
    public let operationCount: Double
    /// The time taken.
    public let duration: Duration
  }

  /// Runs forward, and backward where a seed is given, timing every step.
  public func profile(seed: [Float]?) throws -> [StepTiming] {
    var timings: [StepTiming] = []
    let clock = ContinuousClock()
    func time(_ range: Range<Int>) throws {
      for index in range {
        let duration = try clock.measure { try run(bound[index]) }
        let step = plan.steps[index]
        let (name, operations) = step.work.summary
        timings.append(
          StepTiming(
            node: plan.graph.describe(node: step.node), operatorName: plan.graph.nodes[step.node].operatorName,
            isBackward: index >= plan.backwardStart, kernel: name, operationCount: operations, duration: duration))
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
  /// The floating-point operations of the forward pass.
  public var forwardOperationCount: Double {
    steps[..<backwardStart].reduce(0) { $0 + $1.work.summary.operationCount }
  }
}

extension PlanStep.Work {
  fileprivate var summary: (name: String, operationCount: Double) {
    switch self {
    case .forward(let kernel, _, _): (kernel.name, kernel.operationCount)
    case .backward(let rule, _, _, _, _): (rule.name, rule.operationCount)
    case .sum: ("sum", 0)
    }
  }
}

private struct Memory {
  let base: UnsafeMutableRawPointer
  let layout: ArenaLayout

  func pointer(_ buffer: Int?) -> UnsafeMutableRawPointer? { buffer.map { base + layout.offsets[$0] } }
  func floats(_ buffer: Int?) -> UnsafeMutablePointer<Float>? {
    pointer(buffer)?.assumingMemoryBound(to: Float.self)
  }
  func pointer(_ place: ValuePlace?) -> UnsafeRawPointer? {
    switch place {
    case nil: nil
    case .constant(let tensor): UnsafeRawPointer(tensor.storage.base)
    case .buffer(let buffer): UnsafeRawPointer(base + layout.offsets[buffer])
    }
  }
}
