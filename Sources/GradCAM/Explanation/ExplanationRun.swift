import Graph

/// A method by the name that it was asked for.
struct NamedMethod {
  let name: String
  let method: any CAMMethod
}

/// What a method found at a tap: a map for each change of the image, of a concept where it finds several.
private struct MethodMaps {
  var maps: [HeatMap] = []
  let concept: Concept?
}

/// One target of one image on its way through methods: first the maps of all of them at all taps, then what is told of
/// them.
struct ExplanationRun {
  private let explainer: Explainer
  private let target: any Target
  private let image: PreparedImage
  private let methods: [NamedMethod]
  private let fusion: Fusion?
  private let smoothing: Set<Smoothing>
  private let augmentations: [Augmentation]
  /// What the session calls the taps.
  private let places: [Int]
  private let taps: [Tap]
  /// By tap and method; nil where the method cannot do the tap, or has no need of it.
  private var found: [[[MethodMaps]?]]
  private var skipped: [[Warning]]

  private var session: Session { explainer.session }

  /// For a session that has walked back from the target.
  ///
  /// - Parameter places: the session's taps that are of interest.
  init(
    explainer: Explainer, target: any Target, image: PreparedImage, taps places: [Int], methods: [NamedMethod],
    fusion: Fusion? = nil, smoothing: Set<Smoothing> = []
  ) {
    self.explainer = explainer
    self.target = target
    self.image = image
    self.methods = methods
    self.fusion = fusion
    self.smoothing = smoothing
    augmentations = smoothing.contains(.aug) ? Augmentation.all : [.none]
    self.places = places
    taps = places.map(explainer.session.tap)
    found = taps.indices.map { index in
      methods.map { index == 0 || $0.method.scope == .node ? [] : nil }
    }
    skipped = taps.map { _ in [] }
  }

  /// Makes the maps.
  ///
  /// - Parameter skipsUnsupported: whether a method that cannot do what is asked for is left out.
  ///
  /// Throws `unsupported` where it is not.
  mutating func makeMaps(skipsUnsupported: Bool, progress: @escaping (Double) -> Void) throws {
    let sizes = taps.indices.map { tap in
      methods.indices.map { found[tap][$0] == nil ? 0 : methods[$0].method.passCount(at: taps[tap]) }
    }
    let meter = WorkMeter(augmentations.count * sizes.joined().reduce(0, +), report: progress)
    for augmentation in augmentations {
      let session = try seen(through: augmentation)
      session.passed = meter.advance
      defer { session.passed = { _ in } }
      for index in taps.indices {
        let tap = session === self.session ? taps[index] : session.tap(places[index])
        let probe = session.probe(places[index], of: target)
        probe.settings = explainer.settings
        for (number, method) in methods.enumerated() {
          guard let before = found[index][number] else { continue }
          do {
            let maps = try meter.measure(sizes[index][number]) { try self.maps(by: method, of: tap, probe) }
            found[index][number] = maps.enumerated().map { place, map in
              let earlier = before.isEmpty ? MethodMaps(concept: map.concept) : before[place]
              return MethodMaps(maps: earlier.maps + [augmentation.undone(map.map)], concept: earlier.concept)
            }
          } catch let error as GradCAMError where skipsUnsupported && error.kind == .unsupported {
            found[index][number] = nil
            skipped[index].append(
              Warning(code: .methodSkipped, text: "\(session.taps[places[index]].label): \(error)"))
          }
        }
      }
    }
  }

  private func maps(
    by named: NamedMethod, of tap: Tap, _ probe: Probe
  ) throws -> [(map: HeatMap, concept: Concept?)] {
    if let method = named.method as? any ConceptMethod {
      guard smoothing.isEmpty, fusion == nil else {
        throw GradCAMError(
          .unsupported, at: "\(.method, named.name)",
          problem: "finds other concepts in every node and image, which cannot be fused or smoothed",
          advice: "leave out \(.fuse) and \(.smooth)")
      }
      return try method.concepts(of: tap, probe: probe).enumerated().map { index, concept in
        let scored = concept.logits.flatMap { explainer.classes(of: $0, count: 1).first }
        return (concept.map, Concept(number: index + 1, scored: scored))
      }
    }
    guard smoothing.contains(.eigen) else { return [(try named.method.map(of: tap, probe: probe), nil)] }
    guard let method = named.method as? any WeightingMethod else {
      throw GradCAMError(
        .unsupported, at: "\(.smooth, "eigen")", problem: "\(named.name) is no weighted sum over channels",
        advice: "choose a method that is, such as gradcam or layercam, or leave it out")
    }
    return [(try method.weighting(of: tap, probe: probe).principalComponent(), nil)]
  }

  /// A session that has run forward and back for a changed image.
  private func seen(through augmentation: Augmentation) throws -> Session {
    guard !augmentation.isNone else { return session }
    let companion = session.companion
    try companion.forward(augmentation.applied(to: image.tensor, session.model.imageShape.layout))
    try companion.backward(from: target)
    return companion
  }

