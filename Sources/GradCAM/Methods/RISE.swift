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
    let image = probe.inputPlanes, baseline = try probe.planes(of: baseline)[0]
    let masks = RandomMasks(size: probe.inputSize)
    let scores = try probe.scores(ofInputs: maskCount) { index, input in
      let mask = masks[index]
      let changed = zip(image, baseline).map { plane, nothing in
        plane.indices.map { nothing[$0] + mask[$0] * (plane[$0] - nothing[$0]) }
      }
      probe.setInput(input, to: changed)
    }
    var sum = [Float](repeating: 0, count: probe.inputSize.count)
    for (index, score) in scores.enumerated() {
      let mask = masks[index]
      for place in sum.indices { sum[place] += score * mask[place] }
    }
    return HeatMap(probe.inputSize, values: sum.map { $0 / (Float(maskCount) * RandomMasks.kept) })
  }
}
