import Graph

/// Maps in groups that have their evidence in the same places.
///
/// Spectral clustering as in SpRAy: Lapuschkin et al., Unmasking Clever Hans predictors and assessing what machines really
/// learn, 2019. Each map is joined to the nearest ⌈ln n⌉ of n; k-means groups them by the eigenvectors of the graph's
/// normalised Laplacian with the smallest eigenvalues. Equal maps count once. The result depends on nothing but the maps
/// and their order, not on the number of threads.
public struct MapClusters: Sendable {
  /// A group, which has a map at least.
  public struct Group: Sendable {
    /// The positions of its maps among all: that nearest to the mean first.
    public let members: [Int]
    /// The mean of its maps, scaled to a maximum of 1.
    public let mean: HeatMap
    /// The share of its maps' neighbours that are in other groups: 0 for a group that is apart from all others.
    public let outside: Double
  }

  /// The groups, the largest first; fewer than were asked for if fewer maps differ.
  public let groups: [Group]
  /// The smallest eigenvalues of the graph's normalised Laplacian, one more than groups were asked for if there are as many:
  /// near 0 for each part that is hardly joined to the others.
  public let eigenvalues: [Double]
  /// The maps as points in a plane, along their first two principal components.
  public let plane: [(x: Double, y: Double)]

  /// How many groups may be asked for.
  public static let counts = 2...50
  /// How many maps there may be: the time grows with the square of their number.
  public static let mostMaps = 50_000

  /// - Parameters:
  ///   - maps: at most `mostMaps`.
  ///   - count: how many groups, in `counts`.
  ///   - threadCount: the threads to run on; nil means one per core.
  ///
  /// Throws `usage` for other numbers.
  public init(of maps: [CoarseMap], count: Int, threadCount: Int? = nil) throws {
    guard Self.counts.contains(count), maps.count <= Self.mostMaps else {
      throw GradCAMError(
        .usage, problem: "\(count) groups of \(maps.count) maps cannot be made",
        advice: "ask for \(Self.counts.lowerBound) to \(Self.counts.upperBound) groups of at most \(Self.mostMaps) maps"
      )
    }
    var numbers: [CoarseMap: Int] = [:], distinct: [CoarseMap] = []
    let places = maps.map { map in
      if let known = numbers[map] { return known }
      numbers[map] = distinct.count
      distinct.append(map)
      return distinct.count - 1
    }
    let vectors = distinct.flatMap(\.values)
    var labels = Array(distinct.indices), outside = labels.map { _ in 0.0 }, eigenvalues: [Double] = []
    if distinct.count > count {
      let pool = ThreadPool(threadCount: threadCount)
      let graph = NeighbourGraph(
        vectors, count: distinct.count, neighbourCount: Int(log(Double(distinct.count)).rounded(.up)),
        mostParts: count, pool: pool)
      let embedding = try SpectralEmbedding(of: graph, count: count + 1, pool: pool)
      eigenvalues = embedding.values
      let points = distinct.indices.flatMap { embedding.rows[$0 * (count + 1)..<$0 * (count + 1) + count] }
      labels = KMeans(points, columns: count, count: count).groups
      outside = graph.shareOutside(labels, groupCount: count)
    }
    self.eigenvalues = eigenvalues
    let members = Dictionary(grouping: maps.indices) { labels[places[$0]] }
    groups = members.sorted { ($1.value.count, $0.value[0]) < ($0.value.count, $1.value[0]) }.map { label, members in
      Group(members, maps, outside: outside[label])
    }
    let plane = maps.isEmpty ? [] : try PrincipalPlane(of: vectors, columns: CoarseMap.side * CoarseMap.side).places
    self.plane = places.map { plane[$0] }
  }
}

extension MapClusters.Group {
  fileprivate init(_ members: [Int], _ maps: [CoarseMap], outside: Double) {
    var sums = [Float](repeating: 0, count: CoarseMap.side * CoarseMap.side)
    for member in members { for (place, value) in maps[member].values.enumerated() { sums[place] += value } }
    let likeness = members.map { member in zip(maps[member].values, sums).reduce(0) { $0 + $1.0 * $1.1 } }
    self.members = likeness.ranking.map { members[$0] }
    mean = CoarseMap.map(of: sums)
    self.outside = outside
  }
}

extension NeighbourGraph {
  /// For each group, the share of its vectors' neighbours that are in other groups.
  fileprivate func shareOutside(_ labels: [Int], groupCount: Int) -> [Double] {
    var all = [Int](repeating: 0, count: groupCount), others = all
    for index in 0..<count {
      let neighbours = neighbours[starts[index]..<starts[index + 1]]
      all[labels[index]] += neighbours.count
      others[labels[index]] += neighbours.count { labels[Int($0)] != labels[index] }
    }
    return zip(others, all).map { $1 > 0 ? Double($0) / Double($1) : 0 }
  }
}
