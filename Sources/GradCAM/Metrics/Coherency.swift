/// How like the map is to the one that the same method makes of the image multiplied by it: (1 + Pearson's correlation)
/// ⁄ 2.
///
/// Poppi et al., Revisiting the Evaluation of Class Activation Mapping for Explainability, 2021, as in pytorch-grad-cam
/// 1.5.7: a constant map correlates with none.
struct Coherency: Metric {
  let name = "coherency"
  let summary = "likeness of the map and that of the image multiplied by the map; takes 1 more map"
  let isBetterHigher = true
  let isUsual = false

  func remakes(of map: MeasuredMap) -> [Remake] { [.changedImage(.masked(by: map))] }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let first = map.contentMap.values.map(Double.init), second = answers.maps[0].values.map(Double.init)
    return ((correlation(first, second) ?? 0) + 1) / 2
  }
}

/// The harmonic mean of coherency, of 1 less the map's mean, and of 1 less the average drop.
///
/// Poppi et al., Revisiting the Evaluation of Class Activation Mapping for Explainability, 2021, whose complexity is
/// the map's mean, another thing than `Complexity`.
struct ADCC: Metric {
  let name = "adcc"
  let summary = "harmonic mean of coherency, 1 less the map's mean, and 1 less average-drop; takes 1 more map"
  let isBetterHigher = true
  let isUsual = false

  func changes(of map: MeasuredMap) -> [ImageChange] { AverageDrop().changes(of: map) }
  func remakes(of map: MeasuredMap) -> [Remake] { Coherency().remakes(of: map) }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    guard let coherency = Coherency().value(of: map, answers), let drop = AverageDrop().value(of: map, answers) else {
      return nil
    }
    return harmonicMean(coherency, 1 - map.mean, 1 - drop)
  }
}

/// The harmonic mean of coherency, of 1 less the map's mean, and of ROAD at 20, 40, 60 and 80%, doubled and cut off
/// below 0.
///
/// As in pytorch-grad-cam 1.5.7, but for the rank of equal pixels, as in `RemoveAndDebias`.
struct ARCC: Metric {
  let name = "arcc"
  let summary = "harmonic mean of coherency, 1 less the map's mean, and road; takes 1 more map"
  let isBetterHigher = true
  let isOfPictures = true
  let isUsual = false

  var road = RemoveAndDebias(percentiles: [20, 40, 60, 80])

  func changes(of map: MeasuredMap) -> [ImageChange] { road.changes(of: map) }
  func remakes(of map: MeasuredMap) -> [Remake] { Coherency().remakes(of: map) }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    guard let coherency = Coherency().value(of: map, answers), let road = road.value(of: map, answers) else {
      return nil
    }
    return harmonicMean(coherency, 1 - map.mean, min(max(2 * road, 0), 1))
  }
}

extension MeasuredMap {
  /// The mean of the map's magnitudes, in 0 … 1.
  fileprivate var mean: Double {
    contentMap.values.reduce(0) { $0 + Double(abs($1)) } / Double(contentMap.values.count)
  }
}

/// The harmonic mean of numbers from 0 on, each plus 1e-8 as in pytorch-grad-cam.
private func harmonicMean(_ values: Double...) -> Double {
  Double(values.count) / values.reduce(0) { $0 + 1 / ($1 + 1e-8) }
}
