import Graph

/// The part of a model downstream of a value: the explained value as a function of that value.
///
/// Side inputs keep the contents that they have for the image. Not for use by several threads at a time.
final class Tail {
  private let planner: ModelPlanner
  private let images: ImageBatch
  private let value, explained: ValueID
  private let roundsLittle: Bool
  /// The image's contents at the value.
  private let contents: Tensor
  /// The explained contents for the image.
  private let result: [Float]
  /// The contents of the side inputs that depend on the image.
  private let surroundings: [ValueID: Tensor]
  /// The side inputs: what nodes downstream of the value read from the rest of the model.
  private let around: [ValueID]
  private lazy var single = Result { try batch(1) }
  private lazy var batched = planBatch(of: batchCount)
  private lazy var differentiated = Result { try batch(1, withGradient: true) }
  private lazy var batchedDifferentiated = planBatch(of: min(batchCount, Self.largestGradientBatch), withGradient: true)
  /// The memory of what was planned.
  private var runs: [Run] = []

  /// The largest number of elements per batch, at the value or the explained value, if the model takes several images.
  private static let batchElements = 1 << 22
  private static let largestBatch = 64
  /// A walk back keeps the activations of all images of a batch.
  private static let largestGradientBatch = 8

  /// - Parameters:
  ///   - contents: the image's contents at the value, if already known.
  ///   - roundsLittle: whether small rounding errors matter more than speed.
  init(after value: ValueID, of observation: Observation, contents: Tensor? = nil, roundsLittle: Bool) throws {
    planner = try observation.plannerForChanges.get()
    images = observation.explainedImages
    self.value = value
    explained = observation.focus.explained
    self.roundsLittle = roundsLittle
    result = observation.contents
    self.contents = try contents ?? observation.tensor(of: value)
    (around, surroundings) = try planner.model.located { [planner, explained] in
      let around = planner.model.graph.values(around: value, reaching: explained)
      let infos = try planner.inferred(reaching: [value, explained]).infos
      let unknown = around.filter { infos[$0]?.constant == nil }
      let known = try unknown.map { ($0, try observation.tensor(of: $0)) }
      return (around, Dictionary(uniqueKeysWithValues: known))
    }
  }

  deinit { runs.forEach(planner.recycle) }

  /// The explained contents, for contents of the value's shape.
  func explainedContents(for contents: Tensor) throws -> [Float] {
    let batch = try single.get()
    try batch.forward(contents, surroundings)
    return Array(images.one(of: batch.explainedContents))
  }

  /// The score of a target for each of several changes to the image's contents.
  ///
  /// - Parameters:
  ///   - passed: receives the number of newly computed scores, each time that there are some.
  ///   - change: changes a copy of the contents; called from several threads at a time.
  func scores(
    _ count: Int, of target: any Target, passed: (Int) throws -> Void,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    var scores: [Float] = []
    // A batch that is not half full takes longer than its images one by one.
    if 2 * count > batchCount, let batched {
      try run(count, in: batched, change: change) { found in
        for contents in found { scores.append(try target.score(contents)) }
        try passed(found.count)
      }
    }
    let changed = Tensor(uninitialized: contents.elementType, shape: contents.shape)
    for index in scores.count..<count {
      fillWithCopies(changed, count: 1) { _, values in change(index, values) }
      scores.append(try target.score(try explainedContents(for: changed)))
      try passed(1)
    }
    return scores
  }

