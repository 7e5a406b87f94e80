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
  ///   - reachable: the values between the images and the explained value.
  ///   - pictured: the values that depend on the image that `auto` is about.
  init(
    of model: Model, infos: [ValueID: ValueInfo], explaining explained: ValueID, reachable: Set<ValueID>,
    pictured: Set<ValueID>, explainsClassScores: Bool
  ) {
    let graph = model.graph
    let images = Dictionary(
      uniqueKeysWithValues: model.imageInputs.filter { infos[$0.value]?.constant == nil }.map {
        ($0.value, $0.shape.roles)
      })
    let dimensions = DimensionTracker(graph, images: images) { infos[$0] }.dimensions
    let live = graph.liveRanges(before: explained) { infos[$0] }
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
      guard let output = node.outputs.first ?? nil, spatial.contains(output), output != explained,
        infos[output]?.elementType.isFloatingPoint == true
      else { continue }
      if let layout = FeatureMapLayout(dimensions[output]!) {
        layouts[index] = layout
        complete.insert(index)
      } else if let item = FeatureMapLayout(dimensions[output]!, item: 0),
        item.width * item.height > 1
      {
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
    auto = (found ?? choice.find(among: all)).flatMap { graph.nodes[$0].outputs[0] }
    scales =
      explainsClassScores
      ? []
      : graph.lastOfEachSize(
        all, layouts, choice, before: graph.valuesBeforeHead(of: explained, among: reachable, isShared: false), contents)
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

  /// The last feature map of each size among some nodes that none of the others is computed from.
  ///
  /// - Parameters:
  ///   - before: the values before the head.
  ///   - contents: the values whose numbers the explained one is computed from.
  fileprivate func lastOfEachSize(
    _ nodes: [Int], _ layouts: [Int: FeatureMapLayout], _ choice: LastFeatureMap, before: Set<ValueID>,
    _ contents: Set<ValueID>
  ) -> [ValueID] {
    let sizes = Dictionary(grouping: nodes.filter { before.contains(self.nodes[$0].outputs[0]!) }) {
      [layouts[$0]!.width, layouts[$0]!.height]
    }
    let last = Set(sizes.values.compactMap { choice.find(among: $0) }).sorted().map { self.nodes[$0].outputs[0]! }
    return last.filter { value in
      let others = downstream(of: [value]).intersection(contents)
      return !last.contains { $0 != value && others.contains($0) }
    }
  }
}
