import Graph

/// A model behind one of its values: what is explained as a function of what stands there.
///
/// What reaches that around the value is as the last image left it.
/// Not for use by several threads at a time.
public final class Tail {
  private let model: Model
  private let value, explained: ValueID
  private let kernels: KernelRequest
  private let pool: ThreadPool
  /// The model's inputs for one image.
  private let inputs: [ValueID: ValueInfo]
  /// Type and extents of every value for one image.
  private let infos: [ValueID: ValueInfo]
  /// What nodes behind the value read of the rest of the model.
  private let around: [ValueID]
  /// Computes those.
  private let front: Executor?

  /// The contents that the last image left at the value.
  private var contents: Tensor
  /// What is explained, as the last image has it.
  private var result: [Float]
  private var surroundings: [ValueID: Tensor] = [:]
  private lazy var single = Result { try run(1) }
  private lazy var batched = batchCount > 1 ? try? run(batchCount) : nil
  private lazy var differentiated = Result { try run(1, withGradient: true) }

  /// So many elements at the value, or of what is explained, are computed at a time, where the model takes several images.
  private static let batchElements = 1 << 22
  private static let largestBatch = 64

  init(
    behind value: ValueID, explaining explained: ValueID, of model: Model, in session: Executor, contents: [Float],
    pool: ThreadPool, kernels: KernelRequest
  ) throws {
    self.model = model
    self.value = value
    self.explained = explained
    self.kernels = kernels
    self.pool = pool
    result = contents
    inputs = session.plan.request.inputs
    infos = try InferredGraph(
      model.graph, operators: model.operators, inputs: inputs, reaching: [value, explained]
    ).infos
    around = model.graph.values(around: value, reaching: explained)
    let unknown = around.filter { [infos] in infos[$0]?.constant == nil }
    front =
      unknown.isEmpty
      ? nil
      : Executor(
        try Plan(
          model.graph, operators: model.operators,
          request: PlanRequest(inputs: inputs, outputs: unknown, kernels: kernels)), pool: pool)
    self.contents = session.contents(of: value)
    try takeImage(from: session, contents: contents)
  }

  /// Takes over the image that a session ran last, with what is explained of it.
  func takeImage(from session: Executor, contents result: [Float]) throws {
    contents = session.contents(of: value)
    self.result = result
    guard let front else { return }
    for input in inputs.keys { try front.set(input, to: session.contents(of: input)) }
    try front.forward()
    for value in front.plan.request.outputs { surroundings[value] = front.contents(of: value) }
  }

  /// What is explained, of the batch's first image, for contents of the value's shape.
  public func explainedContents(for contents: Tensor) throws -> [Float] {
    let run = try single.get()
    try run.forward(contents, surroundings)
    return Array(model.imageShape.images.first(of: run.explainedContents))
  }

  /// The score of a target for each of several changes of the image's own contents.
  ///
  /// - Parameters:
  ///   - passed: told how many scores were computed, each time that there are more.
  ///   - change: changes a copy of the contents; called by several threads at a time.
  func scores(
    _ count: Int, of target: any Target, passed: (Int) -> Void,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    var scores: [Float] = []
    // A batch that is not half full takes longer than its images alone.
    if 2 * count > batchCount, let batched {
      if let found = try self.scores(count, in: batched, of: target, passed: passed, change: change) {
        scores = found
      } else {
        self.batched = nil
      }
    }
    let changed = Tensor(uninitialized: contents.elementType, shape: contents.shape)
    for index in scores.count..<count {
      fillWithCopies(changed, count: 1) { _, values in change(index, values) }
      scores.append(try target.score(try explainedContents(for: changed)))
      passed(1)
    }
    return scores
  }

  /// The gradient of a target at the value for other contents.
  func gradient(at contents: Tensor, of target: any Target) throws -> Tensor {
    let run = try differentiated.get()
    try run.forward(contents, surroundings)
    let images = model.imageShape.images
    let gradient = try target.gradient(Array(images.first(of: run.explainedContents)))
    try run.executor.backward(seed: images.seed(padding: gradient))
    return run.executor.gradient(of: value)
  }

  /// Batch by batch, as far as these are at least half full; nil where images of a batch are found to act upon one another:
  /// then the unchanged contents, which stand last in the first batch, give another result than alone.
  private func scores(
    _ count: Int, in run: Run, of target: any Target, passed: (Int) -> Void,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float]? {
    var scores: [Float] = []
    scores.reserveCapacity(count)
    let changed = Tensor(uninitialized: contents.elementType, shape: run.shape)
    while scores.isEmpty || 2 * (count - scores.count) > run.count {
      let start = scores.count
      let size = min(count - start, start == 0 ? run.count - 1 : run.count)
      fillWithCopies(changed, count: run.count) { index, values in
        if index < size { change(start + index, values) }
      }
      try run.forward(changed, surroundings)
      let explained = run.explainedContents
      func image(_ index: Int) -> [Float] { Array(explained[index * result.count..<(index + 1) * result.count]) }
      if start == 0 {
        let tolerance = 1e-3 * (result.map(abs).max() ?? 0)
        guard zip(image(run.count - 1), result).allSatisfy({ abs($0 - $1) <= tolerance }) else { return nil }
      }
      for index in 0..<size { scores.append(try target.score(image(index))) }
      passed(size)
    }
    return scores
  }

