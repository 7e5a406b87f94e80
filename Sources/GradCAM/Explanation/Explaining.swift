import Graph

extension Explainer {
  /// Explains a class of the image that was classified last, at every tap by every method.
  ///
  /// Throws `usage` where the class or a method does not exist.
  public func explain(
    classIndex: Int, of image: PreparedImage, methods: [String] = ["gradcam"], score: ScoreKind = .logit,
    fusion: Fusion? = nil, smoothing: Set<Smoothing> = [], skipsUnsupported: Bool = false
  ) throws -> [Explanation] {
    try explain(
      target(classIndex: classIndex, score: score), of: image, methods: methods, fusion: fusion, smoothing: smoothing,
      skipsUnsupported: skipsUnsupported)
  }

  /// Explains a target of the image that was classified last, at every tap by every method.
  ///
  /// - Parameters:
  ///   - target: a number made of the value that the explainer was planned for.
  ///   - fusion: how the maps of all taps become one; nil for one each.
  ///   - skipsUnsupported: whether a method that cannot do a tap or a target is left out, with a warning in the others.
  ///   - progress: told the part that is done, from 0 to 1, where a method takes long.
  ///
  /// Throws `usage` where a method does not exist, `unsupported` where a method cannot do what is asked for.
  public func explain(
    _ target: any Target, of image: PreparedImage, methods names: [String] = ["gradcam"], fusion: Fusion? = nil,
    smoothing: Set<Smoothing> = [], skipsUnsupported: Bool = false, progress: @escaping (Double) -> Void = { _ in }
  ) throws -> [Explanation] {
    let methods = try names.map { try CAMMethods.named($0, following: compatibility) }
    try session.backward(from: target)
    let score = target.score(session.contents), scored = (target as? ClassTarget).map(scored)
    let taps = session.taps.indices.map(session.tap), sizes = taps.map { tap in methods.map { $0.passCount(at: tap) } }
    let augmentations = smoothing.contains(.aug) ? Augmentation.all : [.none]
    let meter = WorkMeter(augmentations.count * sizes.joined().reduce(0, +), report: progress)

    // By tap and method, one for each augmentation; nil where the method cannot do the tap.
    var maps = [[[HeatMap]?]](repeating: methods.map { _ in [] }, count: taps.count)
    var skipped = [[Warning]](repeating: [], count: taps.count)
    for augmentation in augmentations {
      let session = try seen(through: augmentation, image, target)
      session.passed = meter.advance
      defer { session.passed = { _ in } }
      for index in taps.indices {
        let tap = session === self.session ? taps[index] : session.tap(index)
        let probe = session.probe(index, of: target)
        for (number, method) in methods.enumerated() where maps[index][number] != nil {
          do {
            let map = try meter.measure(sizes[index][number]) {
              try smoothing.contains(.eigen)
                ? method.principalComponent(names[number], of: tap, probe: probe) : method.map(of: tap, probe: probe)
            }
            maps[index][number]!.append(augmentation.undone(map))
          } catch let error as GradCAMError where skipsUnsupported && error.kind == .unsupported {
            maps[index][number] = nil
            skipped[index].append(Warning(code: "method-skipped", text: "\(session.taps[index].label): \(error)"))
          }
        }
      }
    }

    let saturated = saturation(of: target, scored)
    lazy var source = Result { try session.nonFiniteSource(target) }
    let groups = fusion == nil ? taps.indices.map { [$0] } : [Array(taps.indices)]
    return try groups.flatMap { nodes in
      try methods.indices.compactMap { number in
        let found = nodes.compactMap { maps[$0][number] }
        guard found.count == nodes.count else { return nil }
        let warnings = try nodes.enumerated().flatMap { place, index in
          let notes = session.taps[index].notes.map { Warning(code: "node", text: $0) }
          let about = try Warning.about(
            found[place][0], from: taps[index], extraTokens: session.taps[index].layout!.extraTokens,
            isRectified: compatibility != .captum, scores: session.contents
          ) { try source.get() }
          return nodes.count > 1 ? (notes + about).map { $0.about(node: session.taps[index].label) } : notes + about
        }
        let drawing = MapDrawing(
          maps: augmentations.indices.map { change in found.map { $0[change] } }, fusion: fusion,
          compatibility: compatibility)
        let input = PreprocessingGeometry(original: session.inputSize, resized: session.inputSize)
        return Explanation(
          target: target, score: score, scored: scored, nodes: nodes.map { session.taps[$0].label },
          tensors: nodes.map { session.taps[$0].tensor }, method: names[number], fusion: fusion,
          smoothing: Smoothing.allCases.filter(smoothing.contains),
          map: fusion == nil && augmentations.count == 1 ? found[0][0] : drawing.drawn(over: input),
          drawing: drawing, geometry: image.geometry, tap: nodes.count == 1 ? taps[nodes[0]] : nil,
          warnings: warnings + saturated + nodes.flatMap { skipped[$0] })
      }
    }
  }

  /// A session that has run forward and back for a changed image.
  private func seen(through augmentation: Augmentation, _ image: PreparedImage, _ target: any Target) throws -> Session
  {
    guard !augmentation.isNone else { return session }
    let companion = session.companion
    try companion.forward(augmentation.applied(to: image.tensor, session.model.imageShape.layout))
    try companion.backward(from: target)
    return companion
  }

  private func scored(_ target: ClassTarget) -> ScoredClass {
    ScoredClass(
      index: target.index, label: target.label, logit: target.head.classScores(session.contents)[target.index],
      probability: target.head.probabilities(session.contents)[target.index])
  }

  /// A warning where a probability is explained whose derivative, p (1 − p), is smaller than float32 can tell.
  private func saturation(of target: any Target, _ scored: ScoredClass?) -> [Warning] {
    guard let target = target as? ClassTarget, target.kind == .probability, let probability = scored?.probability,
      probability * (1 - probability) < 1e-6
    else { return [] }
    return [.saturated(target, probability: probability)]
  }
}

extension CAMMethod {
  /// The first principal component of what the method sums.
  ///
  /// Throws `unsupported` where the method's map is no weighted sum over channels.
  fileprivate func principalComponent(_ name: String, of tap: Tap, probe: Probe) throws -> HeatMap {
    guard let method = self as? any WeightingMethod else {
      throw GradCAMError(
        .unsupported, at: "--smooth eigen", problem: "\(name) is no weighted sum over channels",
        advice: "choose a method that is, such as gradcam or layercam, or leave it out")
    }
    return try method.weighting(of: tap, probe: probe).principalComponent()
  }
}
