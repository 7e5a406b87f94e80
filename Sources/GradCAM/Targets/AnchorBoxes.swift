import Graph

extension BoxForm {
  /// Finds how the boxes of a detector are described, from the boxes that it gives if its learned layers say the same
  /// everywhere: those of neighbouring cells then differ by a cell, and have the same size.
  ///
  /// - Parameters:
  ///   - known: what the numbers are, if that is known.
  ///
  /// Nil if the file leaves it to others to make boxes of the numbers, or they do not say.
  init?(
    _ table: BoxTable, numbers known: Numbers?, _ scales: BoxScales, of model: Model, _ inferred: InferredGraph,
    size: PixelSize
  ) {
    guard let values = model.valuesOfAnchors(table.value, inferred) else { return nil }
    let columns = table.numbers(\.isBox)
    guard columns.count == 4, let probe = AnchorGrid(scales) else { return nil }
    func box(_ index: Int, _ numbers: Numbers) -> OrientedBox? {
      BoxForm(numbers: numbers, unit: .pixels).box(
        columns.map { values[table.position($0, index)] }, cell: nil, over: size)
    }
    let candidates = (known.map { [$0] } ?? [.cxcywh, .xyxy, .xywh, .yxyx]).compactMap { numbers in
      probe.extents { box($0, numbers) }.map { (numbers: numbers, extents: $0) }
    }
    guard let best = candidates.min(by: { $0.extents.shift < $1.extents.shift }) else { return nil }
    let (width, height) = (best.extents.width, best.extents.height)
    func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 0.1 * b }
    if isNear(width, 1), isNear(height, 1) {
      self.init(numbers: best.numbers, unit: .share(1))
    } else if isNear(width, Double(size.width)), isNear(height, Double(size.height)) {
      self.init(numbers: best.numbers, unit: .pixels)
    } else {
      return nil
    }
  }
}

/// The boxes of one anchor of the largest grid of a detector.
private struct AnchorGrid {
  /// The boxes, with their cells.
  private let boxes: [(index: Int, cell: BoxScales.Cell)]
  private let rows, columns: Int

  /// Nil if no grid has two rows and two columns.
  init?(_ scales: BoxScales) {
    let sizes = scales.scales.map { min($0.rows, $0.columns) > 1 ? $0.rows * $0.columns : 0 }
    guard let scale = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[scale] > 0 else { return nil }
    let all = scales.cells.enumerated().filter { $0.element.scale == scale }.map {
      (index: $0.offset, cell: $0.element)
    }
    boxes = all.filter { $0.cell.anchor == all[0].cell.anchor }
    (rows, columns) = (scales.scales[scale].rows, scales.scales[scale].columns)
  }

  /// How large the input is in the unit of some boxes, and how far their centres are from those of the cells, as a share
  /// of it; nil if they do not lie a cell apart, or have different sizes.
  func extents(_ box: (Int) -> OrientedBox?) -> (width: Double, height: Double, shift: Double)? {
    let found = boxes.compactMap { each in box(each.index).map { (cell: each.cell, box: $0) } }
    guard found.count == boxes.count, let first = found.first,
      let last = found.last(where: { $0.cell.row != first.cell.row && $0.cell.column != first.cell.column })
    else { return nil }
    let across = (last.box.x - first.box.x) / Double(last.cell.column - first.cell.column)
    let down = (last.box.y - first.box.y) / Double(last.cell.row - first.cell.row)
    guard across > 0, down > 0, first.box.width >= 0, first.box.height >= 0 else { return nil }
    let agrees = found.allSatisfy { cell, box in
      let x = first.box.x + across * Double(cell.column - first.cell.column)
      let y = first.box.y + down * Double(cell.row - first.cell.row)
      return abs(box.x - x) <= 0.02 * across && abs(box.y - y) <= 0.02 * down
        && abs(box.width - first.box.width) <= 0.02 * across && abs(box.height - first.box.height) <= 0.02 * down
    }
    guard agrees else { return nil }
    let shifts = [
      first.box.x / across - Double(first.cell.column) - 0.5, first.box.y / down - Double(first.cell.row) - 0.5,
    ]
    return (across * Double(columns), down * Double(rows), shifts.map { abs($0) }.max()!)
  }
}

extension Model {
  /// Detectors whose boxes are made from more than this are not asked.
  private static var largestByteCount: Double { 0x1p28 }

  /// What a value holds if every learned layer that it is made from gives ones.
  ///
  /// Nil if it is not made from learned layers, or cannot be computed from them alone.
  fileprivate func valuesOfAnchors(_ value: ValueID, _ inferred: InferredGraph) -> [Float]? {
    let producers = graph.producers, infos = inferred.infos
    var layers: [ValueID: Shape] = [:], open = [value], seen: Set = [value]
    while let next = open.popLast() {
      guard let info = infos[next], info.constant == nil else { continue }
      guard let producer = producers[next] else { return nil }
      let node = graph.nodes[producer]
      if next != value, [.convolution, .product].contains(node.role) {
        guard info.elementType.storage == .float32 else { return nil }
        layers[next] = info.shape
      } else {
        for read in node.reads where seen.insert(read).inserted { open.append(read) }
      }
    }
    let byteCount = seen.reduce(0.0) { $0 + (infos[$1].map { Double($0.byteCount) } ?? 0) }
    guard !layers.isEmpty, byteCount <= Self.largestByteCount else { return nil }
    let ones = layers.mapValues { ValueInfo(Tensor([Float](repeating: 1, count: $0.count), shape: $0)) }
    // Such as the size of the picture.
    let given = Dictionary(uniqueKeysWithValues: graph.inputs.compactMap { input in infos[input].map { (input, $0) } })
      .filter { $0.value.constant != nil }
    let known = try? InferredGraph(
      graph, operators: operators, inputs: given.merging(ones) { $1 }, reaching: [value])
    return known?.infos[value]?.constant?.floats
  }
}
