import Graph

extension Explainer {
  /// Metrics of explanations of an image.
  ///
  /// The changed images of all of them run together, in batches if the model takes them.
  ///
  /// - Parameters:
  ///   - boxes: the objects that the maps should show, in the original picture.
  ///   - progress: receives the fraction done, from 0 to 1; what it throws ends the work.
  ///
  /// - Returns: for each explanation one number per metric, nil if it is not defined or not finite, or if the map is not
  ///   of the first image input.
  ///
  /// Throws `unsupported` if the target is not a class's score.
  public func measure(
    _ explanations: [Explanation], of observation: Observation, by metrics: [any Metric],
    boxes: [PixelRectangle] = [], progress: (Double) throws -> Void = { _ in }
  ) throws -> [[Double?]] {
    let targets = try explanations.map { try probability(explainedBy: $0) }
    var measured = [[Double?]](repeating: metrics.map { _ in nil }, count: explanations.count)
    var done = 0
    for index in Set(targets.map(\.index)).sorted() {
      let places = targets.indices.filter {
        targets[$0].index == index && explanations[$0].shown[0].input.value == model.imageInput
      }
      guard !places.isEmpty else { continue }
      let probe = Probe(observation, tap: 0, target: targets[places[0]])
      let planes = probe.inputPlanes, probability = Double(try probe.score)
      let maps = places.map { place in
        MeasuredMap(
          explanations[place].inputMap(), of: planes, probability: probability, boxes: boxes,
          pictureMap: explanations[place].drawnMap())
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

  /// The probability of the class that an explanation is about.
  private func probability(explainedBy explanation: Explanation) throws -> ClassTarget {
    guard let target = explanation.target as? ClassTarget else {
      throw GradCAMError(
        .unsupported, at: "metrics",
        problem: "are defined for the probability of a class; the target is \(explanation.target.description)",
        advice: "explain a class")
    }
    return ClassTarget(target.index, label: target.label, kind: .probability, head: target.head)
  }
}
