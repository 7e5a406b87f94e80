import Graph

/// Points in groups, each point in that of the nearest centre, which is the group's mean.
///
/// The best of ten starts by k-means++: Arthur, Vassilvitskii, k-means++: The advantages of careful seeding, 2007. The
/// draws are always the same.
struct KMeans {
  /// The group of each point, by number; a group may be empty.
  private(set) var groups: [Int] = []
  /// The sum of the squared distances of the points from their centres.
  private var inertia = Double.infinity

  private let points: [Double]
  private let columns: Int
  private static let startCount = 10
  private static let mostRounds = 300

  /// - Parameters:
  ///   - points: one after another.
  ///   - columns: how many numbers a point has.
  ///   - count: how many groups there are at most; there are fewer if fewer points differ.
  init(_ points: [Double], columns: Int, count: Int) {
    (self.points, self.columns) = (points, columns)
    var generator = SplitMix64(seed: 0)
    for _ in 0..<Self.startCount {
      let (found, inertia) = descent(from: start(count, &generator))
      if inertia < self.inertia { (groups, self.inertia) = (found, inertia) }
    }
  }

  private var pointCount: Int { points.count / columns }

  /// Centres, each drawn from the points in proportion to the squared distance from those before it.
  private func start(_ count: Int, _ generator: inout SplitMix64) -> [Double] {
    var centres: [Double] = [], next = Int(generator.nextUniform() * Double(pointCount))
    var distances = [Double](repeating: .infinity, count: pointCount)
    while true {
      let centre = Array(points[next * columns..<(next + 1) * columns])
      centres += centre
      for point in 0..<pointCount { distances[point] = min(distances[point], distance(point, centre, 0)) }
      let total = distances.reduce(0, +)
      guard centres.count < count * columns, total > 0 else { return centres }
      let drawn = generator.nextUniform() * total
      var sum = 0.0
      next =
        distances.firstIndex {
          sum += $0
          return sum > drawn
        } ?? distances.lastIndex { $0 > 0 }!
    }
  }

  /// Moves centres to the means of their points until no point changes its group.
  private func descent(from start: [Double]) -> (groups: [Int], inertia: Double) {
    var centres = start, groups = [Int](repeating: -1, count: pointCount), inertia = 0.0
    let count = centres.count / columns
    for _ in 0..<Self.mostRounds {
      var changed = false
      inertia = 0
      for point in 0..<pointCount {
        var best = (group: 0, distance: Double.infinity)
        for group in 0..<count {
          let distance = distance(point, centres, group)
          if distance < best.distance { best = (group, distance) }
        }
        changed = changed || groups[point] != best.group
        groups[point] = best.group
        inertia += best.distance
      }
      guard changed else { break }
      var sums = [Double](repeating: 0, count: centres.count), counts = [Int](repeating: 0, count: count)
      for point in 0..<pointCount {
        counts[groups[point]] += 1
        for column in 0..<columns { sums[groups[point] * columns + column] += points[point * columns + column] }
      }
      for place in sums.indices where counts[place / columns] > 0 {
        centres[place] = sums[place] / Double(counts[place / columns])
      }
    }
    return (groups, inertia)
  }

  private func distance(_ point: Int, _ centres: [Double], _ centre: Int) -> Double {
    var sum = 0.0
    for column in 0..<columns {
      let difference = points[point * columns + column] - centres[centre * columns + column]
      sum += difference * difference
    }
    return sum
  }
}
