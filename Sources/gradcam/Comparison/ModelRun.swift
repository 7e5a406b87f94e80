import GradCAM
import Graph

/// The run of one model over all images.
struct ModelRun {
  /// What the model saw in each case.
  let seen: [Seen]
  /// The model with its cost and the means of its metrics.
  let model: ComparedModel

  /// What a model saw in a case.
  struct Seen {
    /// The image's path.
    let image: String
    let warnings: [Warning]
    let result: ComparedResult
    /// The overlay as a grid cell.
    let overlay: PictureGrid.Cell
    /// The map at the size at which maps are compared, and the part of it that the network saw.
    let map: HeatMap, part: PixelRectangle
  }

  /// How maps are drawn and measured.
  struct Settings {
    let method: String
    let metrics: [any Metric]
    /// Whether maps by chance are measured, too.
    let measuresRandom: Bool
    let colormap: Colormap
    let blend: Float
    /// Whether metrics are of each model's own top class.
    let measuresOwnClass: Bool
  }

  /// Runs a model.
  ///
  /// - Parameters:
  ///   - number: the number of the model among all.
  ///   - cases: the images and classes.
  ///   - peak: the peak growth of memory while the model was planned and ran for the first time, in 2²⁰ bytes.
  ///   - progress: receives the fraction done and the image's path.
  init(
    name: String, _ settings: Settings, _ explainer: Explainer, _ number: Int, _ cases: [ComparedCase], peak: Double?,
    progress: (Double, String) -> Void
  ) throws {
    let planner = explainer.planner, focus = explainer.focus, path = explainer.model.path
    var times = Times(), seen: [Seen] = [], right: [String: Bool] = [:]
    for (index, each) in cases.enumerated() {
      let share = Double(index) / Double(cases.count)
      progress(share, each.image)
      let prepared = try explainer.prepare(contentsOf: each.image)
      let target = try explainer.target(classIndex: each.asked.indices[number])
      // The very first run is slower than the others, and a median needs several runs.
      for _ in 0..<(cases.count < 3 && index == 0 ? 3 : 1) {
        try times.measure(explainer, prepared, target, method: settings.method)
      }
      let (observation, explanation) = try times.measure(explainer, prepared, target, method: settings.method)
      let top = try explainer.classes(of: observation, count: 1)[0]
      if !each.truth.isEmpty { right[each.image] = each.truth[number].contains(top.index) }
      let isOwn = !settings.measuresOwnClass || top.index == target.index
      let measured =
        isOwn
        ? explanation
        : try explainer.explain(classIndex: top.index, of: observation, methods: [settings.method])[0]
      let chance =
        settings.measuresRandom
        ? try explainer.explain(measured.target, of: observation, methods: [EvaluationReport.random]) : []
      let values = try explainer.measure(
        [measured] + chance, of: observation, by: settings.metrics, boxes: each.boxes
      ) { part in
        progress(share + part / Double(cases.count), each.image)
      }
      seen.append(try Self.seen(name, each.image, explanation, top, each.picture, values, settings))
    }
    self.seen = seen
    func means(_ values: (ComparedResult) -> [String: Double?]) -> [ComparedMean] {
      settings.metrics.map { metric in
        ComparedMean(seen.map { ($0.image, values($0.result)[metric.name] ?? nil) })
      }
    }
    func byMetric<Value>(_ means: [ComparedMean], _ value: (ComparedMean) -> Value) -> [String: Value] {
      Dictionary(uniqueKeysWithValues: zip(settings.metrics.map(\.name), means.map(value)))
    }
    let own = means(\.metrics)
    model = ComparedModel(
      name: name, path: path, node: focus.taps[0].label,
      input: "\(planner.inputSize.width)x\(planner.inputSize.height)", preprocessing: explainer.preprocessingText,
      classes: focus.catalogue.classCount,
      cost: ComparedModel.Cost(
        parameters: explainer.model.parameterCount, gflop: try planner.operationCount(focus) / 1e9,
        forward_ms: times.forward, explanation_ms: times.explanation, peak_mb: peak),
      accuracy: right.isEmpty ? nil : Double(right.values.count { $0 }) / Double(right.count),
      means: byMetric(own, \.mean), intervals: byMetric(own, \.interval),
      random: settings.measuresRandom ? byMetric(means { $0.random ?? [:] }, \.mean) : nil,
      warnings: explainer.warnings.map(WarningReport.init))
  }

  /// Writes what is said about its maps to standard error, each once with the images that it is about.
  func tellWarnings() {
    let found = ToldWarnings.grouped(seen.flatMap { seen in seen.warnings.map { ($0, seen.image) } })
    for (warning, images) in found { Console.tell(warning, about: "\(model.name), \(images.withoutRepeats.listed)") }
  }

  private static func seen(
    _ name: String, _ image: String, _ explanation: Explanation, _ top: ScoredClass, _ picture: ComparedPicture,
    _ values: [[Double?]], _ settings: Settings
  ) throws -> Seen {
    func byMetric(_ values: [Double?]) -> [String: Double?] {
      Dictionary(uniqueKeysWithValues: zip(settings.metrics.map(\.name), values))
    }
    let map = explanation.drawnMap(size: picture.pageSize)
    let heat = (map.seen.map(map.cropped) ?? map).colored(with: settings.colormap)
    let scored = explanation.scored!, cell = picture.cell
    let overlay = DrawingStyle.overlay.draw(
      explanation.drawnMap(size: PixelSize(width: cell.width, height: cell.height)), on: cell,
      colormap: settings.colormap, blend: settings.blend)
    return Seen(
      image: image, warnings: explanation.warnings,
      result: ComparedResult(
        model: name, class: scored.index, label: scored.label, logit: scored.logit, probability: scored.probability,
        top: TopClass(class: top.index, label: top.label, probability: top.probability),
        metrics: byMetric(values[0]), random: settings.measuresRandom ? byMetric(values[1]) : nil,
        warnings: explanation.warnings.map(WarningReport.init), heat: try heat.encoded(for: "heat.jpg"),
        seen: map.seen?.scaled(from: map.size, to: picture.size)),
      overlay: try PictureGrid.Cell(overlay, label: "\(percent(scored.probability)) \(name)"),
      map: explanation.drawnMap(size: picture.comparedSize), part: explanation.seen(size: picture.comparedSize))
  }

  /// How long passes took.
  private struct Times {
    private var forwards: [Double] = []
    private var explanations: [Double] = []

    /// Explains an image and records how long it took.
    @discardableResult
    mutating func measure(
      _ explainer: Explainer, _ image: PreparedImage, _ target: ClassTarget, method: String
    ) throws -> (Observation, Explanation) {
      let clock = ContinuousClock(), start = clock.now
      let observation = try explainer.observe(image)
      let middle = clock.now
      let explanation = try explainer.explain(target, of: observation, methods: [method])[0]
      forwards.append((middle - start).milliseconds)
      explanations.append((clock.now - start).milliseconds)
      return (observation, explanation)
    }

    // Without the first run, which is slower.
    var forward: Double { Array(forwards.dropFirst()).median }
    var explanation: Double { Array(explanations.dropFirst()).median }
  }
}
