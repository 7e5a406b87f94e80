import Graph

/// RISE: Σ y(x · m) m ⁄ (n p) over n random masks m.
///
/// A mask is a grid of 7 cells along each axis, each kept with the probability p = ½, enlarged linearly and shifted by up
/// to a cell; masks come in pairs of opposites. What a mask takes away is replaced by the baseline. Petsiuk et al., RISE: Randomized Input Sampling for
/// Explanation of Black-box Models, 2018, where y is the probability of a class and the baseline 0.
struct RISE: CAMMethod {
  var summary: String { "mean of random masks, weighted by the score of the picture that they leave visible" }
  let scope = MapScope.network
  var baseline = Baseline.zero
  var maskCount = MethodSettings().maskCount

  func configured(by settings: MethodSettings) -> any CAMMethod {
    RISE(baseline: settings.baseline, maskCount: settings.maskCount)
  }

  func passCount(at tap: Tap) -> Int { maskCount }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    try RandomMasks.map(count: maskCount, of: probe, baseline: baseline) { change in
      try probe.scores(ofInputs: maskCount, change: change)
    }
  }
}
