import Graph

/// The entropy of the map as a distribution, −Σ p ln p with p = |map| ⁄ Σ |map|; nil for an empty map.
///
/// Bhatt et al., Evaluating and Aggregating Feature-Based Model Explanations, 2020, as Quantus's Complexity. A map of n
/// equal values has ln n: compare it only between networks of one input size.
struct Complexity: Metric {
  let name = "complexity"
  let summary = "entropy of the map: how many places it is spread over"
  let isBetterHigher = false
  let isUsual = false

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let sizes = map.contentMap.values.map { Double(abs($0)) }, sum = sizes.reduce(0, +)
    guard sum > 0 else { return nil }
    return -sizes.reduce(0) { $0 + ($1 > 0 ? $1 / sum * log($1 / sum) : 0) }
  }
}
