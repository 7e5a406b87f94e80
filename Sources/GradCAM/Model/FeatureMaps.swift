import Graph

/// The values of a network at which a map can be taken, and the one that `auto` means.
struct FeatureMaps {
  /// The dimensions of every value that depends on the image.
  let dimensions: [ValueID: [Dimension]]
  /// The nodes whose first output is a feature map between the image and the explained value.
  let nodes: Set<Int>
  /// The last feature map before the head; nil if there is no feature map.
  let auto: ValueID?

  /// - Parameters:
  ///   - infos: type and extents of every value that the explained value depends on.
  ///   - explained: the explained value.
  ///   - reachable: the values between the image and the explained value.
  init(
    of model: Model, infos: [ValueID: ValueInfo], explaining explained: ValueID, reachable: Set<ValueID>,
    explainsClassScores: Bool
  ) {
    let graph = model.graph
    let dimensions = DimensionTracker(graph, image: model.imageInput, layout: model.imageShape.layout) { infos[$0] }
      .dimensions
    let (live, isPartial) = graph.valuesWithLivePositions(before: explained) { dimensions[$0] }
    func isMappable(_ value: ValueID) -> Bool {
      guard reachable.contains(value), live.contains(value), value != explained,
        infos[value]?.elementType.isFloatingPoint == true,
        let layout = dimensions[value].flatMap(FeatureMapLayout.init)
      else { return false }
      return layout.width * layout.height > 1
    }
    let outputs = graph.nodes.map { $0.outputs.compactMap { $0 }.first }
    let mappable = graph.nodes.indices.filter { outputs[$0].map(isMappable) ?? false }
    // If the score is read from a class token, the last attention looks at the input of its own block.
    let choices = [OperatorRole.normalization, .sum].lazy.map { role in
      mappable.filter { graph.nodes[$0].role == role }
    }
    var auto = ((isPartial ? choices.first { !$0.isEmpty } : nil) ?? mappable).last.flatMap { outputs[$0] }
    if !explainsClassScores {
      // The explained value may be as large as a feature map, or have parts that only some feature maps reach.
      let shared = graph.valuesBeforeHead(of: explained, among: reachable)
      auto = mappable.compactMap { outputs[$0] }.last(where: shared.contains) ?? auto
    }
    (self.dimensions, self.nodes, self.auto) = (dimensions, Set(mappable), auto)
  }
}
