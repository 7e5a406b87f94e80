/// How far two maps of one size agree.
public struct MapAgreement: Sendable, Equatable {
  /// Pearson's correlation; nil if a map is constant.
  public let pearson: Double?
  /// Spearman's correlation, of ranks; equal values share their mean rank; nil if a map is constant.
  public let spearman: Double?
  /// The mean structural similarity over windows of 7 × 7, for values of 0 … 1; nil if a side is shorter than that,
  /// or for maps of signals and volumes.
  ///
  /// Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004, as in scikit-image.
  public let structuralSimilarity: Double?
  /// Intersection over union of the highest fifth of the pixels of each map, without pixels of 0; nil if both maps are
  /// empty.
  public let topOverlap: Double?

  /// Compares two maps.
  ///
  /// - Precondition: they have one size.
  public init(_ first: HeatMap, _ second: HeatMap) {
    precondition(first.size == second.size)
    pearson = correlation(first, second)
    spearman = correlation(first.values.ranks, second.values.ranks)
    structuralSimilarity = GradCAM.structuralSimilarity(first, second)
    let one = first.values.topFifth, other = second.values.topFifth
    let union = one.union(other)
    topOverlap = union.isEmpty ? nil : Double(one.intersection(other).count) / Double(union.count)
  }
}

/// Pearson's correlation of two maps of one size; nil if a map is constant.
func correlation(_ first: HeatMap, _ second: HeatMap) -> Double? {
  correlation(first.values.map(Double.init), second.values.map(Double.init))
}

/// Pearson's correlation; nil if one of two lists of equal length is constant.
func correlation(_ first: [Double], _ second: [Double]) -> Double? {
  let count = Double(first.count)
  let means = (first.reduce(0, +) / count, second.reduce(0, +) / count)
  var sums = (both: 0.0, first: 0.0, second: 0.0)
  for (one, other) in zip(first, second) {
    let (one, other) = (one - means.0, other - means.1)
    sums.both += one * other
    sums.first += one * one
    sums.second += other * other
  }
  let size = (sums.first * sums.second).squareRoot()
  return size > 0 ? sums.both / size : nil
}

extension [Float] {
  /// The rank of each value, from 1; equal values share their mean rank.
  fileprivate var ranks: [Double] {
    let order = indices.sorted { self[$0] < self[$1] }
    var ranks = [Double](repeating: 0, count: count), start = 0
    while start < count {
      var end = start + 1
      while end < count, self[order[end]] == self[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }

  /// The highest fifth of the pixels, without those that are 0; the first of several that are equal.
  fileprivate var topFifth: Set<Int> {
    Set(ranking.prefix(Int((Double(count) * 0.2).rounded())).filter { self[$0] > 0 })
  }
}

/// The mean structural similarity of two maps of one size, as in `MapAgreement`.
func structuralSimilarity(_ first: HeatMap, _ second: HeatMap) -> Double? {
  let side = 7, width = first.width, height = first.height
  guard first.size.rank == 2, width >= side, height >= side else { return nil }
  let count = Double(side * side), sample = count / (count - 1)
  let constants = (0.01 * 0.01, 0.03 * 0.03)
  func windows(_ value: (Int) -> Double) -> [Double] { windowSums(value, width: width, height: height, side: side) }
  let one = first.values.map(Double.init), other = second.values.map(Double.init)
  let sums = windows { one[$0] }, otherSums = windows { other[$0] }
  let squares = windows { one[$0] * one[$0] }, otherSquares = windows { other[$0] * other[$0] }
  let products = windows { one[$0] * other[$0] }
  let total = sums.indices.reduce(0.0) { total, index in
    let mean = sums[index] / count, otherMean = otherSums[index] / count
    let variance = sample * (squares[index] / count - mean * mean)
    let otherVariance = sample * (otherSquares[index] / count - otherMean * otherMean)
    let covariance = sample * (products[index] / count - mean * otherMean)
    return total + (2 * mean * otherMean + constants.0) * (2 * covariance + constants.1)
      / ((mean * mean + otherMean * otherMean + constants.0) * (variance + otherVariance + constants.1))
  }
  return total / Double(sums.count)
}

/// The sums over all windows of a side length that lie inside, row by row.
private func windowSums(_ value: (Int) -> Double, width: Int, height: Int, side: Int) -> [Double] {
  var columns = [Double](repeating: 0, count: width), sums: [Double] = []
  sums.reserveCapacity((width - side + 1) * (height - side + 1))
  for y in 0..<height {
    for x in 0..<width { columns[x] += value(y * width + x) - (y >= side ? value((y - side) * width + x) : 0) }
    guard y >= side - 1 else { continue }
    var sum = columns[..<(side - 1)].reduce(0, +)
    for x in side - 1..<width {
      sum += columns[x]
      sums.append(sum)
      sum -= columns[x - side + 1]
    }
  }
  return sums
}
