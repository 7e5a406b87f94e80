import Graph

/// A network taken apart: for each pair, the part that computes its value from the values of others.
struct SeparateNodes {
  /// By pair; nil if the part cannot be run alone.
  let segments: [NodeSegment?]
  /// The pairs whose numbers a value holds: what it is given.
  let sources: [ValueID: Int]

  /// - Parameters:
  ///   - explainer: of the second network.
  ///   - range: the range of a value of the first network in an image, 0 included.
  init(_ pairs: [NodePairing.Pair], of explainer: Explainer, range: (ValueID) -> ClosedRange<Float>) {
    let infos = explainer.focus.catalogue.infos
    var sources: [ValueID: Int] = [:], corrected = [[Int: Int]](repeating: [:], count: pairs.count)
    for (place, pair) in pairs.enumerated() {
      if infos[pair.second.root]?.elementType.isFloatingPoint ?? false { sources[pair.second.root] = place }
      for restored in pair.second.restored {
        // A node that reads rounded numbers by a wrong scale is given them as they were rounded.
        if restored.isReadWrongly(of: { range(pair.values.first) }), let rounding = restored.rounding {
          corrected[place][restored.node] = rounding
        } else {
          sources[restored.value] = place
        }
      }
    }
    self.sources = sources
    segments = pairs.enumerated().map { [sources] place, pair in
      try? NodeSegment(
        computing: pair.values.second, of: explainer.planner, correcting: corrected[place]
      ) { value in sources[value].map { $0 != place } ?? false }
    }
  }
}

extension Quantity.Restored {
  /// Whether the scale by which numbers are read differs from the one that they were rounded by, and is the wrong one
  /// of both: the one that fits the numbers less.
  ///
  /// - Parameter range: that of the numbers as they should be, 0 included.
  fileprivate func isReadWrongly(of range: () -> ClosedRange<Float>) -> Bool {
    guard !isFaithful, isInReader, let scales, scales.rounding > 0, scales.restoring > 0 else { return false }
    let range = range(), fitting = (range.upperBound - range.lowerBound) / 255
    guard fitting > 0, fitting.isFinite else { return false }
    return abs(log2(scales.restoring / fitting)) > abs(log2(scales.rounding / fitting))
  }
}
