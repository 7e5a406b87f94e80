import Graph

/// A model behind one of its values: the scores as a function of what stands there.
///
/// What reaches the scores around the value is as the last image left it.
/// Not for use by several threads at a time.
public final class Tail {
  private let model: Model
  private let value: ValueID
  private let kernels: KernelRequest
  private let pool: ThreadPool
  private let classCount: Int
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
  private var logits: [Float]
  private var surroundings: [ValueID: Tensor] = [:]
  private lazy var single = Result { try run(1) }
  private lazy var batched = batchCount > 1 ? try? run(batchCount) : nil
  private lazy var differentiated = Result { try run(1, withGradient: true) }

  /// So many elements at the value are computed at a time, where the model takes several images.
  private static let batchElements = 1 << 21
  private static let largestBatch = 64

  init(
    behind value: ValueID, of model: Model, in session: Executor, logits: [Float], pool: ThreadPool,
    kernels: KernelRequest
  ) throws {
    self.model = model
    self.value = value
    self.kernels = kernels
    self.pool = pool
    self.logits = logits
    classCount = logits.count
    inputs = session.plan.request.inputs
    infos = try InferredGraph(
      model.graph, operators: model.operators, inputs: inputs, reaching: [value, model.head.logits]
    ).infos
    around = model.graph.values(around: value, reaching: model.head.logits)
    let unknown = around.filter { [infos] in infos[$0]?.constant == nil }
    front =
      unknown.isEmpty
      ? nil
      : Executor(
        try Plan(
          model.graph, operators: model.operators,
          request: PlanRequest(inputs: inputs, outputs: unknown, kernels: kernels)), pool: pool)
    contents = session.contents(of: value)
    try takeImage(from: session, logits: logits)
  }

  /// Takes over the image that a session ran last, with the scores that it gave.
  func takeImage(from session: Executor, logits: [Float]) throws {
    contents = session.contents(of: value)
    self.logits = logits
    guard let front else { return }
    for input in inputs.keys { try front.set(input, to: session.contents(of: input)) }
    try front.forward()
    for value in front.plan.request.outputs { surroundings[value] = front.contents(of: value) }
  }

  /// The raw scores of the batch's first image for contents of the value's shape.
  public func logits(for contents: Tensor) throws -> [Float] {
    let run = try single.get()
    try run.forward(contents, surroundings)
    return Array(run.logits.prefix(classCount))
  }

  /// A number made of the raw scores for each of several changes of the image's own contents.
  ///
  /// - Parameters:
  ///   - score: makes a number of the raw scores of an image.
  ///   - change: changes a copy of the contents; called by several threads at a time.
  func scores(
    _ count: Int, of score: ([Float]) -> Float, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    if count > 1, let batched {
      if let scores = try scores(count, in: batched, of: score, change: change) { return scores }
      self.batched = nil
    }
    return try (0..<count).map { index in
      let changed = copies(1, shape: contents.shape) { _, values in change(index, values) }
      return score(try logits(for: changed))
    }
  }

  /// The gradient at the value for other contents.
  ///
  /// - Parameter seed: makes the gradient of a target of its raw scores, those of the whole batch.
  func gradient(at contents: Tensor, seed: ([Float]) -> [Float]) throws -> Tensor {
    let run = try differentiated.get()
    try run.forward(contents, surroundings)
    try run.executor.backward(seed: seed(run.logits))
    return run.executor.gradient(of: value)
  }

  /// Batch by batch; nil where images of a batch are found to act upon one another: then the unchanged contents, which
  /// stand last in the first batch, have other scores than alone.
  private func scores(
    _ count: Int, in run: Run, of score: ([Float]) -> Float,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float]? {
    var scores: [Float] = []
    scores.reserveCapacity(count)
    while scores.count < count {
      let start = scores.count
      let size = min(count - start, start == 0 ? run.count - 1 : run.count)
      let changed = copies(run.count, shape: run.shape) { index, values in
        if index < size { change(start + index, values) }
      }
      try run.forward(changed, surroundings)
      let logits = run.logits
      func image(_ index: Int) -> [Float] { Array(logits[index * classCount..<(index + 1) * classCount]) }
      if start == 0 {
        let tolerance = 1e-3 * (self.logits.map(abs).max() ?? 0)
        guard zip(image(run.count - 1), self.logits).allSatisfy({ abs($0 - $1) <= tolerance }) else { return nil }
      }
      for index in 0..<size { scores.append(score(image(index))) }
    }
    return scores
  }

  private func copies(
    _ count: Int, shape: Shape, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Tensor {
    let result = Tensor(uninitialized: contents.elementType, shape: shape), size = contents.shape.count
    pool.parallelFor(count) { index, _ in
      let bytes = result.storage.base + index * size * MemoryLayout<Float>.stride
      bytes.copyMemory(from: contents.storage.base, byteCount: size * MemoryLayout<Float>.stride)
      change(index, UnsafeMutableBufferPointer(start: bytes.assumingMemoryBound(to: Float.self), count: size))
    }
    return result
  }

  private var batchCount: Int {
    guard model.imageShape.batch == 1 else { return 1 }
    return min(Self.largestBatch, max(1, Self.batchElements / infos[value]!.shape.count))
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
        model.graph, operators: model.operators, inputs: inputs, reaching: [value, model.head.logits]
      ).infos
    }
    var given: [ValueID: ValueInfo] = [:], repeats: [ValueID: Int] = [:]
    for each in around + [value, model.head.logits] {
      let info = infos[each]!, alone = self.infos[each]!.shape
      guard info.shape == alone.repeated(count) || (info.shape == alone && around.contains(each)) else {
        throw GradCAMError(.unsupported, problem: "the model takes one image at a time")
      }
      repeats[each] = info.shape == alone ? 1 : count
      if each != model.head.logits { given[each] = info }
    }
    given[value]!.constant = nil
    let request = PlanRequest(
      inputs: given, outputs: [model.head.logits], taps: withGradient ? [value] : [],
      target: withGradient ? model.head.logits : nil, kernels: kernels)
    return Run(
      executor: Executor(try Plan(model.graph, operators: model.operators, request: request), pool: pool), value: value,
      scores: model.head.logits, count: count, shape: given[value]!.shape, repeats: repeats)
  }

  /// The tail planned for some number of images.
  private struct Run {
    let executor: Executor
    let value, scores: ValueID
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

    /// The raw scores of all images.
    var logits: [Float] { executor.contents(of: scores).floats }
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
