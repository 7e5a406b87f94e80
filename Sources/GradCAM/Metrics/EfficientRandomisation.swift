import Graph

/// The rise of the map's entropy when all layers of the network are randomised, as a share of it; nil if it is 0.
///
/// A map that shows what the network has learned becomes disordered. Hedström et al., Sanity Checks Revisited, 2023, as
/// Quantus's EfficientMPRT with 100 bins from the map's minimum to its maximum, whose number Quantus chooses by the maps
/// of all images; randomised like `ParameterRandomisation`.
struct EfficientRandomisation: Metric {
  let name = "mprt-efficient"
  let summary = "rise of the map's entropy when the network's parameters are randomised; takes 1 more map and network"
  let isBetterHigher = true
  let isOfClasses = true
  let isUsual = false

  func remakes(of map: MeasuredMap) -> [Remake] { map.layerCount > 0 ? [.randomised(0..<map.layerCount)] : [] }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let entropy = map.unrectifiedMap.binnedEntropy
    return answers.maps.first.flatMap { entropy > 0 ? ($0.binnedEntropy - entropy) / entropy : nil }
  }
}

extension HeatMap {
  /// The entropy of the values' distribution over 100 bins as wide as each other from the minimum to the maximum.
  fileprivate var binnedEntropy: Double {
    guard values.allSatisfy(\.isFinite) else { return .nan }
    let binCount = 100.0, low = Double(values.min()!), range = Double(values.max()!) - low
    guard range > 0 else { return 0 }
    var counts = [Double](repeating: 0, count: Int(binCount))
    for value in values { counts[min(Int((Double(value) - low) / range * binCount), counts.count - 1)] += 1 }
    return -counts.reduce(0) { $0 + ($1 > 0 ? $1 * log($1 / Double(values.count)) : 0) } / Double(values.count)
  }
}
