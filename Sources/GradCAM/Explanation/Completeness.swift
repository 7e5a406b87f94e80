/// How far the attributions of a map add up to what they explain.
public struct Completeness: Sendable, Equatable {
  /// The sum of the attributions.
  public let sum: Double
  /// What the score of the image has over that of the baseline.
  public let difference: Double
  /// |sum − difference| as a share of |difference|; nil if that is 0.
  public var error: Double? { difference == 0 ? nil : abs(sum - difference) / abs(difference) }

  /// - Parameter difference: what the score of the image has over that of the baseline.
  init(of map: HeatMap, explaining difference: Double) {
    sum = map.values.reduce(0) { $0 + Double($1) }
    self.difference = difference
  }
}
