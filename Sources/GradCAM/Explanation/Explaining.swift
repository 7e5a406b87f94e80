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
    _ target: any Target, of image: PreparedImage, methods: [String] = ["gradcam"], fusion: Fusion? = nil,
    smoothing: Set<Smoothing> = [], skipsUnsupported: Bool = false, progress: @escaping (Double) -> Void = { _ in }
  ) throws -> [Explanation] {
    try explainByNode(
      target, of: image, methods: methods, fusion: fusion, smoothing: smoothing, skipsUnsupported: skipsUnsupported,
      progress: progress
    ).flatMap { $0 }
  }

  /// The same, node by node; what is of all nodes together, or of the whole network, stands with the first.
  package func explainByNode(
    _ target: any Target, of image: PreparedImage, methods: [String], fusion: Fusion?, smoothing: Set<Smoothing>,
    skipsUnsupported: Bool, progress: @escaping (Double) -> Void
  ) throws -> [[Explanation]] {
    let registry = session.model.registry
    let methods = try methods.map {
      NamedMethod(name: $0, method: try registry.method(named: $0, following: compatibility))
    }
    try session.backward(from: target)
    var run = ExplanationRun(
      explainer: self, target: target, image: image, taps: Array(session.taps.indices), methods: methods,
      fusion: fusion, smoothing: smoothing)
    try run.makeMaps(skipsUnsupported: skipsUnsupported, progress: progress)
    return try run.explanations(tellsIgnoredNodes: namesNodes && !skipsUnsupported)
  }

  /// Explains a target of the image that was classified last at every tap by one method, tap after tap.
  ///
  /// Of many taps, few activations are in memory twice; the explanations do not hold them. Where the explainer visits nodes,
  /// each is seen while the gradient walks by, and only once for each time that the image is classified.
  ///
  /// Throws what `explain` throws, and `defect` where the method needs more than the tap of a node that is visited.
  public func sweep(_ target: any Target, of image: PreparedImage, method name: String) throws -> [Explanation] {
    let method = NamedMethod(
      name: name, method: try session.model.registry.method(named: name, following: compatibility))
    guard !session.visitsTaps || method.method is any TapMethod else {
      throw GradCAMError(.defect, at: "\(.method, name)", problem: "asks for more than nodes that are visited tell")
    }
    var found = [[Explanation]](repeating: [], count: session.taps.count)
    try session.backward(from: target) { place in
      var run = ExplanationRun(explainer: self, target: target, image: image, taps: [place], methods: [method])
      try run.makeMaps(skipsUnsupported: false, progress: { _ in })
      found[place] = try run.explanations(tellsIgnoredNodes: false)[0].map(\.withoutTap)
    }
    return found.flatMap { $0 }
  }

  /// The number of explanations that some methods make of a target.
  ///
  /// Throws `usage` where a method does not exist.
  public func mapCount(of methods: [String], fusion: Fusion? = nil) throws -> Int {
    try methods.reduce(0) { count, name in
      let method = try session.model.registry.method(named: name)
      return count
        + (method.scope == .node && fusion == nil ? session.taps.count : 1)
        * (method is any ConceptMethod ? settings.conceptCount : 1)
    }
  }
}
