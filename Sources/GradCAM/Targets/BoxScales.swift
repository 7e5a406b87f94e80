import Graph

/// The feature maps that a detector reads its boxes from: each box from one cell of one of them.
public struct BoxScales: Sendable {
  /// A grid of cells.
  public struct Scale: Sendable {
    /// The result of the last layer of the head, of which each cell holds the numbers of its boxes.
    let source: ValueID
    let rows, columns: Int
    /// The last feature map that these boxes are read from: all of their numbers depend on it alone, and on more than
    /// their own cell of it; nil if there is none.
    let map: ValueID?
  }

  /// Where a box is read from.
  struct Cell: Sendable, Equatable {
    /// The position of the scale.
    let scale: Int
    let row, column: Int
    /// How many there are.
    let rows, columns: Int
    /// Which of the boxes of the cell it is.
    let anchor: Int
  }

  let scales: [Scale]
  /// By box.
  let cells: [Cell]

  /// More boxes are not followed.
  private static let largestCount = 1 << 20

  /// Follows the scores of all boxes, or the boxes themselves, back to the cells where they were computed.
  ///
  /// - Parameters:
  ///   - scores: the table that holds the scores, of which the first is followed, or else the first number of the boxes.
  ///   - boxes: the table that holds the boxes, if it is another one.
  ///   - infos: type and extents of values, with contents if these are the same for all images.
  ///
  /// Nil if a box is not read from one cell of a feature map: boxes of queries, or that were selected before.
  init?(_ scores: BoxTable, _ boxes: BoxTable?, of model: Model, _ infos: [ValueID: ValueInfo]) {
    guard scores.boxCount <= Self.largestCount,
      let score = scores.meanings.firstIndex(of: .score) ?? scores.meanings.firstIndex(where: \.isBox)
    else { return nil }
    let graph = model.graph
    let images = model.imageInputs.filter { infos[$0.value].map { $0.constant == nil } ?? false }
    let dimensions = model.dimensions(infos)
    var origins = ElementOrigins(graph, infos: infos, producers: graph.producers)
    var grids: [ValueID: Grid] = [:], sources: [ValueID] = [], firsts: [Int] = [], cells: [Cell] = []
    for box in 0..<scores.boxCount {
      let (source, place) = origins.origin(of: scores.position(score, box), in: scores.value)
      guard let grid = grids[source] ?? dimensions[source].flatMap({ Grid($0) }) else { return nil }
      if grids[source] == nil {
        grids[source] = grid
        sources.append(source)
        firsts.append(box)
      }
      let anchor = place.indices.reduce(0) { [grid.row, grid.column].contains($1) ? $0 : $0 &* 65_537 &+ place[$1] }
      cells.append(
        Cell(
          scale: sources.firstIndex(of: source)!, row: place[grid.row], column: place[grid.column], rows: grid.rows,
          columns: grid.columns, anchor: anchor))
    }
    guard !cells.isEmpty, sources.count <= 64 else { return nil }
    let tables = [scores] + [boxes].compactMap { $0 }.filter { $0.value != scores.value }
    scales = zip(sources, firsts).map { source, box in
      let parts = Dictionary(
        uniqueKeysWithValues: tables.map { ($0.value, $0.indices(of: box, infos[$0.value]!.shape)) })
      let map = graph.lastMapBeforeHead(of: parts, images: Set(images.map(\.value)), infos) { value in
        guard let layout = dimensions[value].flatMap({ FeatureMapLayout($0) }) else { return false }
        return min(layout.width, layout.height) > 1
      }
      return Scale(source: source, rows: grids[source]!.rows, columns: grids[source]!.columns, map: map)
    }
    self.cells = cells
  }

  /// The axes that count rows and columns; nil unless each is one.
  static func gridAxes(_ dimensions: [Dimension]) -> (row: Int, column: Int)? {
    Grid(dimensions).map { ($0.row, $0.column) }
  }

  /// The axes of a value that count rows and columns.
  private struct Grid {
    let row, column, rows, columns: Int

    /// Nil unless one axis counts rows and another one columns.
    init?(_ dimensions: [Dimension]) {
      func axes(_ role: Factor.Role) -> [Int] {
        dimensions.indices.filter { dimensions[$0].role == role && !dimensions[$0].hasExtraTokens }
      }
      let down = axes(.height), across = axes(.width)
      guard down.count == 1, across.count == 1, dimensions.count(where: { $0.isSpatial }) <= 2 else { return nil }
      (row, column) = (down[0], across[0])
      (rows, columns) = (dimensions[row].extent, dimensions[column].extent)
    }
  }
}

/// What a detector reads its boxes from.
public struct BoxSources: Sendable {
  /// The grids of cells; empty if boxes cannot be followed back to cells.
  let scales: [BoxScales.Scale]
  /// The values that hold the scores and the places of boxes.
  let values: Set<ValueID>
}

extension BoxTable {
  /// The indices along every axis of the value that hold the numbers of a box.
  fileprivate func indices(of box: Int, _ shape: Shape) -> [Range<Int>] {
    let places = [0, meanings.count - 1].map { shape.coordinates(of: position($0, box)) }
    return shape.dimensions.indices.map { places[0][$0]..<places[1][$0] + 1 }
  }
}

extension ComputeGraph {
  /// The last feature map that all of some parts of results depend on alone, through more than one of its positions.
  ///
  /// - Parameters:
  ///   - parts: the indices along every axis, by result.
  ///   - isMap: whether a value is a feature map.
  fileprivate func lastMapBeforeHead(
    of parts: [ValueID: [Range<Int>]], images: Set<ValueID>, _ infos: [ValueID: ValueInfo],
    isMap: (ValueID) -> Bool
  ) -> ValueID? {
    let live = liveRanges(before: parts) { infos[$0] }, dependent = downstream(of: images).union(images)
    let values = Set(live.keys.filter(dependent.contains))
    var lastReader: [ValueID: Int] = [:], lastMixing = -1
    for (index, node) in nodes.enumerated() where node.results.contains(where: values.contains) {
      let reads = node.reads.filter(values.contains)
      for value in reads { lastReader[value] = index }
      if node.mixesPositions(infos, Set(reads)) { lastMixing = index }
    }
    for value in parts.keys { lastReader[value] = nodes.count }
    // What was computed so far and is still to be read: if that is one value, all that follows depends on it alone.
    var open = images.intersection(values), found: ValueID?
    for (index, node) in nodes.prefix(max(lastMixing, 0)).enumerated() {
      guard node.results.contains(where: values.contains) else { continue }
      for value in node.reads where lastReader[value] == index { open.remove(value) }
      for value in node.results where values.contains(value) && lastReader[value] != nil { open.insert(value) }
      if open.count == 1, let value = open.first, node.results.contains(value),
        infos[value]?.elementType.isFloatingPoint == true, isMap(value)
      {
        found = value
      }
    }
    return found
  }
}

extension Node {
  /// Whether a position of its result depends on several positions of an input.
  fileprivate func mixesPositions(_ infos: [ValueID: ValueInfo], _ reads: Set<ValueID>) -> Bool {
    switch role {
    case .convolution:
      let known = NodeInputs(inputs.map { $0.flatMap { infos[$0] } })
      return operation?.linearWeights(known) == nil && known[1]?.shape.hasOnePosition != true
    case .pooling, .attention: return true
    case .product: return inputs.count { $0.map(reads.contains) ?? false } > 1
    default: return false
    }
  }
}
