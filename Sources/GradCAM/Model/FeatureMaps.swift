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
  /// What a detector may read its boxes from; nil if class scores are explained.
  let scales: ScaleMaps?

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
    scales = explainsClassScores ? nil : ScaleMaps(maps: all, choice: choice, explained: explained, infos: infos)
    nodes = complete
    self.dimensions = dimensions
  }
}
