import Graph

/// How like the map is to that of another class, by structural similarity: a map that does not depend on the class has
/// 1.
///
/// Sixt et al., When Explanations Lie, 2020, as Quantus's RandomLogit, which computes the similarity over the map's
/// rows laid end to end. The other class is drawn for each class once.
struct RandomLogit: Metric {
  let name = "random-logit"
  let summary = "structural similarity of the map and that of another class, drawn at random; takes 1 more map"
  let isBetterHigher = false
  let isOfPictures = true
  let isOfClasses = true
  let isUsual = false

  func remakes(of map: MeasuredMap) -> [Remake] {
    guard let (index, count) = map.classed, count > 1 else { return [] }
    var generator = SplitMix64(seed: UInt64(index))
    return [.otherClass((index + 1 + Int(generator.next() % UInt64(count - 1))) % count)]
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    answers.maps.first.flatMap { MapAgreement(map.contentMap, $0).structuralSimilarity }
  }
}
