/// 1 if the map's maximum lies in a box of the object explained, else 0; an empty map misses.
///
/// Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016, without a margin.
struct PointingGame: Metric {
  let name = "pointing-game"
  let aliases = ["pointing"]
  let summary = "share of maps whose maximum lies in a box of the object explained"
  let isBetterHigher = true
  let needsBoxes = true

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    guard !map.boxes.isEmpty else { return nil }
    let picture = map.pictureMap
    guard let peak = picture.argmax, picture.values[peak.y * picture.width + peak.x] > 0 else { return 0 }
    return map.boxes.contains { $0.contains(x: peak.x, y: peak.y) } ? 1 : 0
  }
}

/// The share of the map's sum that lies in the boxes of the object explained.
///
/// Wang et al., Score-CAM, 2020: the energy-based pointing game; Quantus's RelevanceMassAccuracy, which leaves an empty
/// map undefined where this one gives it 0.
struct EnergyInside: Metric {
  let name = "energy-inside"
  let aliases = ["relevance-mass"]
  let summary = "share of the map's sum that lies in the boxes of the object explained"
  let isBetterHigher = true
  let needsBoxes = true

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    guard !map.boxes.isEmpty else { return nil }
    let picture = map.pictureMap
    var inside = 0.0, total = 0.0
    for y in 0..<picture.height {
      let boxes = map.boxes.filter { $0.y <= y && y < $0.y + $0.size.height }
      for x in 0..<picture.width {
        let value = Double(picture.values[y * picture.width + x])
        total += value
        if boxes.contains(where: { $0.x <= x && x < $0.x + $0.size.width }) { inside += value }
      }
    }
    return total > 0 ? inside / total : 0
  }
}

/// Intersection over union of the box around the largest component above 15% of the map's maximum and a box of the
/// object explained, the best of several.
///
/// Zhou et al., Learning Deep Features for Discriminative Localization, 2016, with Grad-CAM's 15%.
struct BoxOverlap: Metric {
  let name = "box-iou"
  let summary =
    "intersection over union of the object's box and the box round the largest component above 15% of the maximum"
  let isBetterHigher = true
  let needsBoxes = true

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    guard !map.boxes.isEmpty else { return nil }
    guard let found = map.pictureMap.largestComponent(above: 0.15) else { return 0 }
    return map.boxes.map { $0.intersectionOverUnion(found) }.max()
  }
}

extension HeatMap {
  /// The box around the largest 8-connected component of values above a share of the maximum, the first in reading
  /// order of several as large; nil if the maximum is not positive.
  func largestComponent(above share: Float) -> PixelRectangle? {
    guard let peak = argmax, case let maximum = values[peak.y * width + peak.x], maximum > 0 else { return nil }
    var isOpen = values.map { $0 > share * maximum }
    var largest: (count: Int, box: PixelRectangle)?
    var waiting: [Int] = []
    for start in isOpen.indices where isOpen[start] {
      isOpen[start] = false
      waiting.append(start)
      var count = 0, columns = start % width...start % width, rows = start / width...start / width
      while let pixel = waiting.popLast() {
        let x = pixel % width, y = pixel / width
        count += 1
        columns = min(columns.lowerBound, x)...max(columns.upperBound, x)
        rows = min(rows.lowerBound, y)...max(rows.upperBound, y)
        for row in max(y - 1, 0)...min(y + 1, height - 1) {
          for column in max(x - 1, 0)...min(x + 1, width - 1) where isOpen[row * width + column] {
            isOpen[row * width + column] = false
            waiting.append(row * width + column)
          }
        }
      }
      let box = PixelRectangle(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
      if count > largest?.count ?? 0 { largest = (count, box) }
    }
    return largest?.box
  }
}

extension PixelRectangle {
  /// Whether a pixel lies inside.
  func contains(x: Int, y: Int) -> Bool {
    self.x <= x && x < self.x + size.width && self.y <= y && y < self.y + size.height
  }

  /// The part that two rectangles have in common; nil if there is none.
  public func intersection(_ other: PixelRectangle) -> PixelRectangle? {
    let left = max(x, other.x), right = min(x + size.width, other.x + other.size.width)
    let top = max(y, other.y), bottom = min(y + size.height, other.y + other.size.height)
    guard left < right, top < bottom else { return nil }
    return PixelRectangle(x: left, y: top, width: right - left, height: bottom - top)
  }

  /// The area of the intersection divided by that of the union.
  func intersectionOverUnion(_ other: PixelRectangle) -> Double {
    let common = intersection(other).map { Double($0.size.width * $0.size.height) } ?? 0
    let sum = Double(size.width * size.height + other.size.width * other.size.height)
    return common / (sum - common)
  }
}
