import Graph

/// Pearson's correlation of what 100 random sets of the input's numbers are worth to the map, the sum of it there, and
/// to the class, the probability lost when they become zero, which is mean colour.
///
/// Bhatt et al., Evaluating and Aggregating Feature-Based Model Explanations, 2020, as Quantus's
/// FaithfulnessCorrelation with the baseline 0 in place of the image's least value. A set has 224 numbers, at most half
/// of all; a pixel's channels are numbers of their own. The sets are the same for all images of a size.
struct FaithfulnessCorrelation: Metric {
  let name = "faithfulness-correlation"
  let summary =
    "correlation of the map's sum over random sets of the input's numbers and the probability lost without them; takes "
    + "100 runs"
  let isBetterHigher = true
  let isUsual = false

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let planes = map.planes
    return sets(of: map).enumerated().map { run, set in
      ImageChange("\(name) \(run)") {
        var planes = planes
        for place in set { planes[place.channel][place.pixel] = 0 }
        return planes
      }
    }
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let sums = sets(of: map).map { $0.reduce(0) { $0 + Double(map.inputMap.values[$1.pixel]) } }
    return correlation(sums, answers.probabilities.map { map.probability - $0 })
  }

  private func sets(of map: MeasuredMap) -> [[(channel: Int, pixel: Int)]] {
    let pixels = map.ranking.sorted(), count = pixels.count * map.planes.count
    return (0..<100).map { run in
      var generator = SplitMix64(seed: UInt64(run)), seen: Set<Int> = []
      while seen.count < min(224, count / 2) { seen.insert(Int(generator.next() % UInt64(count))) }
      return seen.sorted().map { ($0 / pixels.count, pixels[$0 % pixels.count]) }
    }
  }
}
