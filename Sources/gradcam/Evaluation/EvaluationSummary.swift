import GradCAM

/// The means of an evaluation, method by method.
struct EvaluationSummary {
  private let metrics: [any Metric]
  /// By method and metric.
  private var means: [String: [String: BootstrapMean]] = [:]
  /// The methods in the order in which they appeared.
  private var methods: [String] = []
  /// How many images could not be measured.
  private var skippedCount = 0
  /// The image of the last row, with its draws.
  private var last: (image: String, draws: BootstrapMean.Draws)?

  init(_ metrics: [any Metric]) { self.metrics = metrics }

  /// Adds a row.
  mutating func add(_ row: Row) {
    guard let method = row.method else {
      skippedCount += 1
      return
    }
    if last?.image != row.image { last = (row.image, BootstrapMean.Draws(row.image)) }
    if !methods.contains(method) { methods.append(method) }
    for (name, value) in row.metrics ?? [:] {
      if let value { means[method, default: [:]][name, default: BootstrapMean()].add(value, last!.draws) }
    }
  }

  /// - Parameter images: how many have rows.
  func report(model: String, node: String, images: Int, output: String) -> EvaluationReport {
    let random = EvaluationReport.random
    let methods = methods.filter { $0 != random } + (methods.contains(random) ? [random] : [])
    return EvaluationReport(
      model: model, node: node, images: images - skippedCount, skipped: skippedCount, output: output,
      metrics: metrics.map { metric in
        let found = methods.map { means[$0]?[metric.name] ?? BootstrapMean() }
        let ranks = BootstrapMean.ranks(found, isBetterHigher: metric.isBetterHigher)
        let chance = methods.firstIndex(of: EvaluationReport.random).map { found[$0] }
        return EvaluationReport.Metric(
          metric: metric.name, summary: metric.summary, higher_is_better: metric.isBetterHigher,
          methods: methods.indices.map { index in
            let mean = found[index], isChance = methods[index] == EvaluationReport.random
            return EvaluationReport.Mean(
              method: methods[index], mean: mean.mean, low: mean.interval?.lowerBound, high: mean.interval?.upperBound,
              rank_low: ranks[index]?.lowerBound, rank_high: ranks[index]?.upperBound,
              beats_random: isChance
                ? nil : chance.flatMap { mean.isBetter(than: $0, isBetterHigher: metric.isBetterHigher) },
              count: mean.count)
          })
      })
  }
}

/// What `evaluate` prints.
struct EvaluationReport: Encodable {
  /// The method whose maps are those of chance.
  static let random = "random"

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
    /// The ends of the 95% interval of its rank among the methods, 1 for the best; nil for too few images.
    @Nullable var rank_low: Int?
    @Nullable var rank_high: Int?
    /// Whether it is better than chance: the 95% interval of the difference from the mean of random maps is on one side
    /// of 0; nil for these, without them, and for too few images.
    @Nullable var beats_random: Bool?
    /// How many maps the mean is over.
    let count: Int

    /// The interval of the rank, for reading.
    fileprivate var rank: String {
      guard let rank_low, let rank_high else { return "–" }
      return rank_low == rank_high ? "\(rank_low)" : "\(rank_low)–\(rank_high)"
    }
  }

  let model, node: String
  let images, skipped: Int
  let output: String
  let metrics: [Metric]
  /// The maps of each class in groups; nil if nobody asks.
  @Nullable var clusters: [GroupedClass]? = nil
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance? = nil

  /// The mean of a metric for each method but chance.
  func means(of name: String) -> [(subject: String, value: Double?)] {
    metrics.filter { $0.metric == name }.flatMap(\.methods).filter { $0.method != Self.random }.map {
      ($0.method, $0.mean)
    }
  }

  /// How the table is to be read.
  var notes: [String] {
    guard metrics.contains(where: { $0.methods.count > 1 }) else { return [] }
    guard images >= BootstrapMean.fewestSamples else {
      return ["\(counted(images, "image")) cannot tell methods apart; \(BootstrapMean.fewestSamples) or more can."]
    }
    let blind = metrics.filter { metric in
      let others = metric.methods.compactMap(\.beats_random)
      return !others.isEmpty && !others.contains(true)
    }
    guard !blind.isEmpty else { return [] }
    return ["No method is better than random, on these images, by \(enumerated(blind.map(\.metric)))."]
  }

  func describe() throws {
    try describeMeans()
    if let clusters {
      try Console.print("")
      try clusters.describe()
    }
    let bad = skipped == 0 ? "" : skipped == 1 ? ", 1 skipped" : ", \(skipped) skipped"
    try Console.print("\(images) \(images == 1 ? "image" : "images")\(bad); \(model) at \(node); \(output)")
  }

  /// Prints the table of means, and how it is to be read.
  func describeMeans() throws {
    var table = Table(["metric", "better", "method", " mean", "95% interval", "rank", "beats random", " maps"])
    for metric in metrics {
      for (index, mean) in metric.methods.enumerated() {
        let interval = mean.low.map { "\(decimal($0, 3)) … \(decimal(mean.high!, 3))" } ?? "–"
        table.add(
          index == 0 ? metric.metric : "", index == 0 ? metric.higher_is_better ? "higher" : "lower" : "", mean.method,
          mean.mean.map { decimal($0, 3) } ?? "–", interval, mean.rank,
          mean.beats_random.map { $0 ? "yes" : "no" } ?? "–", "\(mean.count)")
      }
    }
    try Console.print(table)
    for note in notes { try Console.print(note) }
  }
}
