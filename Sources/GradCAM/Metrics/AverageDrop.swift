/// The share of the class's probability lost when the image is multiplied by the map: relu(s − m) ⁄ (s + 1e-7).
///
/// Chattopadhay et al., Grad-CAM++, 2018, as in TorchCAM. A map of ones loses nothing.
struct AverageDrop: Metric {
  let name = "average-drop"
  let summary = "share of the class's probability lost when the image is multiplied by the map"
  let isBetterHigher = false

  func changes(of map: MeasuredMap) -> [ImageChange] { [.masked(by: map)] }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    max(map.probability - answers.probabilities[0], 0) / (map.probability + 1e-7)
  }
}

/// 1 if the class is more probable when the image is multiplied by the map, else 0; the mean is a share of images.
///
/// Chattopadhay et al., Grad-CAM++, 2018, as in TorchCAM.
struct ConfidenceIncrease: Metric {
  let name = "increase"
  let summary = "share of images whose class is more probable when they are multiplied by the map"
  let isBetterHigher = true

  func changes(of map: MeasuredMap) -> [ImageChange] { [.masked(by: map)] }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    map.probability < answers.probabilities[0] ? 1 : 0
  }
}

extension ImageChange {
  /// The image multiplied by the map.
  static func masked(by map: MeasuredMap) -> ImageChange {
    let planes = map.planes, mask = map.inputMap.values(in: map.content, elsewhere: 1)
    return ImageChange("masked") { planes.map { plane in zip(plane, mask).map { $0 * $1 } } }
  }
}
