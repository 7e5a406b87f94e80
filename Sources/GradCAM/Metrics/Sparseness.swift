/// The Gini coefficient of the map's magnitudes: 0 if all are equal, nearly 1 if one place has them all; nil for an
/// empty map.
///
/// Chalasani et al., Concise Explanations of Neural Networks Using Adversarial Training, 2020, as Quantus's Sparseness,
/// which gives an empty map 0.
struct Sparseness: Metric {
  let name = "sparseness"
  let summary = "Gini coefficient of the map: 0 if it is even, 1 if all lies in one place"
  let isBetterHigher = true
  let isUsual = false

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    // As in Quantus, 1e-7 is added to each.
    let sizes = map.contentMap.values.map { Double(abs($0)) + 1e-7 }.sorted(), count = Double(sizes.count)
    guard map.contentMap.values.contains(where: { $0 != 0 }) else { return nil }
    let weighted = sizes.enumerated().reduce(0) { $0 + (2 * Double($1.offset + 1) - count - 1) * $1.element }
    return weighted / (count * sizes.reduce(0, +))
  }
}
