import Graph

/// Measures what became of a network in another file, image by image: nothing is kept of an image but sums.
public final class DriftMeasurement {
  private let first, second: Explainer
  private let method: String
  private let pairing: NodePairing
  /// The second network, taken apart when the first image tells how large numbers are.
  private var parts: SeparateNodes?
  private let inputOrder: AxisOrder
  /// The pairs with a map in both networks, and what asks for it; nil if no class is scored.
  private let maps: Maps?
  private var sums: [Sums]
  private var images: [Drift.Image] = []

  /// The sums of a pair.
  private struct Sums {
    var whole = NoiseRatio(), own = NoiseRatio()
    var pearson = Mean(), similarity = Mean()
  }

  private struct Mean {
    private var sum = 0.0, count = 0
    mutating func add(_ value: Double?) {
      guard let value else { return }
      sum += value
      count += 1
    }
    var value: Double? { count > 0 ? sum / Double(count) : nil }
  }

  private struct Maps {
    let first, second: Explainer
    let pairs: [Int]
  }

  /// Pairs the nodes of two files.
  ///
  /// - Parameters:
  ///   - first: the network as it was.
  ///   - second: the network as it became.
  ///   - method: what makes the maps that are compared: one that needs activation and gradient only.
  ///
  /// Throws `usage` if the two are not one network, `unsupported` if there are several image inputs or if extents
  /// depend on the image, and what planning throws.
  public init(_ first: Explainer, _ second: Explainer, method: String = "gradcam") throws {
    (self.first, self.second, self.method) = (first, second, method)
    inputOrder = try Self.checkInputs(first, second)
    let catalogues = (first.focus.catalogue, second.focus.catalogue)
    guard catalogues.0.classCount == catalogues.1.classCount else {
      throw Self.differ(
        first, second, "scores \(catalogues.1.classCount) classes, but '\(first.model.path)' \(catalogues.0.classCount)"
      )
    }
    pairing = NodePairing(
      catalogues.0, catalogues.1, images: ([first.model.imageInput], [second.model.imageInput]))
    let pairs = pairing.pairs, fewest = min(pairing.counts.first, pairing.counts.second)
    guard !pairs.isEmpty, 2 * pairs.count >= fewest else {
      throw Self.differ(
        first, second,
        "only \(pairs.count) of its \(pairing.counts.second) nodes have a certain counterpart among the "
          + "\(pairing.counts.first) of '\(first.model.path)'")
    }
    sums = pairs.map { _ in Sums() }
    maps = try Self.maps(pairs, first, second)
  }

  private static func maps(_ pairs: [NodePairing.Pair], _ first: Explainer, _ second: Explainer) throws -> Maps? {
    let catalogues = (first.focus.catalogue, second.focus.catalogue)
    guard catalogues.0.hasClassScores, catalogues.1.hasClassScores, !first.explainsMeasurement else { return nil }
    func node(_ value: ValueID, _ catalogue: NodeCatalogue) -> Int? {
      guard let node = catalogue.graph.producers[value], catalogue.firstOutput(node) == value,
        catalogue.entries[node].isMappable
      else { return nil }
      return node
    }
    let found = pairs.enumerated().compactMap { place, pair -> (pair: Int, first: Int, second: Int)? in
      // A gradient is whole only where nothing else is read.
      guard let one = node(pair.first.whole ?? pair.values.first, catalogues.0),
        let other = node(pair.second.whole ?? pair.values.second, catalogues.1),
        pair.second.restored.count < 2 || pair.second.isReadItself
          || catalogues.0.entries[one].operatorName == catalogues.1.entries[other].operatorName
      else { return nil }
      return (place, one, other)
    }
    guard !found.isEmpty else { return nil }
    let request = TargetRequest()
    return Maps(
      first: try first.asking(request, nodes: found.map { "#\($0.first)" }, visitsNodes: true).0,
      second: try second.asking(request, nodes: found.map { "#\($0.second)" }, visitsNodes: true).0,
      pairs: found.map(\.pair))
  }