  /// The explanations by nodes, in the methods' order; what is of all nodes together, or of the whole network, stands with
  /// the first.
  ///
  /// - Parameter tellsIgnoredNodes: whether a warning tells where a method had no use for the nodes.
  func explanations(tellsIgnoredNodes: Bool) throws -> [[Explanation]] {
    let groups = fusion == nil ? taps.indices.map { [$0] } : [Array(taps.indices)]
    let common = try facts()
    return try groups.enumerated().map { group, nodes in
      try methods.indices.flatMap { number in
        let scope = methods[number].method.scope
        guard scope == .node || group == 0 else { return [Explanation]() }
        let nodes = scope == .node ? nodes : scope == .nodes ? Array(taps.indices) : [0]
        let found = (scope == .node ? nodes : [0]).compactMap { self.found[$0][number] }
        guard found.count == nodes.count || scope != .node, let first = found.first else { return [] }
        // Maps of several nodes that are fused, else each of one node's concepts.
        let parts = found.count > 1 ? [found.map { $0[0] }] : first.map { [$0] }
        return try parts.map { part in
          var explanation = try self.explanation(methods[number], nodes, part, common)
          if scope == .network, tellsIgnoredNodes {
            explanation.warnings.append(.ignoredNode(by: methods[number].name))
          }
          return explanation
        }
      }
    }
  }

  /// What holds for all explanations of the target.
  private struct Facts {
    let score: Float
    let scored: ScoredClass?
    /// What is to be said of the score.
    let aboutScore: [Warning]
    /// Where numbers come from that are not finite; nil where all are.
    let origin: NonFiniteSource?
  }

  private func facts() throws -> Facts {
    let scored = (target as? ClassTarget).map { explainer.scoredClasses(session.contents)[$0.index] }
    let maps = found.joined().compactMap { $0 }.joined().compactMap(\.maps.first)
    let score = try target.score(session.contents), hasFiniteContents = session.contents.allSatisfy(\.isFinite)
    let isFinite = hasFiniteContents && maps.allSatisfy { $0.values.allSatisfy(\.isFinite) }
    return Facts(
      score: score, scored: scored,
      aboutScore: saturation(scored) + (hasFiniteContents && !score.isFinite ? [.notFinite(target)] : []),
      origin: isFinite ? nil : try session.nonFiniteSource(target))
  }

  /// A warning where a probability is explained whose derivative, p (1 − p), is smaller than float32 can tell.
  private func saturation(_ scored: ScoredClass?) -> [Warning] {
    guard let target = target as? ClassTarget, target.kind == .probability, let probability = scored?.probability,
      probability * (1 - probability) < 1e-6
    else { return [] }
    return [.saturated(target, probability: probability)]
  }

  /// - Parameters:
  ///   - nodes: the taps that the map is of.
  ///   - found: the maps, one for each of several taps that are fused.
  private func explanation(
    _ named: NamedMethod, _ nodes: [Int], _ found: [MethodMaps], _ common: Facts
  ) throws -> Explanation {
    let scope = named.method.scope, isFused = scope == .node && fusion != nil
    let drawing = MapDrawing(
      maps: augmentations.indices.map { change in found.map { $0.maps[change] } }, fusion: isFused ? fusion : nil,
      compatibility: explainer.compatibility,
      isRectified: explainer.compatibility.rectifies && named.method.isRectified)
    let warnings = zip(nodes, found).flatMap { index, found in
      let about = Warning.about(
        found.maps[0], from: scope == .network ? nil : taps[index],
        extraTokens: session.taps[places[index]].layout!.extraTokens, isRectified: drawing.isRectified,
        scores: session.contents
      ) { common.origin! }
      return nodes.count > 1 && isFused ? about.map { $0.about(node: session.taps[places[index]].label) } : about
    }
    let notes = (scope == .network ? [] : nodes).flatMap { index in
      let notes = session.taps[places[index]].notes.map { Warning(code: .node, text: Message($0)) }
      return nodes.count > 1 ? notes.map { $0.about(node: session.taps[places[index]].label) } : notes
    }
    let input = PreprocessingGeometry(original: session.inputSize, resized: session.inputSize)
    let inputName = session.model.graph.values[session.model.imageInput].name
    return Explanation(
      target: target, score: common.score, scored: common.scored,
      nodes: scope == .network ? [inputName] : nodes.map { session.taps[places[$0]].label },
      tensors: scope == .network ? [inputName] : nodes.map { session.taps[places[$0]].tensor }, method: named.name,
      concept: found[0].concept, fusion: drawing.fusion, smoothing: Smoothing.allCases.filter(smoothing.contains),
      map: isFused || augmentations.count > 1 ? drawing.drawn(over: input) : found[0].maps[0], drawing: drawing,
      geometry: image.geometry, tap: nodes.count == 1 ? taps[nodes[0]] : nil,
      warnings: notes + warnings + common.aboutScore + nodes.flatMap { skipped[$0] })
  }
}
