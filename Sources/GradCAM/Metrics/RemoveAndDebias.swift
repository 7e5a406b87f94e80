/// Half the difference of the class's probability between images without their least and without their most relevant
/// pixels, the mean over 10% to 90% kept; removed pixels are imputed from their neighbours, with noise.
///
/// Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods (ROAD), 2022, as in
/// pytorch-grad-cam's ROADCombined, which keeps or removes equal pixels together; here the first in reading order win.
struct RemoveAndDebias: Metric {
  let name = "road"
  let summary =
    "ROAD: probability without the least relevant pixels less that without the most relevant, halved; removed pixels "
    + "are imputed from their neighbours"
  let isBetterHigher = true
  let isOfPictures = true

  /// The standard deviation of the noise on imputed pixels.
  var noise: Float = 0.01

  /// The shares of the pixels that are kept, in percent.
  var percentiles = Array(stride(from: 10, through: 90, by: 10))

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let planes = map.planes, width = map.inputMap.width, ranking = map.ranking, noise = noise
    // The most relevant are removed first, then the least.
    return [false, true].flatMap { keepsRelevant in
      percentiles.map { percentile in
        ImageChange("\(name) \(keepsRelevant) \(percentile)") {
          // As many as lie strictly below NumPy's percentile if no two are equal.
          let kept = ((ranking.count - 1) * percentile + 99) / 100
          var isKnown = [Bool](repeating: true, count: planes[0].count)
          for pixel in ranking { isKnown[pixel] = false }
          for pixel in keepsRelevant ? ranking.prefix(kept) : ranking.suffix(kept) { isKnown[pixel] = true }
          let imputation = NoisyLinearImputation(seed: UInt64(percentile) + (keepsRelevant ? 100 : 0), noise: noise)
          return imputation.imputed(planes, width: width, where: isKnown)
        }
      }
    }
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let probabilities = answers.probabilities, count = percentiles.count
    return (probabilities[count...].reduce(0, +) - probabilities[..<count].reduce(0, +)) / Double(2 * count)
  }
}