  /// Throws if the two cannot be given the same image.
  private static func checkInputs(_ first: Explainer, _ second: Explainer) throws -> AxisOrder {
    for explainer in [first, second] {
      guard explainer.model.imageInputs.count == 1 else {
        throw GradCAMError(
          .unsupported, at: "\(explainer.model.path)", problem: "has several image inputs",
          advice: "compare networks of one image input")
      }
      guard try !explainer.dependsOnData else {
        throw GradCAMError(
          .unsupported, at: "\(explainer.model.path)",
          problem: "has results whose extents depend on the image, so that its nodes cannot be compared",
          advice: "export it without what selects boxes")
      }
    }
    let shapes = (first.model.imageShape, second.model.imageShape)
    let sizes = (first.planner.inputSize, second.planner.inputSize)
    let extents = (shapes.0.shape(for: sizes.0), shapes.1.shape(for: sizes.1))
    let dimensions = (
      zip(shapes.0.roles, extents.0.dimensions).map(Dimension.init),
      zip(shapes.1.roles, extents.1.dimensions).map(Dimension.init)
    )
    guard shapes.0.elementType.storage == shapes.1.elementType.storage else {
      throw differ(
        first, second, "takes \(shapes.1.elementType), but '\(first.model.path)' \(shapes.0.elementType)")
    }
    guard let order = AxisOrder(of: extents.1, dimensions.1, as: extents.0, dimensions.0) else {
      throw differ(
        first, second, "takes an input of shape \(extents.1), but '\(first.model.path)' of \(extents.0)")
    }
    return order
  }

  private static func differ(_ first: Explainer, _ second: Explainer, _ problem: String) -> GradCAMError {
    GradCAMError(
      .usage, at: "\(second.model.path)", problem: "is not the same network: it \(problem)",
      advice: "give two files of one network, with one input size and the same classes")
  }

  /// Runs both files on an image.
  ///
  /// - Parameters:
  ///   - image: prepared by the first explainer.
  ///   - other: the same picture as the second file wants it; nil gives it the same numbers.
  ///
  /// Returns the explanations of both at the node that `auto` means; none where there are no maps to compare.
  ///
  /// Throws what running throws.
  @discardableResult
  public func add(_ image: PreparedImage, _ other: PreparedImage? = nil) throws -> [Explanation] {
    let other = other ?? image.with(reordered(image.tensor))
    let explanations = try maps.map { try addMaps($0, image, other) } ?? []
    try addRatios(image, other)
    return explanations
  }

  /// The numbers of an image as the second network takes them.
  private func reordered(_ tensor: Tensor) -> Tensor {
    let input = second.model.imageShape, shape = input.shape(for: second.planner.inputSize)
    guard inputOrder.isDifferent else { return tensor.reshaped(to: shape) }
    let numbers = tensor.floats.withUnsafeBufferPointer(inputOrder.reordered)
    return input.elementType.isFloatingPoint
      ? Tensor(numbers, shape: shape) : Tensor(numbers.map { Int64($0) }, shape: shape, elementType: input.elementType)
  }

  // MARK: Activations

  private func addRatios(_ image: PreparedImage, _ other: PreparedImage) throws {
    let pairs = pairing.pairs
    let one = try run(first.planner, image, keeping: pairs.map(\.values.first))
    defer { first.planner.recycle(one) }
    let two = try run(second.planner, other, keeping: pairs.map(\.values.second))
    defer { second.planner.recycle(two) }
    let parts = self.parts ?? SeparateNodes(pairs, of: second) { one.executor.withElements(of: $0, \.range) }
    self.parts = parts
    for (place, pair) in pairs.enumerated() {
      try one.executor.withElements(of: pair.values.first) { values in
        two.executor.withElements(of: pair.values.second) { others in
          sums[place].whole.add(values, others, in: pair.order)
        }
        guard let segment = parts.segments[place] else { return Result<Void, any Error>.success(()) }
        return Result {
          try second.model.located {
            try segment.withResult(on: second.planner.pool) { value in
              try self.contents(value, one.executor, other)
            } _: { others in
              sums[place].own.add(values, others, in: pair.order)
            }
          }
        }
      }.get()
    }
  }

  private func run(_ planner: ModelPlanner, _ image: PreparedImage, keeping values: [ValueID]) throws -> Run {
    let run = try planner.run(PlanKey(kept: values, reusesWeights: planner.reusesWeights))
    try planner.model.located {
      try run.executor.set(planner.model, to: image)
      try run.executor.forward()
    }
    return run
  }

  /// What a value of the second network would be if it were the first's.
  private func contents(_ value: ValueID, _ executor: Executor, _ image: PreparedImage) throws -> Tensor {
    guard let source = parts?.sources[value] else { return image.tensor }
    let pair = pairing.pairs[source], info = second.focus.catalogue.infos[value]!
    return executor.withElements(of: pair.values.first) { elements in
      Tensor(pair.order.reordered(elements), shape: info.shape, floatingType: info.elementType)
    }
  }

  // MARK: Maps

