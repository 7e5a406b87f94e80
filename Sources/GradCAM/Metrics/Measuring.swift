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
  /// A class is measured by its probability, any other target by its own score. Further maps are made of each
  /// explanation's own target.
  ///
  /// Throws `unsupported` for a metric that is not defined for an explanation.
  public func measure(
    _ explanations: [Explanation], of observation: Observation, by metrics: [any Metric],
    boxes: [PixelRectangle] = [], progress: (Double) throws -> Void = { _ in }
  ) throws -> [[Double?]] {
    try Metrics.check(
      metrics, rank: model.imageShape.rank, explainsClasses: explanations.allSatisfy { $0.target is ClassTarget })
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
          content: explanations[place].geometry.content, classed: explanations[place].classed(of: focused),
          layerCount: (try? focused.planner.layers(before: focused.focus.explained).count) ?? 0,
          pictureMap: explanations[place].drawnMap(),
          unrectifiedMap: { explanations[place].contentMap(isRectified: false) })
      }
      let remaking = Remaking(explainer: self, explanations: places.map { explanations[$0] }, observation: focused)
      let numbers = try Self.measure(maps, by: metrics, probe, remaking: remaking) {
        try progress((Double(done) + $0 * Double(places.count)) / Double(explanations.count))
      }
      for (place, numbers) in zip(places, numbers) { measured[place] = numbers }
      done += places.count
    }
    return measured
  }

  /// Metrics of maps of one class.
  ///
  /// - Parameters:
  ///   - probe: a probe of the class's probability.
  ///   - remaking: makes further maps of the explanations that the maps are of; nil if no metric asks for any.
  static func measure(
    _ maps: [MeasuredMap], by metrics: [any Metric], _ probe: Probe, remaking: Remaking? = nil,
    progress: (Double) throws -> Void = { _ in }
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
    let requests = maps.map { map in metrics.map { $0.remakes(of: map) } }
    let remakeCount = requests.joined().reduce(0) { $0 + $1.count }
    /// The share of the work that changed images are.
    let share = Double(changes.count) / Double(max(changes.count + remakeCount, 1))
    var done = 0
    let probabilities =
      changes.isEmpty
      ? []
      : try withoutActuallyEscaping(progress) { progress in
        try probe.scores(
          ofInputs: changes.count,
          passed: { count in
            done += count
            try progress(share * Double(done) / Double(changes.count))
          }
        ) { [changes] index, input in probe.setInput(input, to: changes[index].planes()) }
      }
    let remade =
      remakeCount == 0
      ? maps.map { _ in [] }
      : try remaking!.maps(requests.map { Array($0.joined()) }) { try progress(share + (1 - share) * $0) }
    return maps.indices.map { index in
      var remade = remade[index][...]
      return metrics.indices.map { number in
        let answers = MetricAnswers(
          probabilities: places[index][number].map { Double(probabilities[$0]) },
          maps: Array(remade.prefix(requests[index][number].count)))
        remade = remade.dropFirst(answers.maps.count)
        let value = metrics[number].value(of: maps[index], answers)
        return value.flatMap { $0.isFinite ? $0 : nil }
      }
    }
  }
}

extension Explanation {
  /// The class explained, and how many there are; nil if something else is explained.
  fileprivate func classed(of observation: Observation) -> (index: Int, count: Int)? {
    (target as? ClassTarget).map { ($0.index, observation.classCount) }
  }

  /// What metrics ask about: the probability of the class, else the target itself.
  fileprivate var measuredTarget: any Target {
    guard let target = target as? ClassTarget else { return target }
    return ClassTarget(target.index, label: target.label, kind: .probability, head: target.head)
  }
}
