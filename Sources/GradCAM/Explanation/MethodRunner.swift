import Graph

/// A method with the name by which it was requested.
struct NamedMethod {
  let name: String
  let method: any CAMMethod
}

/// What a method found at a tap: one map per augmentation, of one concept if it finds several.
private struct MethodMaps {
  var maps: [HeatMap]
  var concept: Concept?
  var completeness: Completeness?
}

/// Runs methods for one target of one image: first the maps of all methods at all taps, then the explanations.
struct MethodRunner {
  private let explainer: Explainer
  private let target: any Target
  private let observation: Observation
  private let methods: [NamedMethod]
  private let fusion: Fusion?
  private let smoothing: Set<Smoothing>
  private let augmentations: [Augmentation]
  /// The positions of the taps among the observation's.
  private let places: [Int]
  private let taps: [Tap]
  /// By tap and method; nil if the method cannot do the tap or does not need it.
  private var found: [[[MethodMaps]?]]
  private var skipped: [[Warning]]

  /// - Parameters:
  ///   - places: the observation's taps that are of interest.
  ///   - taps: activation and gradient there.
  init(
    explainer: Explainer, target: any Target, observation: Observation, places: [Int], taps: [Tap],
    methods: [NamedMethod], fusion: Fusion? = nil, smoothing: Set<Smoothing> = []
  ) {
    (self.explainer, self.target, self.observation) = (explainer, target, observation)
    (self.methods, self.fusion, self.smoothing) = (methods, fusion, smoothing)
    augmentations = smoothing.contains(.aug) ? Augmentation.all : [.none]
    (self.places, self.taps) = (places, taps)
    found = taps.indices.map { index in methods.map { index == 0 || $0.method.scope == .node ? [] : nil } }
    skipped = taps.map { _ in [] }
  }

  /// Makes the maps.
  ///
  /// - Parameters:
  ///   - skipsUnsupported: whether a method that does not support the request is skipped.
  ///   - progress: receives the fraction done and the method at work; what it throws ends the work.
  ///
  /// Throws `unsupported` otherwise.
  mutating func makeMaps(
    skipsUnsupported: Bool, progress: @escaping (Double, _ method: String) throws -> Void
  ) throws {
    let sizes = taps.indices.map { tap in
      methods.indices.map { found[tap][$0] == nil ? 0 : max(methods[$0].method.passCount(at: taps[tap]), 1) }
    }
    var current = ""
    let meter = WorkMeter(augmentations.count * sizes.joined().reduce(0, +)) { try progress($0, current) }
    for augmentation in augmentations {
      let (observation, taps) = try seen(through: augmentation)
      for (index, tap) in taps.enumerated() {
        let probe = Probe(
          observation, tap: places[index], target: target, taps: taps, passed: meter.advance)
        for (number, method) in methods.enumerated() {
          guard let before = found[index][number] else { continue }
          current = method.name
          do {
            let maps = try meter.measure(sizes[index][number]) { try self.maps(by: method, of: tap, probe) }
            found[index][number] = maps.enumerated().map { place, found in
              var joined = before.isEmpty ? found : before[place]
              joined.maps = (before.isEmpty ? [] : joined.maps) + [augmentation.undone(found.maps[0])]
              return joined
            }
          } catch let error as GradCAMError where skipsUnsupported && error.kind == .unsupported {
            found[index][number] = nil
            skipped[index].append(
              Warning(code: .methodSkipped, text: "\(observation.taps[places[index]].label): \(error)"))
          }
        }
      }
    }
  }

