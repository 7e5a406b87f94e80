import GradCAM
import Graph

/// What one model makes of all images.
struct ModelRun {
  /// What the model saw in each case.
  let seen: [Seen]
  /// The model with its cost and the means of its metrics.
  let model: ComparedModel

  /// What a model saw in a case.
  struct Seen {
    let result: ComparedResult
    /// The overlay, small.
    let overlay: PictureGrid.Cell
    /// The map at the size at which maps are compared, and the part of it that the network saw.
    let map: HeatMap, part: PixelRectangle
  }

  /// The longer side of pictures on a page.
  static let pageSide = 512
  /// The shorter side of maps that are compared.
  static let comparedSide = 224

  /// How everything is drawn and measured.
  struct Settings {
    let method: String
    let metrics: [any Metric]
    let boxes: ObjectBoxes?
    let colormap: Colormap
    let blend: Float
  }

  /// Runs a model.
  ///
  /// - Parameters:
  ///   - opened: opens and plans the model; what it takes counts for its memory.
  ///   - cases: tells the images and classes, once the model is planned.
  ///   - progress: told the part that is done.
  init(
    name: String, _ settings: Settings, opened: () throws -> Explainer, cases: (Explainer) throws -> [ComparedCase],
    progress: (Double, String) -> Void
  ) throws {
    let memory = ProcessMemory()
    let explainer = try opened()
    let session = explainer.session
    guard session.hasClassScores else { throw session.noClassScores }
    let cases = try cases(explainer)
    var times = Times(), peak: Double?, seen: [Seen] = []
    for (index, each) in cases.enumerated() {
      let share = Double(index) / Double(cases.count)
      progress(share, each.image)
      let picture = try Picture(contentsOf: each.image)
      let prepared = try located(each.image) { try explainer.prepare(picture) }
      let target = try explainer.target(classIndex: each.index(in: explainer))
      // The first run of all is slower than others, and few images make no median.
      for _ in 0..<(cases.count < 3 && index == 0 ? 3 : 1) {
        try times.measure(explainer, prepared, target, method: settings.method)
      }
      let (top, explanation) = try times.measure(explainer, prepared, target, method: settings.method)
      if index == 0 { peak = memory?.growth }
      let objects = try settings.boxes?.boxes(
        in: each.image, of: target.index, explainer.labels, classCount: session.classCount)
      let values = try explainer.measure([explanation], by: settings.metrics, boxes: objects ?? []) { part in
        progress(share + part / Double(cases.count), each.image)
      }[0]
      seen.append(try Self.seen(name, explanation, top, picture, values, settings))
    }
    self.seen = seen
    let path = session.model.path
    model = ComparedModel(
      name: name, path: path, node: session.taps[0].label,
      input: "\(session.inputSize.width)x\(session.inputSize.height)", classes: session.classCount,
      cost: ComparedModel.Cost(
        parameters: session.model.parameterCount, gflop: session.operationCount / 1e9, forward_ms: times.forward,
        explanation_ms: times.explanation, peak_mb: peak),
      means: Dictionary(
        uniqueKeysWithValues: settings.metrics.map { metric in
          let values = seen.compactMap { $0.result.metrics[metric.name] ?? nil }
          return (metric.name, values.isEmpty ? nil : values.reduce(0, +) / Double(values.count))
        }),
      warnings: explainer.warnings.map(\.text))
  }

  private static func seen(
    _ name: String, _ explanation: Explanation, _ top: ScoredClass, _ picture: Picture, _ values: [Double?],
    _ settings: Settings
  ) throws -> Seen {
    let size = PixelSize(width: picture.width, height: picture.height)
    let page = size.fitting(longerSide: pageSide), cell = PictureGrid.cellSize(for: size)
    let compared = size.fitting(shorterSide: comparedSide)
    let heat = explanation.drawnMap(size: page).colored(with: settings.colormap)
    let scored = explanation.scored!
    let finite = values.map { $0.flatMap { $0.isFinite ? $0 : nil } }
    let small = try picture.resized(width: cell.width, height: cell.height)
    let overlay = DrawingStyle.overlay.draw(
      explanation.drawnMap(size: cell), on: small, colormap: settings.colormap, blend: settings.blend)
    let percentage = decimal(Double(scored.probability) * 100, 1)
    return Seen(
      result: ComparedResult(
        model: name, class: scored.index, label: scored.label, logit: scored.logit, probability: scored.probability,
        top: ComparedResult.TopClass(class: top.index, label: top.label, probability: top.probability),
        metrics: Dictionary(uniqueKeysWithValues: zip(settings.metrics.map(\.name), finite)),
        warnings: explanation.warnings.map(\.text), heat: try heat.encoded(for: "heat.jpg")),
      overlay: try PictureGrid.Cell(overlay, label: "\(percentage)% \(name)"),
      map: explanation.drawnMap(size: compared), part: explanation.seen(size: compared))
  }

  /// How long passes took.
  private struct Times {
    private var forwards: [Double] = []
    private var explanations: [Double] = []

    /// Explains an image, and notes how long it took.
    @discardableResult
    mutating func measure(
      _ explainer: Explainer, _ image: PreparedImage, _ target: ClassTarget, method: String
    ) throws -> (ScoredClass, Explanation) {
      let clock = ContinuousClock(), start = clock.now
      let top = try explainer.classify(image, count: 1)[0]
      let middle = clock.now
      let explanation = try explainer.explain(target, of: image, methods: [method])[0]
      forwards.append((middle - start).milliseconds)
      explanations.append((clock.now - start).milliseconds)
      return (top, explanation)
    }

    var forward: Double { Self.median(forwards) }
    var explanation: Double { Self.median(explanations) }

    /// Without the first, which is slower.
    private static func median(_ times: [Double]) -> Double {
      let sorted = times.dropFirst().sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
  }
}

extension PixelSize {
  /// The size brought down to a longer side, where it is larger.
  func fitting(longerSide: Int) -> PixelSize { scaled(by: min(1, Double(longerSide) / Double(max(width, height)))) }

  /// The size brought down to a shorter side, where it is larger.
  func fitting(shorterSide: Int) -> PixelSize { scaled(by: min(1, Double(shorterSide) / Double(min(width, height)))) }

  private func scaled(by scale: Double) -> PixelSize {
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    return PixelSize(width: scaled(width), height: scaled(height))
  }
}
