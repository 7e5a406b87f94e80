/// The mean squared difference between the probability lost when a square of the picture becomes zero, which is mean
/// colour, and what the map says of it: Σ map × what was taken away, times the factor that fits best.
///
/// Yeh et al., On the (In)fidelity and Sensitivity of Explanations, 2019, by removed squares. The scale of a class
/// activation map means nothing, so that the factor is the one with the least difference, as in Captum's `normalize`.
/// Quantus's Infidelity has no factor, and removes squares of 4 × 4 one after another without putting back the former
/// ones; here each of 8 × 8 cells of the picture is removed alone.
struct Infidelity: Metric {
  let name = "infidelity"
  let summary =
    "mean squared difference of the probability lost without a square of the picture and what the map, at its best "
    + "scale, says of it; takes 64 runs"
  let isBetterHigher = false
  let isOfPictures = true
  let isUsual = false

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let planes = map.planes
    return cells(of: map).enumerated().map { number, pixels in
      ImageChange("without cell \(number)") {
        planes.map { plane in
          var plane = plane
          for pixel in pixels { plane[pixel] = 0 }
          return plane
        }
      }
    }
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let expected = cells(of: map).map { pixels in
      pixels.reduce(0.0) { sum, pixel in
        sum + Double(map.inputMap.values[pixel]) * map.planes.reduce(0) { $0 + Double($1[pixel]) }
      }
    }
    let lost = answers.probabilities.map { map.probability - $0 }
    let size = expected.reduce(0) { $0 + $1 * $1 }
    let factor = size > 0 ? zip(expected, lost).reduce(0) { $0 + $1.0 * $1.1 } / size : 0
    return zip(expected, lost).reduce(0) { $0 + (factor * $1.0 - $1.1) * (factor * $1.0 - $1.1) } / Double(lost.count)
  }

  /// The positions of the pixels of each cell, row by row: 8 along each side, or as many as there are pixels.
  private func cells(of map: MeasuredMap) -> [[Int]] {
    func parts(_ start: Int, _ extent: Int) -> [Range<Int>] {
      let count = min(8, extent)
      return (0..<count).map { start + $0 * extent / count..<start + ($0 + 1) * extent / count }
    }
    let content = map.content
    return parts(content.y, content.size.height).flatMap { rows in
      parts(content.x, content.size.width).map { columns in
        rows.flatMap { y in columns.map { y * map.inputMap.width + $0 } }
      }
    }
  }
}