  /// What a method finds at a tap for one augmentation.
  private func maps(by named: NamedMethod, of tap: Tap, _ probe: Probe) throws -> [MethodMaps] {
    if let method = named.method as? any ConceptMethod {
      guard smoothing.isEmpty, fusion == nil, groups.allSatisfy({ $0.count == 1 }) else {
        throw GradCAMError(
          .unsupported, at: "\(.method, named.name)",
          problem: "finds different concepts in every node and image, which cannot be fused or smoothed",
          advice: "leave out \(.fuse) and \(.smooth)")
      }
      return try method.concepts(of: tap, probe: probe).enumerated().map { index, concept in
        let scored = concept.logits.flatMap { explainer.classes(of: $0, count: 1).first }
        return MethodMaps(maps: [concept.map], concept: Concept(number: index + 1, scored: scored))
      }
    }
    guard smoothing.contains(.eigen) else {
      let map = try named.method.map(of: tap, probe: probe)
      return [MethodMaps(maps: [map], completeness: probe.takeCompleteness())]
    }
    guard let method = named.method as? any WeightingMethod else {
      throw GradCAMError(
        .unsupported, at: "\(.smooth, "eigen")", problem: "\(named.name) is not a weighted sum over channels",
        advice: "choose a method that is, such as gradcam or layercam, or leave it out")
    }
    return [MethodMaps(maps: [try method.weighting(of: tap, probe: probe).principalComponent()])]
  }

  /// An augmented image, with activation and gradient at the taps.
  private func seen(through augmentation: Augmentation) throws -> (Observation, [Tap]) {
    guard !augmentation.isNone else { return (observation, taps) }
    guard target.boxes == nil, !observation.explainsPlaces else {
      throw GradCAMError(
        .unsupported, at: "\(.smooth, "aug")",
        problem: "mirrors the picture, where \(target.description) is at another place", advice: "leave it out")
    }
    let changed = try observation.sibling(
      augmentation.applied(to: observation.image.tensor, observation.model.imageShape))
    return (changed, try changed.taps(of: target))
  }

