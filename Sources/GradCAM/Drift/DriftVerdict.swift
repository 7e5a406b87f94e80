/// Which nodes are out of line with the others, by the signal-to-noise ratios of their own errors.
struct DriftVerdict {
  /// The ratio of most nodes that have an error of their own: the median, in decibels; nil if none has.
  let usual: Double?
  /// The nodes that break, in the order given.
  let broken: [Int]

  /// Below this, a node's own error is no rounding.
  static let floor = 10.0
  /// How far below the median a node is that stands out, in robust standard deviations.
  static let deviations = 3.0
  /// The least standard deviation that nodes are credited with, in decibels.
  static let leastDeviation = 3.0
  /// Fewer nodes with an error of their own do not tell what is usual.
  private static let fewest = 3
  /// Errors less than this are those of arithmetic in another order.
  static let exact = 90.0

  /// - Parameter ratios: of each node, in decibels; nil if it is not known.
  init(_ ratios: [Double?]) {
    let known = ratios.compactMap { $0 }, lossy = known.filter { $0 < Self.exact }.sorted()
    // Where hardly a node has an error, to have none is usual.
    let compared = lossy.count < Self.fewest ? known.map { min($0, Self.exact) }.sorted() : lossy
    guard !lossy.isEmpty else {
      (usual, broken) = (nil, [])
      return
    }
    let median = compared.middle, spread = compared.map { abs($0 - median) }.sorted().middle
    let limit = min(Self.floor, median - Self.deviations * max(Self.leastDeviation, 1.4826 * spread))
    usual = median
    broken = ratios.indices.filter { index in ratios[index].map { $0 < limit } ?? false }
  }
}

extension [Double] {
  /// The median of sorted numbers, of which there is at least one.
  fileprivate var middle: Double { (self[(count - 1) / 2] + self[count / 2]) / 2 }
}
