import Graph
import Ops

/// Numbers of boxes that a network gives on several values, one for each scale, or on a feature map, as one table with a
/// row for each box.
struct BoxLists: Hashable, Sendable {
  /// The axis of a value whose indices are the numbers of a box, or of all boxes of a cell one after another; nil if each
  /// element is one.
  private struct Part: Hashable {
    let value: ValueID
    let axis: Int?
    let rank: Int
  }

  /// The names of the values, joined.
  let name: String
  private let parts: [Part]
  private let width: Int

  /// Arranges values whose boxes have the same columns.
  ///
  /// A feature map has as many channels as the boxes of a cell have numbers, one box after another, or an axis for the
  /// numbers of a box.
  /// - Parameter grid: the axes of a value that count rows and columns of the picture.
  ///
  /// Nil if the columns do not fit all of them, or do not say how many numbers a box has.
  init?(_ outputs: [ModelOutput], _ columns: BoxColumns, grid: (ValueID) -> (row: Int, column: Int)?) {
    guard let width = columns.width else { return nil }
    (self.width, name) = (width, outputs.map(\.name).joined(separator: "+"))
    var parts: [Part] = []
    for output in outputs {
      let shape = output.info.shape, axis: Int?
      if output.tableAxes != nil {
        guard let table = BoxTable(output, columns) else { return nil }
        axis = table.numberAxis
      } else {
        guard let grid = grid(output.value) else { return nil }
        let others = shape.dimensions.indices.filter { ![grid.row, grid.column].contains($0) }
        let wide = others.filter { shape[$0] > 1 }
        let channels = wide.count == 1 && shape[wide[0]] % width == 0 ? wide[0] : nil
        guard let found = others.last(where: { shape[$0] == width }) ?? channels else { return nil }
        axis = found
      }
      parts.append(Part(value: output.value, axis: axis, rank: shape.rank))
    }
    self.parts = parts
  }

  /// Adds the nodes that compute the table: the axis with the numbers becomes the last one, which is cut into boxes.
  func add(to builder: inout GraphBuilder) -> ValueID {
    let rows = parts.map { part in
      guard let axis = part.axis, axis != part.rank - 1 else { return builder.reshape(part.value, [-1, width]) }
      let order = (0..<part.rank).filter { $0 != axis } + [axis]
      return builder.reshape(builder.transpose(part.value, order), [-1, width])
    }
    return rows.count == 1 ? rows[0] : builder.concatenate(rows, axis: 0)
  }
}
