import GradCAM

/// The means of an evaluation, method by method.
struct EvaluationSummary {
  private let metrics: [any Metric]
  /// By method and metric.
  private var means: [String: [String: BootstrapMean]] = [:]
  /// The methods in the order in which they appeared.
  private var methods: [String] = []
  /// How many images were measured, and how many could not be read.
  private var images: Set<String> = [], skippedCount = 0
  /// The image of the last line, with its draws.
  private var last: (image: String, draws: BootstrapMean.Draws)?

  init(_ metrics: [any Metric]) { self.metrics = metrics }

  /// Adds a line.
  mutating func add(_ line: EvaluationLine) {
    guard let method = line.method, let found = line.metrics else {
      skippedCount += 1
      return
    }
    if last?.image != line.image {
      last = (line.image, BootstrapMean.Draws(line.image))
      images.insert(line.image)
    }
    if !methods.contains(method) { methods.append(method) }
    for (name, value) in found {
      if let value { means[method, default: [:]][name, default: BootstrapMean()].add(value, last!.draws) }
    }
  }

  func report(model: String, node: String, output: String) -> EvaluationReport {
    EvaluationReport(
      model: model, node: node, images: images.count, skipped: skippedCount, output: output,
      metrics: metrics.map { metric in
        EvaluationReport.Metric(
          metric: metric.name, summary: metric.summary, higher_is_better: metric.isBetterHigher,
          methods: methods.map { method in
            let mean = means[method]?[metric.name]
            return EvaluationReport.Mean(
              method: method, mean: mean?.mean, low: mean?.interval?.lowerBound, high: mean?.interval?.upperBound,
              count: mean?.count ?? 0)
          })
      })
  }
}

/// What `evaluate` prints.
struct EvaluationReport: Encodable {
  struct Metric: Encodable {
    let metric, summary: String
    let higher_is_better: Bool
    let methods: [Mean]
  }

  struct Mean: Encodable {
    let method: String
    /// The mean and the ends of its 95% interval; nil if the metric was defined for no map.
    @Nullable var mean: Double?
    @Nullable var low: Double?
    @Nullable var high: Double?
    /// How many maps the mean is over.
    let count: Int
  }

  let model, node: String
  let images, skipped: Int
  let output: String
  let metrics: [Metric]
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance? = nil

  func describe() throws {
    var table = Table(["metric", "better", "method", " mean", "95% interval", " maps"])
    for metric in metrics {
      for (index, mean) in metric.methods.enumerated() {
        let interval = mean.low.map { "\(decimal($0, 3)) … \(decimal(mean.high!, 3))" } ?? "–"
        table.add(
          index == 0 ? metric.metric : "", index == 0 ? metric.higher_is_better ? "higher" : "lower" : "", mean.method,
          mean.mean.map { decimal($0, 3) } ?? "–", interval, "\(mean.count)")
      }
    }
    try Console.print(table)
    let bad = skipped == 0 ? "" : skipped == 1 ? ", 1 skipped" : ", \(skipped) skipped"
    try Console.print("\(images) \(images == 1 ? "image" : "images")\(bad); \(model) at \(node); \(output)")
  }
}
