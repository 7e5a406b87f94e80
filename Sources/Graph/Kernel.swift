/// A computation that is ready to run: a node, its vector-Jacobian product, or a sum of gradients.
public struct Kernel: Sendable {
  /// Where the outputs lie; only `pieces` covers outputs other than the first.
  public enum Placement: Sendable, Equatable {
    /// In memory of its own.
    case fresh
    /// Over one of these inputs, of equal size, if nothing reads it later; else in memory of its own.
    case inPlace([Int])
    /// In the memory of this input: the same elements, nothing to run.
    case view(Int)
    /// Around the inputs, concatenated: those that could be computed in place already lie there, and the kernel copies
    /// the others.
    case gathered
    /// Inside this input, each output at a byte offset; the kernel copies those that could not stay there.
    case pieces(of: Int, at: [Int])
  }

  /// The algorithm chosen, for profiles.
  public let name: String
  /// Where the first output lies.
  public let placement: Placement
  /// The scratch memory that a run needs, in bytes, aligned to 64.
  public let scratchByteCount: Int
  /// The additional scratch memory that a run needs for each worker of the pool, in bytes, aligned to 64.
  public let workerScratchByteCount: Int
  /// The floating-point operations of a run, a multiply-add counting as two; 0 if negligible.
  public let operationCount: Double
  /// The bytes of the guard zone after every output; if there are any, every output has memory of its own.
  public let guardByteCount: Int
  /// Computes the outputs.
  public let run: @Sendable (KernelArguments) throws -> Void

  /// Creates a kernel.
  public init(
    _ name: String, placement: Placement = .fresh, scratchByteCount: Int = 0, workerScratchByteCount: Int = 0,
    operationCount: Double = 0, guardByteCount: Int = 0, run: @escaping @Sendable (KernelArguments) throws -> Void
  ) {
    self.name = name
    self.placement = placement
    self.scratchByteCount = scratchByteCount
    self.workerScratchByteCount = workerScratchByteCount
    self.operationCount = operationCount
    self.guardByteCount = guardByteCount
    self.run = run
  }

  /// A kernel whose only output is an input with another shape.
  public static func view(of input: Int = 0) -> Kernel { Kernel("view", placement: .view(input)) { _ in } }

  /// Whether there is nothing to run.
  var isView: Bool { if case .view = placement { true } else { false } }

  /// Adds gradients of `count` elements.
  static func sum(count: Int) -> Kernel {
    // The first two are added before the others are read.
    Kernel("sum", placement: .inPlace([0, 1])) { run in
      let parts = run.inputs.map { $0!.assumingMemoryBound(to: Float.self) }, sum = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 16) { range in
        let first = parts[0], second = parts[1]
        for index in range { sum[index] = first[index] + second[index] }
        for part in parts.dropFirst(2) { for index in range { sum[index] += part[index] } }
      }
    }
  }

  /// A gradient of `count` elements that is 0.
  static func zero(count: Int) -> Kernel {
    Kernel("zero") { run in
      let dx = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 16) { range in
        (dx + range.lowerBound).update(repeating: 0, count: range.count)
      }
    }
  }

  /// Sets negative elements of a gradient to 0.
  static func rectifying(count: Int) -> Kernel {
    Kernel("guide", placement: .inPlace([0])) { run in
      let dy = run.input(0), dx = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 16) { range in
        for index in range { dx[index] = dy[index] < 0 ? 0 : dy[index] }
      }
    }
  }
}

/// Scratch memory per worker, at the same address for every step of a plan, so that what a worker writes there stays in
/// its processor's caches.
public struct WorkerScratch: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  /// The bytes per worker.
  let stride: Int

  /// For kernels that need none.
  public static let none = WorkerScratch(base: UnsafeMutableRawPointer(bitPattern: 4096)!, stride: 0)

  /// The distance between the memory of two workers that need `byteCount` bytes each, in whole pages.
  static func stride(byteCount: Int) -> Int { (byteCount + 4095) & ~4095 }

  /// A worker's memory, as floats.
  public subscript(_ worker: Int) -> UnsafeMutablePointer<Float> {
    (base + worker * stride).assumingMemoryBound(to: Float.self)
  }
}

/// The memory of one run of a kernel.
///
/// A tensor may lie inside another: its address is a multiple of its element size only, and the memory before and after
/// it belongs to others.
public struct KernelArguments: @unchecked Sendable {
  /// The inputs, in the form of their type's storage; nil if omitted.
  public let inputs: [UnsafeRawPointer?]
  /// The outputs; nil if not wanted.
  public let outputs: [UnsafeMutableRawPointer?]
  /// Scratch memory of the size declared.
  public let scratch: UnsafeMutableRawPointer
  /// Scratch memory for each worker.
  public let workerScratch: WorkerScratch
  /// The threads to run on.
  public let pool: ThreadPool

  /// Creates the arguments of a run.
  public init(
    inputs: [UnsafeRawPointer?], outputs: [UnsafeMutableRawPointer?], scratch: UnsafeMutableRawPointer,
    workerScratch: WorkerScratch = .none, pool: ThreadPool
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.scratch = scratch
    self.workerScratch = workerScratch
    self.pool = pool
  }