  /// The gradients of a target at the value for several changes to the image's contents.
  ///
  /// - Parameters:
  ///   - passed: as for `scores`.
  ///   - change: as for `scores`.
  ///   - receive: receives the number of a change and its gradient, in order.
  func gradients(
    _ count: Int, of target: any Target, passed: (Int) throws -> Void,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void,
    receive: (_ index: Int, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    var done = 0
    if let batch = batchedDifferentiated, 2 * count > batch.count {
      try run(count, in: batch, change: change) { found in
        var seed = try found.flatMap(target.gradient)
        seed += [Float](repeating: 0, count: batch.count * result.count - seed.count)
        try batch.executor.backward(seed: seed)
        try batch.executor.withGradient(of: value) { gradient in
          let size = gradient.count / batch.count
          for index in found.indices {
            try receive(done + index, UnsafeBufferPointer(rebasing: gradient[index * size..<(index + 1) * size]))
          }
        }
        done += found.count
        try passed(found.count)
      }
    }
    let changed = Tensor(uninitialized: contents.elementType, shape: contents.shape)
    for index in done..<count {
      fillWithCopies(changed, count: 1) { _, values in change(index, values) }
      try differentiate(changed, target)
      try differentiated.get().executor.withGradient(of: value) { try receive(index, $0) }
      try passed(1)
    }
  }

  /// The gradient of a target at the value for other contents.
  func gradient(at contents: Tensor, of target: any Target) throws -> Tensor {
    try differentiate(contents, target)
    return try differentiated.get().executor.gradient(of: value)
  }

  private func differentiate(_ contents: Tensor, _ target: any Target) throws {
    let batch = try differentiated.get()
    try batch.forward(contents, surroundings)
    let gradient = try target.gradient(Array(images.one(of: batch.explainedContents)))
    try batch.executor.backward(seed: images.seed(padding: gradient))
  }

  /// Runs changes batch by batch, while batches are at least half full; none if images of a batch influence one another:
  /// the unchanged contents, which are last in the first batch, then give a different result than alone.
  ///
  /// - Parameter receive: receives the explained contents for the changes of each batch, in order.
  private func run(
    _ count: Int, in batch: Batch, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void,
    receive: ([[Float]]) throws -> Void
  ) throws {
    var start = 0
    let changed = Tensor(uninitialized: contents.elementType, shape: batch.shape)
    while start == 0 || 2 * (count - start) > batch.count {
      let size = min(count - start, start == 0 ? batch.count - 1 : batch.count)
      fillWithCopies(changed, count: batch.count) { index, values in
        if index < size { change(start + index, values) }
      }
      try batch.forward(changed, surroundings)
      let explained = batch.explainedContents
      func image(_ index: Int) -> [Float] { Array(explained[index * result.count..<(index + 1) * result.count]) }
      if start == 0 {
        let tolerance = 1e-3 * (result.map(abs).max() ?? 0)
        guard zip(image(batch.count - 1), result).allSatisfy({ abs($0 - $1) <= tolerance }) else {
          planner.forbidBatches(after: value)
          (batched, batchedDifferentiated) = (nil, nil)
          return
        }
      }
      try receive((0..<size).map(image))
      start += size
    }
  }

  /// Fills a tensor with changed copies of the image's contents, one after another.
  private func fillWithCopies(
    _ tensor: Tensor, count: Int, change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let size = contents.shape.count
    planner.pool.parallelFor(count) { index, _ in
      let bytes = tensor.storage.base + index * size * MemoryLayout<Float>.stride
      bytes.copyMemory(from: contents.storage.base, byteCount: size * MemoryLayout<Float>.stride)
      change(index, UnsafeMutableBufferPointer(start: bytes.assumingMemoryBound(to: Float.self), count: size))
    }
  }

  private var batchCount: Int {
    guard planner.model.imageShape.batch == 1, planner.model.imageShape.hasBatch else { return 1 }
    let fitting = Self.batchElements / max(contents.shape.count, result.count)
    return fitting < 8 ? max(1, fitting) : min(Self.largestBatch, fitting / 8 * 8)
  }

  /// The tail for as many images as pay off; nil if the model takes one image at a time.
  private func planBatch(of count: Int, withGradient: Bool = false) -> Batch? {
    guard count > 1, planner.mayBatch(after: value) else { return nil }
    let batch = try? batch(count, withGradient: withGradient)
    if batch == nil, !withGradient { planner.forbidBatches(after: value) }
    return batch
  }

  /// Plans the tail for a number of images.
  ///
  /// Throws if the model does not take them: its shapes do not grow along their first axes.
  private func batch(_ count: Int, withGradient: Bool = false) throws -> Batch {
    let alone = try planner.infos(imageCount: 1, reaching: [value, explained])
    let infos = try planner.infos(imageCount: count, reaching: [value, explained])
    var repeats: [ValueID: Int] = [:]
    for each in around + [value, explained] {
      let shape = infos[each]!.shape, single = alone[each]!.shape
      guard shape == single.repeated(count) || (shape == single && around.contains(each)) else {
        throw GradCAMError(.unsupported, problem: "the model takes one image at a time")
      }
      repeats[each] = shape == single ? 1 : count
    }
    let key = PlanKey(
      kept: [explained], taps: withGradient ? [value] : [], target: withGradient ? explained : nil,
      given: [value] + around.filter { $0 != value }, imageCount: count, roundsLittle: roundsLittle,
      reusesWeights: true)
    runs.append(try planner.run(key))
    return Batch(
      run: runs.last!, value: value, result: explained, count: count, shape: infos[value]!.shape, repeats: repeats)
  }

  /// The tail planned for some number of images.
  private struct Batch {
    let run: Run
    let value, result: ValueID
    let count: Int
    /// The value's shape.
    let shape: Shape
    /// How often each value repeats its contents for one image.
    let repeats: [ValueID: Int]

    var executor: Executor { run.executor }

    func forward(_ contents: Tensor, _ surroundings: [ValueID: Tensor]) throws {
      for (value, tensor) in surroundings { try executor.set(value, to: tensor.repeated(repeats[value]!)) }
      try executor.set(value, to: contents)
      try executor.forward()
    }

    /// The explained contents of all images.
    var explainedContents: [Float] { executor.contents(of: result).floats }
  }
}

extension ComputeGraph {
  /// The side inputs of the nodes between a value and one downstream of it, without initialisers.
  fileprivate func values(around value: ValueID, reaching target: ValueID) -> [ValueID] {
    let downstream = downstream(of: [value])
    var needed: Set = [target], around: Set<ValueID> = []
    for node in nodes.reversed() {
      guard node.results.contains(where: { needed.contains($0) && $0 != value }),
        node.results.contains(where: downstream.contains)
      else { continue }
      for read in node.reads {
        if downstream.contains(read) { needed.insert(read) } else { around.insert(read) }
      }
    }
    return around.filter { values[$0].constant == nil }.sorted()
  }
}

extension Shape {
  /// The shape of several such tensors concatenated along the first axis.
  func repeated(_ count: Int) -> Shape {
    guard count > 1, rank > 0 else { return self }
    return Shape([count * self[0]] + dimensions.dropFirst())
  }
}

extension Tensor {
  fileprivate func repeated(_ count: Int) -> Tensor {
    guard count > 1 else { return self }
    let result = Tensor(uninitialized: elementType, shape: shape.repeated(count))
    for index in 0..<count {
      (result.storage.base + index * byteCount).copyMemory(from: storage.base, byteCount: byteCount)
    }
    return result
  }
}
