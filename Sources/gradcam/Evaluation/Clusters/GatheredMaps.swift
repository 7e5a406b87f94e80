import GradCAM

/// The maps of an evaluation that are put into groups, by method and class, as far as groups and their page need them.
final class GatheredMaps {
  private let groupCount: Int
  private let methods: [String]
  private let metrics: [any Metric]
  private var sets: [Key: MapSet] = [:]
  /// How many maps are kept.
  private var count = 0
  /// The maps of the image at work.
  private var added: [AddedMap] = []

  private struct Key: Hashable {
    /// The number of the method.
    let method: Int
    /// The class; −1 if no class is explained.
    let subject: Int
  }

  private struct AddedMap {
    let key: Key
    let label: String?
    let image: String
    let map: CoarseMap?
    let values: [Double?]
  }

  private struct MapSet {
    var label: String?
    var maps: [CoarseMap] = []
    /// For each map, the image, and a number for each metric.
    var images: [String] = [], values: [[Double?]] = []
    /// How many maps showed nothing, and how many came after the most that are kept.
    var emptyCount = 0, leftOutCount = 0
  }

  /// The fewest maps that are put into groups.
  private static let fewestMaps = 5
  /// How many maps of all classes and methods are kept: some 800 MB.
  private static let mostMaps = 400_000

  /// - Parameters:
  ///   - groupCount: how many groups are asked for.
  ///   - methods: those whose maps are grouped.
  ///   - metrics: those that are measured.
  init(_ groupCount: Int, _ methods: [String], _ metrics: [any Metric]) {
    (self.groupCount, self.methods, self.metrics) = (groupCount, methods, metrics)
  }

  /// Adds maps of an image, which count once `keep` is called.
  ///
  /// - Parameter measured: for each map, a number for each metric.
  func add(_ image: String, _ explanations: [Explanation], _ measured: [[Double?]]) {
    for (explanation, values) in zip(explanations, measured) {
      guard let method = methods.firstIndex(of: explanation.method) else { continue }
      added.append(
        AddedMap(
          key: Key(method: method, subject: explanation.target.subject ?? -1),
          label: explanation.scored?.label ?? explanation.detection?.label, image: image,
          map: explanation.coarseMap(), values: values))
    }
  }

  /// Keeps the maps that were added, or leaves them out since their image failed.
  func keep(isWhole: Bool) {
    for each in isWhole ? added : [] {
      var set = sets.removeValue(forKey: each.key) ?? MapSet()
      set.label = each.label
      if let map = each.map {
        if set.maps.count < MapClusters.mostMaps, count < Self.mostMaps {
          count += 1
          set.maps.append(map)
          set.images.append(each.image)
          set.values.append(each.values)
        } else {
          set.leftOutCount += 1
        }
      } else {
        set.emptyCount += 1
      }
      sets[each.key] = set
    }
    added = []
  }

  /// The groups, method by method and class by class.
  ///
  /// Throws what `MapClusters` throws.
  func groups(threadCount: Int?) throws -> [GroupedClass] {
    let leftOutCount = sets.values.reduce(0) { $0 + $1.leftOutCount }
    if leftOutCount > 0 {
      Console.warn(
        "--clusters \(groupCount): \(counted(leftOutCount, "map")) came after the most that are kept, and are in no group"
      )
    }
    return try sets.sorted { ($0.key.method, $0.key.subject) < ($1.key.method, $1.key.subject) }.map { key, set in
      var found = GroupedClass(
        method: methods[key.method], class: key.subject < 0 ? nil : key.subject, label: set.label,
        maps: set.maps.count, empty: set.emptyCount, left_out: set.leftOutCount)
      guard set.maps.count >= max(Self.fewestMaps, groupCount) else { return found }
      let clusters = try MapClusters(of: set.maps, count: groupCount, threadCount: threadCount)
      found.eigenvalues = clusters.eigenvalues
      found.groups = clusters.groups.map { group in
        GroupedClass.Group(
          size: group.members.count, neighbours_outside: group.outside,
          means: Dictionary(
            uniqueKeysWithValues: metrics.indices.map { metric in
              (metrics[metric].name, group.members.map { set.values[$0][metric] }.mean)
            }),
          images: group.members.map { set.images[$0] }, mean: group.mean,
          nearest: group.members.prefix(GroupedClass.Group.mostShown).map { (set.images[$0], set.maps[$0].map) })
      }
      found.places = clusters.groups.map { $0.members.map { clusters.plane[$0] } }
      found.background = background(clusters, set)
      return found
    }
  }

  /// The groups whose maps lie mostly outside of the boxes, and more so than those of the others, for certain: so say the
  /// 95% intervals of the share inside, and of the difference.
  private func background(_ clusters: MapClusters, _ set: MapSet) -> [GroupedClass.Background] {
    guard clusters.groups.count > 1, let metric = metrics.firstIndex(where: { $0.name == "energy-inside" }) else {
      return []
    }
    var all = clusters.groups.map { _ in (own: BootstrapMean(), others: BootstrapMean()) }
    for (index, group) in clusters.groups.enumerated() {
      for member in group.members {
        guard let value = set.values[member][metric] else { continue }
        let draws = BootstrapMean.Draws(set.images[member])
        for other in all.indices {
          if other == index { all[other].own.add(value, draws) } else { all[other].others.add(value, draws) }
        }
      }
    }
    return all.enumerated().compactMap { index, share in
      guard share.own.isBetter(than: share.others, isBetterHigher: false) == true,
        let interval = share.own.interval, interval.upperBound < 0.5
      else { return nil }
      return GroupedClass.Background(group: index + 1, inside: share.own.mean!, inside_of_others: share.others.mean!)
    }
  }
}