  /// The explanations by node, in the methods' order; those of all nodes together, or of the whole network, come with
  /// the first.
  ///
  /// - Parameter tellsIgnoredNodes: whether to warn about a method that ignores the nodes.
  func explanations(tellsIgnoredNodes: Bool) throws -> [[Explanation]] {
    let groups = fusion == nil ? self.groups : [Array(taps.indices)]
    let common = try facts()
    return try groups.enumerated().map { group, nodes in
      try methods.indices.flatMap { number in
        let scope = methods[number].method.scope
        guard scope == .node || group == 0 else { return [Explanation]() }
        let nodes = scope == .node ? nodes : scope == .nodes ? Array(taps.indices) : [0]
        let found = (scope == .node ? nodes : [0]).compactMap { self.found[$0][number] }
        guard found.count == nodes.count || scope != .node, let first = found.first else { return [] }
        // The maps of several nodes to fuse, else each of one node's concepts.
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

  /// The taps of each map that is not fused with others because the user says so.
  private var groups: [[Int]] {
    places.count == observation.taps.count ? observation.focus.groups : taps.indices.map { [$0] }
  }

  /// What all explanations of the target have in common.
  private struct Facts {
    let score: Float
    let scored: ScoredClass?
    let aboutScore: [Warning]
    /// The source of non-finite numbers; nil if all are finite.
    let origin: NonFiniteSource?
  }

  private func facts() throws -> Facts {
    let classes = target is ClassTarget ? explainer.scoredClasses(observation.contents) : []
    let scored = (target as? ClassTarget).map { classes[$0.index] }
    let maps = found.joined().compactMap { $0 }.joined().compactMap(\.maps.first)
    let score = try target.score(observation.contents), hasFiniteContents = observation.contents.allSatisfy(\.isFinite)
    let isFinite = hasFiniteContents && maps.allSatisfy { $0.values.allSatisfy(\.isFinite) }
    return Facts(
      score: score, scored: scored,
      aboutScore: saturation(scored) + [scored.flatMap { .improbable($0, among: classes) }].compactMap { $0 }
        + (hasFiniteContents && !score.isFinite ? [.notFinite(target)] : []),
      origin: isFinite ? nil : try observation.nonFiniteSource(target))
  }

  /// The image inputs on which taps depend; the first one for the whole network.
  private func shown(_ nodes: [Int]) -> [ShownImage] {
    let model = observation.model
    let values = nodes.map { observation.taps[places[$0]].value }
    let inputs = nodes.isEmpty ? [] : observation.focus.catalogue.images(of: values)
    let found = (inputs.isEmpty ? [model.imageInputs[0]] : inputs).compactMap { input in
      observation.image.part(for: input, of: model).map {
        ShownImage(
          input: input, picture: $0.picture, geometry: $0.geometry, tensor: $0.tensor, place: $0.place,
          source: $0.source)
      }
    }
    return found
  }

  /// A warning if a probability is explained whose derivative, p (1 − p), is too small for float32.
  private func saturation(_ scored: ScoredClass?) -> [Warning] {
    guard let target = target as? ClassTarget, target.kind == .probability, let probability = scored?.probability,
      probability * (1 - probability) < 1e-6
    else { return [] }
    return [.saturated(target, probability: probability)]
  }

  /// - Parameters:
  ///   - nodes: the taps that the map shows.
  ///   - found: the maps, one for each of several fused taps.
  private func explanation(
    _ named: NamedMethod, _ nodes: [Int], _ found: [MethodMaps], _ common: Facts
  ) throws -> Explanation {
    let scope = named.method.scope, fusion = self.fusion ?? (nodes.count > 1 ? .max : nil)
    let isFused = scope == .node && fusion != nil
    let drawing = MapDrawing(
      maps: augmentations.indices.map { change in
        zip(found, nodes).map { found, index in
          let layout = scope == .node ? observation.taps[places[index]].layout : nil
          return found.maps[change].covering(layout?.region ?? .whole)
        }
      }, fusion: isFused ? fusion : nil,
      compatibility: explainer.compatibility,
      isRectified: explainer.compatibility.rectifies && named.method.isRectified && !explainer.settings.isSigned,
      isSigned: explainer.settings.isSigned, isFineGrained: named.method.isFineGrained)
    var warnings = zip(nodes, found).flatMap { index, found in
      let about = Warning.about(
        found.maps[0], from: scope == .network ? nil : taps[index],
        extraTokens: observation.taps[places[index]].layout!.extraTokens, isRectified: drawing.isRectified,
        scores: observation.contents
      ) { common.origin! }
      return nodes.count > 1 && isFused ? about.map { $0.about(node: observation.taps[places[index]].label) } : about
    }
    // Not every feature map of a detector changes every box.
    if self.fusion == nil, warnings.count(where: \.code.meansEmptyMap) < nodes.count {
      warnings.removeAll(where: \.code.meansEmptyMap)
    }
    let notes = (scope == .network ? [] : nodes).flatMap { index in
      let notes = observation.taps[places[index]].notes.map { Warning(code: .node, text: Message($0)) }
      return nodes.count > 1 ? notes.map { $0.about(node: observation.taps[places[index]].label) } : notes
    }
    let shown = shown(scope == .network ? [] : nodes)
    let isOnPadding = !warnings.contains { $0.code.meansEmptyMap } && drawing.isOnPadding(of: shown[0].geometry)
    let inputSize = observation.planner.inputSize
    let input = PreprocessingGeometry(original: inputSize, resized: inputSize)
    let inputName = observation.model.graph.values[observation.model.imageInput].name
    return Explanation(
      target: target, explained: observation.explained,
      places: (scope == .network ? [0] : nodes).map { observation.focus.taps[places[$0]] },
      settings: explainer.settings, score: common.score, scored: common.scored,
      nodes: scope == .network ? [inputName] : nodes.map { observation.taps[places[$0]].label },
      tensors: scope == .network ? [inputName] : nodes.map { observation.taps[places[$0]].tensor },
      method: named.name,
      concept: found[0].concept, completeness: augmentations.count > 1 ? nil : found[0].completeness,
      fusion: drawing.fusion,
      smoothing: Smoothing.allCases.filter(smoothing.contains),
      map: isFused || augmentations.count > 1 ? drawing.drawn(over: input) : found[0].maps[0],
      drawing: drawing,
      shown: shown, tap: nodes.count == 1 ? taps[nodes[0]] : nil,
      warnings: observation.image.warnings + notes + warnings + (isOnPadding ? [.onPadding] : []) + common.aboutScore
        + nodes.flatMap { skipped[$0] })
  }
}
