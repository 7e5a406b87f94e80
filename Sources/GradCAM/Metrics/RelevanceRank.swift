/// The share of the map's highest pixels, as many as the object's boxes have, that lies in these boxes; 0 for an empty
/// map.
///
/// Arras et al., CLEVR-XAI, 2022, as Quantus's RelevanceRankAccuracy with the boxes as its mask; equal pixels rank in
/// reading order.
struct RelevanceRank: Metric {
  let name = "relevance-rank"
  let summary = "share of the map's highest pixels, as many as the object's boxes have, that lies in these boxes"
  let isBetterHigher = true
  let needsBoxes = true
  let isUsual = false

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    map.shareInBoxes { boxed in boxed.count { $0 } }
  }
}

/// The share of the map's 1,000 highest pixels that lies in the object's boxes; 0 for an empty map.
///
/// Theiner et al., Interpretable Semantic Photo Geolocation, 2021, as Quantus's TopKIntersection with the boxes as its
/// mask; equal pixels rank in reading order.
struct TopIntersection: Metric {
  let name = "top-k-intersection"
  let summary = "share of the map's 1,000 highest pixels that lies in the boxes of the object explained"
  let isBetterHigher = true
  let needsBoxes = true
  let isUsual = false

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? { map.shareInBoxes { _ in 1000 } }
}

extension MeasuredMap {
  /// The share of the highest pixels of the picture's map that lies in the boxes; nil without boxes.
  ///
  /// - Parameter count: how many pixels, at most all, given for each pixel whether it is in a box.
  fileprivate func shareInBoxes(_ count: ([Bool]) -> Int) -> Double? {
    guard !boxes.isEmpty else { return nil }
    let map = pictureMap
    guard map.values.contains(where: { $0 > 0 }) else { return 0 }
    let isBoxed = map.values.indices.map { pixel in
      boxes.contains { $0.contains(x: pixel % map.width, y: pixel / map.width) }
    }
    let highest = map.values.ranking.prefix(count(isBoxed))
    return highest.isEmpty ? nil : Double(highest.count { isBoxed[$0] }) / Double(highest.count)
  }
}