  /// Fills a tensor with changed copies of the image's own contents, one behind another.
  private func fillWithCopies(
    _ tensor: Tensor, count: Int, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let size = contents.shape.count
    pool.parallelFor(count) { index, _ in
      let bytes = tensor.storage.base + index * size * MemoryLayout<Float>.stride
      bytes.copyMemory(from: contents.storage.base, byteCount: size * MemoryLayout<Float>.stride)
      change(index, UnsafeMutableBufferPointer(start: bytes.assumingMemoryBound(to: Float.self), count: size))
    }
  }

  private var batchCount: Int {
    guard model.imageShape.batch == 1 else { return 1 }
    let fitting = Self.batchElements / max(infos[value]!.shape.count, infos[explained]!.shape.count)
    return fitting < 8 ? max(1, fitting) : min(Self.largestBatch, fitting / 8 * 8)
  }

  /// Plans the tail for so many images.
  ///
  /// Throws where the model does not take them: its shapes do not grow along their first axes.
  private func run(_ count: Int, withGradient: Bool = false) throws -> Run {
    var infos = infos
    if count > 1 {
      var inputs = inputs
      inputs[model.imageInput]!.shape = inputs[model.imageInput]!.shape.repeated(count)
      infos = try InferredGraph(
        model.graph, operators: model.operators, inputs: inputs, reaching: [value, explained]
      ).infos
    }
    var given: [ValueID: ValueInfo] = [:], repeats: [ValueID: Int] = [:]
    for each in around + [value, explained] {
      let info = infos[each]!, alone = self.infos[each]!.shape
      guard info.shape == alone.repeated(count) || (info.shape == alone && around.contains(each)) else {
        throw GradCAMError(.unsupported, problem: "the model takes one image at a time")
      }
      repeats[each] = info.shape == alone ? 1 : count
      if each != explained { given[each] = info }
    }
    given[value]!.constant = nil
    let request = PlanRequest(
      inputs: given, outputs: [explained], taps: withGradient ? [value] : [],
      target: withGradient ? explained : nil, kernels: kernels)
    return Run(
      executor: Executor(try Plan(model.graph, operators: model.operators, request: request), pool: pool), value: value,
      result: explained, count: count, shape: given[value]!.shape, repeats: repeats)
  }

  /// The tail planned for some number of images.
  private struct Run {
    let executor: Executor
    let value, result: ValueID
    let count: Int
    /// The value's shape.
    let shape: Shape
    /// How often a value has the contents that it has for one image, one behind another.
    let repeats: [ValueID: Int]

    func forward(_ contents: Tensor, _ surroundings: [ValueID: Tensor]) throws {
      for (value, tensor) in surroundings { try executor.set(value, to: tensor.repeated(repeats[value]!)) }
      try executor.set(value, to: contents)
      try executor.forward()
    }

    /// What is explained, of all images.
    var explainedContents: [Float] { executor.contents(of: result).floats }
  }
}

extension ComputeGraph {
  /// What the nodes between a value and another that depends on it read besides, initialisers left out.
  fileprivate func values(around value: ValueID, reaching target: ValueID) -> [ValueID] {
    func reads(_ node: Node) -> [ValueID] { node.inputs.compactMap { $0 } + node.captures.values }
    var behind: Set = [value]
    for node in nodes where reads(node).contains(where: behind.contains) {
      behind.formUnion(node.outputs.compactMap { $0 })
    }
    var needed: Set = [target], around: Set<ValueID> = []
    for node in nodes.reversed() {
      let outputs = node.outputs.compactMap { $0 }
      guard outputs.contains(where: { needed.contains($0) && $0 != value }),
        outputs.contains(where: behind.contains)
      else { continue }
      for read in reads(node) {
        if behind.contains(read) { needed.insert(read) } else { around.insert(read) }
      }
    }
    return around.filter { values[$0].constant == nil }.sorted()
  }
}

extension Shape {
  /// The shape of several such tensors one behind another along the first axis.
  fileprivate func repeated(_ count: Int) -> Shape {
    guard count > 1, rank > 0 else { return self }
    return Shape([count * self[0]] + dimensions.dropFirst())
  }
}

extension Tensor {
  fileprivate func repeated(_ count: Int) -> Tensor {
    guard count > 1 else { return self }
    let result = Tensor(uninitialized: elementType, shape: shape.repeated(count))
    let byteCount = shape.count * elementType.storage.byteCount
    for index in 0..<count {
      (result.storage.base + index * byteCount).copyMemory(from: storage.base, byteCount: byteCount)
    }
    return result
  }
}
