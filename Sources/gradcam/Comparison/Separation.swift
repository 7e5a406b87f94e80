import GradCAM

/// A mean over images, with its 95% interval as in `evaluate`.
struct ComparedMean {
  let mean: Double?
  /// Its ends; nil if the mean is not defined.
  let interval: [Double]?

  /// - Parameter values: the values with their images; several of an image are drawn together.
  init(_ values: [(image: String, value: Double?)]) {
    var mean = BootstrapMean()
    // Sorted, so that rounding does not depend on the order of images.
    for (image, value) in values.sorted(by: { ($0.image, $0.value ?? 0) < ($1.image, $1.value ?? 0) }) {
      if let value { mean.add(value, BootstrapMean.Draws(image)) }
    }
    self.mean = mean.mean
    interval = mean.interval.map { [$0.lowerBound, $0.upperBound] }
  }
}

extension Comparison {
  /// Fewer images than this do not tell models apart.
  static let fewestImages = BootstrapMean.fewestSamples

  /// The number of different images.
  var imageCount: Int { Set(images.map(\.image)).count }

  /// The number of different images that metrics are defined for: those with boxes only, say.
  var measuredCount: Int {
    metrics.map { metric in
      Set(images.filter { $0.results.contains { ($0.metrics[metric.name] ?? nil) != nil } }.map(\.image)).count
    }.max() ?? 0
  }

  /// Whether a metric tells two models apart: the 95% interval of the mean difference, image by image, is on one side of
  /// zero.
  func separates(_ one: Int, _ other: Int, by metric: MetricColumn) -> Bool {
    difference(metric) { (one: $0.results[one].metrics, other: $0.results[other].metrics) }.map {
      $0[0] > 0 || $0[1] < 0
    }
      ?? false
  }

  /// Whether a model's maps are better than those of chance by a metric: the 95% interval of the mean difference, image
  /// by image, is on the better side of zero; nil without maps of chance, and for too few images.
  func beatsRandom(_ model: Int, by metric: MetricColumn) -> Bool? {
    guard models[model].random != nil,
      let interval = difference(
        metric, { (one: $0.results[model].metrics, other: $0.results[model].random ?? [:]) })
    else { return nil }
    return metric.higher_is_better ? interval[0] > 0 : interval[1] < 0
  }

  /// The ends of the 95% interval of a mean difference, image by image; nil for too few images.
  private func difference(
    _ metric: MetricColumn, _ values: (ComparedImage) -> (one: [String: Double?], other: [String: Double?])
  ) -> [Double]? {
    let differences = images.compactMap { image -> (image: String, value: Double?)? in
      let (one, other) = values(image)
      guard let first = one[metric.name] ?? nil, let second = other[metric.name] ?? nil else { return nil }
      return (image.image, first - second)
    }
    guard Set(differences.map(\.image)).count >= Self.fewestImages else { return nil }
    return ComparedMean(differences).interval
  }

  /// The models that are best by a metric: the one with the best mean, and those that it is not told apart from; empty if
  /// these are all.
  func best(by metric: MetricColumn) -> Set<Int> {
    let means = metric.means(of: models)
    let ranked = means.indices.filter { means[$0] != nil }.sorted { one, other in
      metric.higher_is_better ? means[one]! > means[other]! : means[one]! < means[other]!
    }
    guard let first = ranked.first else { return [] }
    let best = ranked.filter { $0 == first || !separates(first, $0, by: metric) }
    return best.count == ranked.count ? [] : Set(best)
  }

  /// Which models are best by a metric, in words.
  func verdict(_ metric: MetricColumn) -> String {
    let best = best(by: metric)
    guard best.isEmpty else { return enumerated(best.sorted().map { models[$0].name }) }
    return metric.means(of: models).contains { $0 != nil } ? "not separable" : "–"
  }
}