  private func addMaps(
    _ maps: Maps, _ image: PreparedImage, _ other: PreparedImage
  ) throws -> [Explanation] {
    let one = try maps.first.observe(image)
    let scores = maps.first.classes(of: try one.logits, count: 1)[0]
    let target = try maps.first.target(classIndex: scores.index)
    let its = try maps.first.sweep(target, of: one, method: method)
    let two = try maps.second.observe(other), logits = try two.logits
    let classes = maps.second.scoredClasses(logits)
    let others = try maps.second.sweep(maps.second.target(classIndex: scores.index), of: two, method: method)
    images.append(
      Drift.Image(
        first: scores, second: maps.second.classes(of: logits, count: 1)[0],
        probability: classes[scores.index].probability))
    let agreements = first.planner.pool.map(its.count) { index -> (pearson: Double?, similarity: Double?) in
      let (left, right) = (its[index], others[index]), size = left.comparedSize
      guard let part = left.seen(size: size).intersection(right.seen(size: size)) else { return (nil, nil) }
      let (one, two) = (left.drawnMap(size: size).cropped(to: part), right.drawnMap(size: size).cropped(to: part))
      return (correlation(one, two), structuralSimilarity(one, two))
    }
    for (pair, agreement) in zip(maps.pairs, agreements) {
      sums[pair].pearson.add(agreement.pearson)
      sums[pair].similarity.add(agreement.similarity)
    }
    guard let auto, let place = maps.pairs.firstIndex(of: auto) else { return [] }
    return [its[place], others[place]]
  }

  /// The pair that `auto` means in the first file; nil if it has no counterpart.
  private var auto: Int? {
    first.focus.catalogue.auto.flatMap { auto in pairing.pairs.firstIndex { $0.first.forms.contains(auto) } }
  }

  // MARK: Results

  /// What was found in the images so far.
  public var drift: Drift {
    let pairs = pairing.pairs, catalogues = (first.focus.catalogue, second.focus.catalogue)
    let own = pairs.indices.map { parts?.segments[$0] == nil ? nil : sums[$0].own.decibels }
    let verdict = DriftVerdict(own), broken = Set(verdict.broken), composites = catalogues.1.graph.compositeNames
    let nodes = pairs.enumerated().map { place, pair -> Drift.Node in
      let one = catalogues.0.entries[pair.first.node], other = catalogues.1.entries[pair.second.node]
      func tensor(_ value: ValueID, _ catalogue: NodeCatalogue) -> String { catalogue.graph.values[value].name }
      let names = parts?.segments[place]?.nodes.map { catalogues.1.graph.nodes[$0].name } ?? []
      return Drift.Node(
        index: one.index, otherIndex: other.index, name: catalogues.0.readableName(of: one),
        otherName: catalogues.1.readableName(of: other), tensor: tensor(pair.values.first, catalogues.0),
        otherTensor: tensor(pair.values.second, catalogues.1), operatorName: one.operatorName,
        otherOperatorName: other.operatorName, shape: catalogues.0.infos[pair.values.first]!.shape,
        evidence: pair.evidence.rawValue, isReordered: pair.order.isDifferent, ratio: sums[place].whole.decibels,
        ownRatio: own[place], parts: names.filter { !$0.isEmpty && !$0.isInside(of: composites) }.withoutRepeats,
        isBroken: broken.contains(place),
        pearson: sums[place].pearson.value, similarity: sums[place].similarity.value)
    }
    let scores = pairs.firstIndex { $0.first.forms.contains(first.model.head.logits) } ?? pairs.indices.last
    return Drift(
      nodes: nodes,
      unpaired: (pairing.counts.first - pairs.count, pairing.counts.second - pairs.count),
      images: images, scoreRatio: scores.map { sums[$0].whole.decibels }, usualOwnRatio: verdict.usual,
      auto: auto)
  }
}

extension UnsafeBufferPointer<Float> {
  /// From the least to the largest, 0 included; what is no number does not count.
  fileprivate var range: ClosedRange<Float> {
    let (least, largest) = reduce((Float(0), Float(0))) { found, value in
      (value < found.0 ? value : found.0, value > found.1 ? value : found.1)
    }
    return least...largest
  }
}

extension Explanation {
  /// The shorter side of maps that are compared.
  private static let comparedSide = 112

  /// The size at which its map is compared: no more than needed.
  fileprivate var comparedSize: PixelSize {
    let size = inputSize, side = min(size.width, size.height)
    guard size.rank == 2, side > Self.comparedSide else { return size }
    let scale = Double(Self.comparedSide) / Double(side)
    return PixelSize(
      width: max(1, Int(Double(size.width) * scale)), height: max(1, Int(Double(size.height) * scale)))
  }
}
