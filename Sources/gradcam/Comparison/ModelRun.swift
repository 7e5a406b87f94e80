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
    let colormap: Colormap
    let blend: Float
  }

  /// Runs a model.
  ///
  /// - Parameters:
  ///   - opened: opens and plans the model; the memory for this counts as the model's.
  ///   - cases: returns the images and classes, once the model is planned.
  ///   - progress: receives the fraction done and the image's path.
  init(
    name: String, _ settings: Settings, opened: () throws -> Explainer, cases: (Explainer) throws -> [ComparedCase],
    progress: (Double, String) -> Void
  ) throws {
    let memory = ProcessMemory()
    let explainer = try opened()
    let planner = explainer.planner, focus = explainer.focus, path = explainer.model.path
    try explainer.checkClasses()
    let cases = try cases(explainer)
    var times = Times(), peak: Double?, seen: [Seen] = []
    for (index, each) in cases.enumerated() {
      let share = Double(index) / Double(cases.count)
      progress(share, each.image)
      let prepared = try explainer.prepare(contentsOf: each.image)
      let target = try explainer.target(classIndex: each.index(in: explainer))
      // The very first run is slower than the others, and a median needs several runs.
      for _ in 0..<(cases.count < 3 && index == 0 ? 3 : 1) {
        try times.measure(explainer, prepared, target, method: settings.method)
      }
      let (observation, explanation) = try times.measure(explainer, prepared, target, method: settings.method)
      let top = try explainer.classes(of: observation, count: 1)[0]
      if index == 0 { peak = memory?.growth }
      let values = try explainer.measure(
        [explanation], of: observation, by: settings.metrics, boxes: each.boxes
      ) { part in
        progress(share + part / Double(cases.count), each.image)
      }[0]
      seen.append(try Self.seen(name, explanation, top, each.picture, values, settings))
    }
    self.seen = seen
    model = ComparedModel(
      name: name, path: path, node: focus.taps[0].label,
      input: "\(planner.inputSize.width)x\(planner.inputSize.height)", classes: focus.catalogue.classCount,
      cost: ComparedModel.Cost(
        parameters: explainer.model.parameterCount, gflop: try planner.operationCount(focus) / 1e9,
        forward_ms: times.forward, explanation_ms: times.explanation, peak_mb: peak),
      means: Dictionary(
        uniqueKeysWithValues: settings.metrics.map { metric in
          (metric.name, seen.map { $0.result.metrics[metric.name] ?? nil }.mean)
        }),
      warnings: explainer.warnings.map(\.text.asOptions))
  }

  private static func seen(
    _ name: String, _ explanation: Explanation, _ top: ScoredClass, _ picture: ComparedPicture, _ values: [Double?],
    _ settings: Settings
  ) throws -> Seen {
    let heat = explanation.drawnMap(size: picture.pageSize).colored(with: settings.colormap)
    let scored = explanation.scored!, cell = picture.cell
    let overlay = DrawingStyle.overlay.draw(
      explanation.drawnMap(size: PixelSize(width: cell.width, height: cell.height)), on: cell,
      colormap: settings.colormap, blend: settings.blend)
    let percentage = decimal(Double(scored.probability) * 100, 1)
    return Seen(
      result: ComparedResult(
        model: name, class: scored.index, label: scored.label, logit: scored.logit, probability: scored.probability,
        top: TopClass(class: top.index, label: top.label, probability: top.probability),
        metrics: Dictionary(uniqueKeysWithValues: zip(settings.metrics.map(\.name), values)),
        warnings: explanation.warnings.map(\.text.asOptions), heat: try heat.encoded(for: "heat.jpg")),
      overlay: try PictureGrid.Cell(overlay, label: "\(percentage)% \(name)"),
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
