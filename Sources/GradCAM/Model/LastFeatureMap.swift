import Graph

/// Finds the last feature map before the head of a network.
///
/// In most networks it is the last node that has places of the picture. If a network ends in an attention, from which
/// only tokens without a place are read on, or which pools all places, the last such nodes are its keys, values and
/// weights; the map is what they are all made from: the first normalisation of the block. A pooled map is passed over
/// for the finer one before it.
struct LastFeatureMap {
  let graph: ComputeGraph
  let producers: [ValueID: Int]
  /// The values with places of the picture that can change the explained value.
  let spatial: Set<ValueID>
  /// The nodes whose first output is a feature map.
  let layouts: [Int: FeatureMapLayout]

  /// The last feature map; nil if there is none.
  ///
  /// - Parameter maps: nodes whose first output is a feature map, in the graph's order.
  func find(among maps: [Int]) -> Int? {
    // A single row or column of a picture, such as a sequence, shows less than the map that it was pooled from.
    let planes = maps.filter { map in
      let size = layouts[map]!.size
      return size.rank == 1 ? size.count > 1 : min(size.width, size.height) > 1
    }
    guard let last = (planes.isEmpty ? maps : planes).last else { return nil }
    let mixed = operandsOfLastMixing(after: last)
    let map = mixed.count > 1 ? commonSource(of: mixed).flatMap(beforeProjections) ?? last : last
    return beforePooling(map)
  }

  /// The nodes that give a node the places of the picture.
  private func sources(of node: Int) -> [Int] {
    graph.nodes[node].reads.filter(spatial.contains).compactMap { producers[$0] }.withoutRepeats
  }

  /// The nodes whose results are multiplied, as values and their weights are in an attention, where the places
  /// downstream of a node end.
  private func operandsOfLastMixing(after node: Int) -> Set<Int> {
    var carried = Set(graph.nodes[node].results), found: Set<Int> = []
    for index in graph.nodes.indices[(node + 1)...] where graph.nodes[index].reads.contains(where: carried.contains) {
      let next = graph.nodes[index], results = next.results.filter(spatial.contains)
      if !results.isEmpty {
        carried.formUnion(results)
      } else if [.product, .attention].contains(next.role) {
        found.formUnion(sources(of: index))
      }
    }
    return found
  }

  /// The last node that all places of some nodes come through; nil if it is the image.
  private func commonSource(of nodes: Set<Int>) -> Int? {
    var open = nodes
    while open.count > 1 {
      let last = open.max()!
      open.remove(last)
      open.formUnion(sources(of: last))
    }
    return open.first
  }

  /// What was projected and rearranged to make a node's result, if that is a feature map.
  private func beforeProjections(_ node: Int) -> Int? {
    var node = node
    while let source = projected(by: node) { node = source }
    while layouts[node] == nil {
      let sources = sources(of: node)
      guard sources.count == 1 else { return nil }
      node = sources[0]
    }
    return node
  }

  /// The node whose result another one projects by weights, shifts or scales after a projection, or rearranges; nil if
  /// it does anything else.
  private func projected(by index: Int) -> Int? {
    let node = graph.nodes[index], sources = sources(of: index)
    guard sources.count == 1 else { return nil }
    let source = sources[0]
    if rearranges(node) || [.product, .convolution].contains(node.role) { return source }
    // A bias or a normalisation of channels is a part of the projection before it; positions are added to what tokens
    // were joined to.
    guard node.role == .sum || (node.role == .normalization && isChannelsFirst(node)) else { return nil }
    var before = source, isJoined = false
    while rearranges(graph.nodes[before]), let next = self.sources(of: before).first {
      isJoined = isJoined || graph.nodes[before].role == .concatenation
      before = next
    }
    return isJoined || [.product, .convolution].contains(graph.nodes[before].role) ? source : nil
  }

  private func rearranges(_ node: Node) -> Bool {
    [.identity, .selection, .concatenation, .rearrangement].contains(node.role)
  }

  private func isChannelsFirst(_ node: Node) -> Bool {
    if case .channelsFirst? = node.operation?.axes(NodeInputs([])) { true } else { false }
  }

  /// The map before pooling, if it is not coarser, or before other tokens were left out.
  private func beforePooling(_ node: Int) -> Int {
    // A pooled map may have been reshaped or transposed.
    var last = node
    while [.identity, .rearrangement].contains(graph.nodes[last].role), let source = onlySource(of: last),
      layouts[source] != nil
    {
      last = source
    }
    guard [.pooling, .selection].contains(graph.nodes[last].role), let source = onlySource(of: last),
      let own = layouts[last], let finer = layouts[source], finer.positions >= own.positions,
      graph.nodes[last].role == .pooling || finer.size == own.size
    else { return node }
    return beforePooling(source)
  }

  private func onlySource(of node: Int) -> Int? {
    let sources = sources(of: node)
    return sources.count == 1 ? sources[0] : nil
  }
}
