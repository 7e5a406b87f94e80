import Graph

/// The feature maps that a detector may read its boxes from, if they cannot be followed back to cells.
struct ScaleMaps {
  /// The nodes whose first output is a feature map that the explained value is computed from, in the graph's order.
  let maps: [Int]
  let choice: LastFeatureMap
  /// The explained value.
  let explained: ValueID
  /// Type and extents of every value.
  let infos: [ValueID: ValueInfo]

  private var graph: ComputeGraph { choice.graph }

  /// Of each size, the feature map that the head reads; of several, as where one layer classifies and another one judges,
  /// the last one that all of them, and some other values, are computed from.
  ///
  /// - Parameter others: what else is known of boxes, such as their places; it does not count if it is computed from no
  ///   map that the explained value is computed from.
  func readByHead(sharedWith others: Set<ValueID>) -> [ValueID] {
    let (contents, candidates) = beforeHead(of: explained)
    let shared = others.subtracting([explained]).map { beforeHead(of: $0).maps }
      .filter { !$0.isDisjoint(with: candidates) }
    // Which of the maps that the head reads are computed from each value.
    var ends: [ValueID: Set<Int>] = [:], leadsToHead: Set = [explained]
    for (index, node) in graph.nodes.enumerated().reversed() where node.results.contains(where: contents.contains) {
      var reached = node.results.reduce(into: Set<Int>()) { $0.formUnion(ends[$1] ?? []) }
      let isOpen = node.results.contains(where: leadsToHead.contains)
      if isOpen, candidates.contains(index) {
        reached.insert(index)
      } else if isOpen {
        leadsToHead.formUnion(node.reads.filter(contents.contains))
      }
      for result in node.results { ends[result] = reached }
      for value in node.reads where contents.contains(value) { ends[value, default: []].formUnion(reached) }
    }
    func reached(_ map: Int) -> Set<Int> { ends[graph.nodes[map].outputs[0]!] ?? [] }
    let read = Set(candidates.filter { reached($0).contains($0) })
    return Dictionary(grouping: candidates.sorted()) { choice.layouts[$0]!.size }.values.compactMap { maps -> Int? in
      let last = read.intersection(maps)
      guard !last.isEmpty else { return nil }
      let common = maps.filter { map in
        reached(map).isSuperset(of: last) && shared.allSatisfy { $0.contains(map) }
      }
      return choice.find(among: common.isEmpty ? maps : common)
    }.sorted().map { graph.nodes[$0].outputs[0]! }
  }

  /// The values whose numbers can change a value, and the feature maps among them that lie before its head.
  private func beforeHead(of value: ValueID) -> (contents: Set<ValueID>, maps: Set<Int>) {
    let contents = graph.contents(of: value, infos).intersection(graph.liveRanges(before: [value]) { infos[$0] }.keys)
    let values = graph.valuesBeforeHead(of: value, among: contents, isShared: false)
    let maps = maps.filter { map in
      let size = choice.layouts[map]!.size
      return size.extents.allSatisfy { $0 > 1 } && values.contains(graph.nodes[map].outputs[0]!)
    }
    return (contents, Set(maps))
  }
}

extension ComputeGraph {
  /// The values whose numbers, which are not known beforehand, another one is computed from, not only the places where
  /// they are read: indices and conditions have no part in it.
  func contents(of value: ValueID, _ infos: [ValueID: ValueInfo]) -> Set<ValueID> {
    var found: Set = [value]
    for node in nodes.reversed() where node.results.contains(where: found.contains) {
      let locating = node.operation?.locatingInputs ?? []
      let read =
        locating.isEmpty
        ? node.reads : node.inputs.enumerated().compactMap { locating.contains($0.offset) ? nil : $0.element }
      found.formUnion(
        read.filter { ![.int64, .bool].contains(infos[$0]?.elementType) && infos[$0]?.constant == nil })
    }
    return found
  }
}
