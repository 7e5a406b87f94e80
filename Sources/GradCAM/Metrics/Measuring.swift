import Graph

extension Explainer {
  /// Metrics of explanations of an image.
  ///
  /// The changed images of all of them run together, in batches if the model takes them.
  ///
  /// - Parameters:
  ///   - observation: of the image that they explain, whatever it is asked about.
  ///   - boxes: the objects that the maps should show, in the original picture.
  ///   - progress: receives the fraction done, from 0 to 1; what it throws ends the work.
  ///
  /// - Returns: for each explanation one number per metric, nil if it is not defined or not finite, or if the map is not
  ///   of the first image input.
  ///
  /// A class is measured by its probability, any other target by its own score.
  ///
  /// Throws `unsupported` for a metric that is not defined for an explanation.
  public func measure(
    _ explanations: [Explanation], of observation: Observation, by metrics: [any Metric],
    boxes: [PixelRectangle] = [], progress: (Double) throws -> Void = { _ in }
  ) throws -> [[Double?]] {
    try Metrics.check(metrics, rank: model.imageShape.rank)
    let targets = explanations.map(\.measuredTarget)
    var measured = [[Double?]](repeating: metrics.map { _ in nil }, count: explanations.count)
    var done = 0
    for name in targets.map(\.description).withoutRepeats {
      let places = targets.indices.filter {
        targets[$0].description == name && explanations[$0].shown[0].input.value == model.imageInput
      }
      guard !places.isEmpty else { continue }
      let focused = try observation.focused(on: explanations[places[0]].explained)
      let probe = Probe(focused, tap: 0, target: targets[places[0]])
      let planes = probe.inputPlanes, probability = Double(try probe.score)
      let maps = places.map { place in
        MeasuredMap(
          explanations[place].inputMap(), of: planes, probability: probability, boxes: boxes,
          content: explanations[place].geometry.content, pictureMap: explanations[place].drawnMap())
      }
      let numbers = try Self.measure(maps, by: metrics, probe) {
        try progress((Double(done) + $0 * Double(places.count)) / Double(explanations.count))
      }
      for (place, numbers) in zip(places, numbers) { measured[place] = numbers }
      done += places.count
    }
    return measured
  }

  /// Metrics of maps of one class.
  ///
  /// - Parameter probe: a probe of the class's probability.
  static func measure(
    _ maps: [MeasuredMap], by metrics: [any Metric], _ probe: Probe, progress: (Double) throws -> Void = { _ in }
  ) throws -> [[Double?]] {
    var changes: [ImageChange] = []
    /// The positions among all changes of those that each metric of each map asks for.
    let places = maps.map { map in
      var known: [String: Int] = [:]
      return metrics.map { metric in
        metric.changes(of: map).map { change in
          if let place = known[change.name] { return place }
          known[change.name] = changes.count
          changes.append(change)
          return changes.count - 1
        }
      }
    }
    var done = 0
    let probabilities =
      changes.isEmpty
      ? []
      : try withoutActuallyEscaping(progress) { progress in
        try probe.scores(
          ofInputs: changes.count,
          passed: { count in
            done += count
            try progress(Double(done) / Double(changes.count))
          }
        ) { [changes] index, input in probe.setInput(input, to: changes[index].planes()) }
      }
    return zip(maps, places).map { map, places in
      zip(metrics, places).map { metric, places in
        let value = metric.value(of: map, probabilities: places.map { Double(probabilities[$0]) })
        return value.flatMap { $0.isFinite ? $0 : nil }
      }
    }
  }
}

extension Explanation {
  /// What metrics ask about: the probability of the class, else the target itself.
  fileprivate var measuredTarget: any Target {
    guard let target = target as? ClassTarget else { return target }
    return ClassTarget(target.index, label: target.label, kind: .probability, head: target.head)
  }
}
