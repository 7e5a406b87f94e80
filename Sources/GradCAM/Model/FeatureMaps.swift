import Graph

/// The values of a network at which a map can be taken, and the one that `auto` means.
struct FeatureMaps {
  /// The dimensions of every value that depends on the image.
  let dimensions: [ValueID: [Dimension]]
  /// The nodes whose first output is a feature map between the image and the explained value, in which more than a
  /// class token can change that value.
  let nodes: Set<Int>
  /// The last feature map before the head, which may be one only item by item; nil if there is none.
  let auto: ValueID?
  /// The last feature map of each size before the head that no other one of these is computed from: what a detector may
  /// read its boxes from; empty if class scores are explained.
  let scales: [ValueID]

  /// - Parameters:
  ///   - infos: type and extents of every value that the explained value depends on.
  ///   - explained: the explained value.
  ///   - ends: the explained value; with others, feature maps are those before any of them, and none is `auto`.
  ///   - reachable: the values between the images and the ends.
  ///   - pictured: the values that depend on the image that `auto` is about.
  init(
    of model: Model, infos: [ValueID: ValueInfo], explaining explained: ValueID, of ends: [ValueID],
    reachable: Set<ValueID>, pictured: Set<ValueID>, explainsClassScores: Bool
  ) {
    let graph = model.graph
    let dimensions = model.dimensions(infos)
    let live = graph.liveRanges(before: ends) { infos[$0] }
    // Values with places of the picture that can change the explained value: weights of an attention have those of its
    // queries on one axis, and of its keys on another.
    let spatial = Set(
      reachable.filter { value in
        guard let dimensions = dimensions[value], let live = live[value] else { return false }
        return zip(dimensions, live).contains { $0.isSpatial && $0.places.overlaps($1) }
      })
    var layouts: [Int: FeatureMapLayout] = [:]
    var complete: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      guard let output = node.outputs.first ?? nil, spatial.contains(output), ends != [output],
        infos[output]?.elementType.isFloatingPoint == true
      else { continue }
      if let layout = FeatureMapLayout(dimensions[output]!) {
        layouts[index] = layout
        complete.insert(index)
      } else if let item = FeatureMapLayout(dimensions[output]!, item: 0), item.positions > 1 {
        layouts[index] = item
      }
    }
    // The explained value may be as large as a feature map, or have parts that only some feature maps reach.
    let shared = explainsClassScores ? nil : graph.valuesBeforeHead(of: explained, among: reachable)
    let choice = LastFeatureMap(graph: graph, producers: graph.producers, spatial: spatial, layouts: layouts)
    // What lies before all convolutions, such as a picture cut up or turned over, is not what the network made of it.
    let convolved = graph.downstream(
      of: Set(graph.nodes.filter { $0.role == .convolution }.flatMap(\.results).filter(reachable.contains)))
    let contents = graph.contents(of: explained, infos)
    let all = layouts.keys.sorted().filter { index in
      let output = graph.nodes[index].outputs[0]!
      return pictured.contains(output) && contents.contains(output)
        && (convolved.isEmpty || convolved.contains(output))
    }
    let found = shared.flatMap { shared in
      choice.find(among: all.filter { shared.contains(graph.nodes[$0].outputs[0]!) })
    }
    auto = ends.count > 1 ? nil : (found ?? choice.find(among: all)).flatMap { graph.nodes[$0].outputs[0] }
    scales =
      explainsClassScores
      ? []
      : graph.lastOfEachSize(
        all, layouts, choice, before: graph.valuesBeforeHead(of: explained, among: reachable, isShared: false), contents
      )
    nodes = complete
    self.dimensions = dimensions
  }
}

extension ComputeGraph {
  /// The values whose numbers another one is computed from, not only the places where they are read: indices and
  /// conditions have no part in it.
  fileprivate func contents(of value: ValueID, _ infos: [ValueID: ValueInfo]) -> Set<ValueID> {
    var found: Set = [value]
    for node in nodes.reversed() where node.results.contains(where: found.contains) {
      let locating = node.operation?.locatingInputs ?? []
      let read =
        locating.isEmpty
        ? node.reads : node.inputs.enumerated().compactMap { locating.contains($0.offset) ? nil : $0.element }
      found.formUnion(read.filter { ![.int64, .bool].contains(infos[$0]?.elementType) })
    }
    return found
  }

  /// The last feature map of each size among some nodes that no map of another size is computed from; of several, as
  /// where one head classifies and another one judges, the last one that all of them are computed from.
  ///
  /// - Parameters:
  ///   - before: the values before the head.
  ///   - contents: the values whose numbers the explained one is computed from.
  fileprivate func lastOfEachSize(
    _ maps: [Int], _ layouts: [Int: FeatureMapLayout], _ choice: LastFeatureMap, before: Set<ValueID>,
    _ contents: Set<ValueID>
  ) -> [ValueID] {
    func size(_ map: Int) -> PixelSize { layouts[map]!.size }
    let candidates = Set(maps.filter { before.contains(nodes[$0].outputs[0]!) })
    // The last maps of each size that are computed from each value.
    var ends: [ValueID: Set<Int>] = [:]
    for (index, node) in nodes.enumerated().reversed() {
      var reached = node.results.reduce(into: Set<Int>()) { $0.formUnion(ends[$1] ?? []) }
      if candidates.contains(index), !reached.contains(where: { size($0) == size(index) }) { reached.insert(index) }
      guard !reached.isEmpty else { continue }
      for result in node.results { ends[result] = reached }
      for value in node.reads where contents.contains(value) { ends[value, default: []].formUnion(reached) }
    }
    func reached(_ map: Int) -> Set<Int> { ends[nodes[map].outputs[0]!] ?? [] }
    let bySize = Dictionary(grouping: candidates.sorted(), by: size)
    return bySize.values.compactMap { maps -> Int? in
      let last = Set(maps.filter { reached($0).contains($0) })
      guard last.allSatisfy({ reached($0).allSatisfy(last.contains) }) else { return nil }
      let common = maps.filter { reached($0).isSuperset(of: last) }
      return choice.find(among: common.isEmpty ? maps : common)
    }.sorted().map { nodes[$0].outputs[0]! }
  }
}
