/// How like the map is to those of networks whose layers are randomised: the mean similarity over the networks.
///
/// A map that shows what the network has learned is unlike them. Adebayo et al., Sanity Checks for Saliency Maps, 2018,
/// as Quantus's MPRT. What is randomised are the parameters of convolutions, matrix products and normalisations: each
/// tensor's numbers change places (`ModelPlanner.randomising`), where Quantus draws new ones from what PyTorch
/// initialises layers by. Networks of more than ten layers are randomised in ten steps of about equally many layers,
/// where Quantus takes every layer. The structural similarity is that of maps in 0 … 1. Maps are compared before
/// negative values are set to 0; networks whose map is constant do not count.
struct ParameterRandomisation: Metric {
  /// Which layers a step randomises.
  enum Order: String {
    /// All from the output to that of the step.
    case cascading
    /// Those of the step alone.
    case independent
  }

  /// What maps are compared by.
  enum Similarity: String {
    /// Spearman's correlation of ranks.
    case spearman = ""
    /// The structural similarity.
    case structural = "-ssim"
  }

  let order: Order
  let similarity: Similarity
  let isBetterHigher = false
  let isOfClasses = true
  let isUsual = false

  init(_ order: Order, _ similarity: Similarity) { (self.order, self.similarity) = (order, similarity) }

  var name: String { "mprt-\(order.rawValue)\(similarity.rawValue)" }
  var summary: String {
    "\(similarity == .spearman ? "Spearman's correlation" : "structural similarity") of the map and those of networks "
      + "with randomised parameters, \(order == .cascading ? "from the last layer on" : "layer by layer"); takes up to "
      + "10 more maps and networks"
  }
  var isOfPictures: Bool { similarity == .structural }

  func remakes(of map: MeasuredMap) -> [Remake] {
    let count = min(map.layerCount, 10)
    return (0..<count).map { step in
      let first = order == .cascading ? 0 : step * map.layerCount / count
      return .randomised(first..<(step + 1) * map.layerCount / count)
    }
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let found = answers.maps.compactMap { remade -> Double? in
      let agreement = MapAgreement(map.unrectifiedMap, remade)
      return similarity == .spearman ? agreement.spearman : agreement.structuralSimilarity
    }
    return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
  }
}
