extension BootstrapMean {
  /// Fewer samples than this tell nothing apart: their resamples are nearly the same.
  public static let fewestSamples = 5

  /// Between which ranks each of some means is in 95% of the resamples, 1 for the best, equal ones alike; nil for a
  /// mean of fewer than `fewestSamples`.
  ///
  /// The means must be over the same samples, which are drawn together.
  public static func ranks(_ means: [BootstrapMean], isBetterHigher: Bool) -> [ClosedRange<Int>?] {
    let resampled = means.map { $0.sampleCount < fewestSamples ? nil : $0.resampled }
    let known = resampled.compactMap { $0 }
    return resampled.map { own in
      guard let own else { return nil }
      let ranks = own.indices.map { draw in
        1 + known.count { isBetterHigher ? $0[draw] > own[draw] : $0[draw] < own[draw] }
      }
      return middle(ranks.sorted())
    }
  }

  /// Whether it is better than another mean over the same samples: the 95% interval of the difference, drawn together,
  /// is on the better side of 0; nil if one is of fewer than `fewestSamples`.
  public func isBetter(than other: BootstrapMean, isBetterHigher: Bool) -> Bool? {
    guard min(sampleCount, other.sampleCount) >= Self.fewestSamples else { return nil }
    let difference = Self.middle(zip(resampled, other.resampled).map { $0 - $1 }.filter { !$0.isNaN }.sorted())
    return isBetterHigher ? difference.lowerBound > 0 : difference.upperBound < 0
  }
}
