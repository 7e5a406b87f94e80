import Graph

/// D-RISE: RISE of a detector's box, whose score under a mask is the largest similarity of what the detector proposes then.
///
/// The similarity of two boxes is the share of their common area that they share, times the cosine of the scores of their
/// classes, times the proposal's objectness; where a detector has none, its largest class score. Petsiuk et al., Black-box
/// Explanation of Object Detectors via Saliency Maps, 2021.
struct DRISE: CAMMethod {
  var summary: String { "as rise, of a box, by the most similar box that a masked picture gives" }
  let scope = MapScope.network
  var baseline = Baseline.zero
  var maskCount = MethodSettings().maskCount

  func configured(by settings: MethodSettings) -> any CAMMethod {
    DRISE(baseline: settings.baseline, maskCount: settings.maskCount)
  }

  func passCount(at tap: Tap) -> Int { maskCount }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    guard let target = probe.target as? DetectionTarget, let own = try probe.proposal(target.layout, target.box) else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "d-rise")",
        problem: "explains a single box whose place is known; the target is \(probe.target.description)",
        advice: "give \(.detection, as: "K"), or choose rise")
    }
    return try RandomMasks.map(count: maskCount, of: probe, baseline: baseline) { changed in
      try probe.similarities(to: own, target.layout, ofInputs: maskCount, change: changed)
    }
  }
}

extension Probe {
  /// A box of the image as the detector proposes it; nil if its place is not known.
  fileprivate func proposal(_ layout: DetectionLayout, _ box: Int) throws -> DetectionLayout.Proposal? {
    try layout.proposal(box, in: observation.elements)
  }

  /// The largest similarity of a box to those that a detector proposes for changed inputs.
  fileprivate func similarities(
    to own: DetectionLayout.Proposal, _ layout: DetectionLayout, ofInputs count: Int,
    change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> [Float] {
    try (0..<count).map { index in
      var contents: [ValueID: [Float]] = [:]
      try visit(changedInput: { change(index, $0) }) { changed in
        for value in [layout.scores] + layout.others { contents[value] = try changed.elements(of: value) }
      }
      return (0..<layout.boxCount).reduce(0) { largest, box in
        guard let other = layout.proposal(box, in: { contents[$0]! }) else { return largest }
        return max(largest, own.similarity(to: other))
      }
    }
  }
}

extension DetectionLayout.Proposal {
  /// The share of the common area × the cosine of the classes' scores × the other's objectness.
  fileprivate func similarity(to other: DetectionLayout.Proposal) -> Float {
    let overlap = Float(outline.overlap(with: other.outline))
    guard overlap > 0, classIndex == nil || other.classIndex == nil || classIndex == other.classIndex else { return 0 }
    func product(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let norms = (product(classScores, classScores) * product(other.classScores, other.classScores)).squareRoot()
    return norms > 0 ? overlap * product(classScores, other.classScores) / norms * other.objectness : 0
  }
}
