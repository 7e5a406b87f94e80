import Graph

/// How much the map changes with the image: ‖map of the image with noise − map‖ ⁄ ‖map‖, the largest or the mean of ten
/// draws of noise; nil for an empty map.
///
/// Yeh et al., On the (In)fidelity and Sensitivity of Explanations, 2019, as Quantus's MaxSensitivity and
/// AvgSensitivity, which draw 200 times by default. The noise is uniform in −0.2 … 0.2, in units of the network's
/// input; it is the same for every image, and leaves padding as it is.
struct Sensitivity: Metric {
  /// What is taken of the ten numbers.
  enum Kind: String { case largest = "max", mean = "avg" }

  let kind: Kind
  let isBetterHigher = false
  let isUsual = false

  init(_ kind: Kind) { self.kind = kind }

  var name: String { "\(kind.rawValue)-sensitivity" }
  var summary: String {
    "\(kind == .mean ? "mean" : "largest") change of the map, as a share of it, with uniform noise of 0.2 on the input; "
      + "takes 10 more maps"
  }

  func remakes(of map: MeasuredMap) -> [Remake] {
    let planes = map.planes, pixels = map.ranking
    return (0..<10).map { draw in
      .changedImage(
        ImageChange("noise \(draw)") {
          var generator = SplitMix64(seed: UInt64(draw))
          return planes.map { plane in
            let noise = plane.map { _ in Float(0.2 * (2 * generator.nextUniform() - 1)) }
            var changed = plane
            for pixel in pixels { changed[pixel] += noise[pixel] }
            return changed
          }
        })
    }
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let values = map.contentMap.values.map(Double.init), size = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard size > 0 else { return nil }
    let changes = answers.maps.map { changed in
      zip(values, changed.values).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }.squareRoot() / size
    }
    return kind == .largest ? changes.max() : changes.reduce(0, +) / Double(changes.count)
  }
}