  /// A required input as elements of a type.
  public func input<Element>(_ index: Int, as type: Element.Type = Float.self) -> UnsafePointer<Element> {
    inputs[index]!.assumingMemoryBound(to: type)
  }

  /// A wanted output as elements of a type.
  public func output<Element>(_ index: Int, as type: Element.Type = Float.self) -> UnsafeMutablePointer<Element> {
    outputs[index]!.assumingMemoryBound(to: type)
  }

  /// The scratch memory as floats.
  public var scratchFloats: UnsafeMutablePointer<Float> { scratch.assumingMemoryBound(to: Float.self) }
}

/// The vector-Jacobian product of one node: a kernel that reads the gradients of the outputs, then inputs and outputs,
/// and writes (not adds) the gradients of the inputs.
public struct GradientRule: Sendable {
  /// The inputs whose contents the kernel reads; those of others may be gone by then.
  public let readsInputs: Set<Int>
  /// The outputs whose contents the kernel reads.
  public let readsOutputs: Set<Int>
  /// The wanted inputs whose gradient is the first output's gradient, element for element: nothing is computed.
  public let passes: Set<Int>
  /// The kernel that computes the other gradients; nil if they are zero.
  public let kernel: Kernel?

  /// Creates a rule from a kernel that reads and writes as `GradientArguments` does.
  public init(_ kernel: Kernel?, readsInputs: Set<Int> = [], readsOutputs: Set<Int> = [], passes: Set<Int> = []) {
    self.kernel = kernel
    self.readsInputs = readsInputs
    self.readsOutputs = readsOutputs
    self.passes = passes
  }

  /// Creates a rule.
  ///
  /// - Parameters:
  ///   - name: the algorithm chosen, for profiles.
  ///   - inPlace: whether the gradient of the only wanted input may overwrite the first output's gradient.
  ///   - run: writes the gradients of the wanted inputs that are not passed.
  public init(
    _ name: String, readsInputs: Set<Int> = [], readsOutputs: Set<Int> = [], passes: Set<Int> = [],
    inPlace: Bool = false, scratchByteCount: Int = 0, workerScratchByteCount: Int = 0, operationCount: Double = 0,
    guardByteCount: Int = 0, run: @escaping @Sendable (GradientArguments) throws -> Void
  ) {
    self.init(
      Kernel(
        name, placement: inPlace ? .inPlace([0]) : .fresh, scratchByteCount: scratchByteCount,
        workerScratchByteCount: workerScratchByteCount, operationCount: operationCount, guardByteCount: guardByteCount
      ) { try run(GradientArguments($0)) }, readsInputs: readsInputs, readsOutputs: readsOutputs, passes: passes)
  }

  /// A rule that passes the output's gradient on to the given inputs; the others do not influence the output.
  public static func passing(to inputs: Set<Int>) -> GradientRule { GradientRule(nil, passes: inputs) }
}

/// The memory of one run of a vector-Jacobian product.
public struct GradientArguments {
  /// Reads the gradients of the outputs, then the inputs, then the outputs; writes the gradients of the inputs.
  private let run: KernelArguments
  private let inputStart, outputStart: Int

  init(_ run: KernelArguments) {
    self.run = run
    inputStart = (run.inputs.count - run.outputs.count) / 2
    outputStart = inputStart + run.outputs.count
  }

  /// The gradient of every output; nil if it is zero because nothing downstream of that output reaches the score.
  public var outputGradients: [UnsafePointer<Float>?] { (0..<inputStart).map(outputGradient) }
  /// The inputs that the rule declares it reads.
  public var inputs: [UnsafeRawPointer?] { Array(run.inputs[inputStart..<outputStart]) }
  /// The outputs that the rule declares it reads.
  public var outputs: [UnsafeRawPointer?] { Array(run.inputs[outputStart...]) }
  /// The gradients to write; nil for an input whose gradient is not wanted or is passed on.
  public var inputGradients: [UnsafeMutablePointer<Float>?] {
    run.outputs.map { $0?.assumingMemoryBound(to: Float.self) }
  }
  /// Scratch memory of the size declared.
  public var scratch: UnsafeMutableRawPointer { run.scratch }
  /// Scratch memory for each worker.
  public var workerScratch: WorkerScratch { run.workerScratch }
  /// The threads to run on.
  public var pool: ThreadPool { run.pool }

  /// The gradient of the first output, which an operator with one output always has.
  public var outputGradient: UnsafePointer<Float> { outputGradient(0)! }

  /// The gradient of an output; nil if it is zero.
  public func outputGradient(_ index: Int) -> UnsafePointer<Float>? {
    run.inputs[index]?.assumingMemoryBound(to: Float.self)
  }

  /// The gradient of an input known to be wanted.
  public func inputGradient(_ index: Int) -> UnsafeMutablePointer<Float> { run.output(index) }

  /// A declared input as elements of a type.
  public func input<Element>(_ index: Int, as type: Element.Type = Float.self) -> UnsafePointer<Element> {
    run.input(inputStart + index, as: type)
  }

  /// A declared output as elements of a type.
  public func output<Element>(_ index: Int, as type: Element.Type = Float.self) -> UnsafePointer<Element> {
    run.input(outputStart + index, as: type)
  }

  /// The scratch memory as floats.
  public var scratchFloats: UnsafeMutablePointer<Float> { run.scratchFloats }
}
