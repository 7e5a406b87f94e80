import Graph

/// Numbers of boxes that a network gives on several values, one for each scale, or on a feature map, as one table with a
/// row for each box.
struct BoxLists: Hashable, Sendable {
  /// How the numbers lie in a value: its elements with other extents, and the order of these axes that makes rows.
  private struct Part: Hashable {
    let value: ValueID
    let extents: [Int], order: [Int]
    let boxCount: Int
  }

  /// The names of the values.
  let names: [String]
  private let parts: [Part]
  private let width: Int

  /// The number of boxes of each value.
  var boxCounts: [Int] { parts.map(\.boxCount) }

  /// Arranges values whose boxes have the same columns.
  ///
  /// A feature map has as many channels as the boxes of a cell have numbers, one box after another, or an axis for the
  /// numbers of a box.
  /// - Parameter grid: the axes of a value that count rows and columns of the picture.
  ///
  /// Nil if the columns do not fit all of them, or do not say how many numbers a box has.
  init?(_ outputs: [ModelOutput], _ columns: BoxColumns, grid: (ValueID) -> (row: Int, column: Int)?) {
    guard let width = columns.width else { return nil }
    self.width = width
    names = outputs.map(\.name)
    var parts: [Part] = []
    for output in outputs {
      let extents = output.info.shape.dimensions
      if output.tableAxes != nil {
        guard let table = BoxTable(output, columns) else { return nil }
        let isByBox = table.numberAxis != output.tableAxes?.rows
        parts.append(
          Part(
            value: output.value, extents: isByBox ? [table.boxCount, width] : [width, table.boxCount],
            order: isByBox ? [0, 1] : [1, 0], boxCount: table.boxCount))
        continue
      }
      guard let grid = grid(output.value), extents.count > 2, output.info.shape.count > 0 else { return nil }
      let others = extents.indices.filter { ![grid.row, grid.column].contains($0) && extents[$0] > 1 }
      var split = extents, axis: Int
      if let own = others.last(where: { extents[$0] == width }) {
        axis = own
      } else {
        guard let channels = others.first ?? extents.indices.first(where: { ![grid.row, grid.column].contains($0) }),
          others.count < 2, extents[channels] % width == 0
        else { return nil }
        split[channels] = extents[channels] / width
        split.insert(width, at: channels + 1)
        axis = channels + 1
      }
      // The boxes of a cell follow one another.
      let isSplit = split.count > extents.count
      let rest = split.indices.filter { $0 != axis && !(isSplit && $0 == axis - 1) }
      parts.append(
        Part(
          value: output.value, extents: split, order: rest + (isSplit ? [axis - 1] : []) + [axis],
          boxCount: output.info.shape.count / width))
    }
    self.parts = parts
  }

  /// Adds the nodes that compute the table.
  func add(to builder: inout GraphBuilder) -> ValueID {
    func integers(_ numbers: [Int]) -> ValueID {
      builder.constant(Tensor(numbers.map(Int64.init), shape: [numbers.count]))
    }
    let rows = parts.map { part in
      let split = builder("Reshape", part.value, integers(part.extents))
      let turned =
        part.order == Array(part.order.indices)
        ? split : builder("Transpose", split, with: ["perm": .ints(part.order.map(Int64.init))])
      return builder("Reshape", turned, integers([part.boxCount, width]))
    }
    return rows.count == 1 ? rows[0] : builder.node("Concat", rows, ["axis": .int(0)])[0]
  }
}
