/// The share of the map's sum within a tenth of the extents from an edge; nil for an empty map.
///
/// An even map of a picture has 0.36. What padding and cut-off objects do to a network shows here.
struct BorderMass: Metric {
  let name = "border-mass"
  let summary = "share of the map's sum within a tenth of the sides from the edge"
  let isBetterHigher = false
  let isUsual = false

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let map = map.contentMap
    var border = 0.0, total = 0.0
    for (place, value) in map.values.enumerated() {
      total += Double(value)
      var rest = place
      let isNearEdge = map.size.extents.reversed().reduce(false) { isNear, extent in
        defer { rest /= extent }
        // The centre of a place, in tenths of the extent.
        let centre = 5 * (2 * (rest % extent) + 1)
        return isNear || centre < extent || centre > 9 * extent
      }
      if isNearEdge { border += Double(value) }
    }
    return total > 0 ? border / total : nil
  }
}
