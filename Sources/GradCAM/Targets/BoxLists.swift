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

/// What a user or a file says about the columns of a detector's outputs, with one table for what is said alike.
struct DescribedOutputs {
  /// The model, perhaps with tables that the file does not have.
  let model: Model
  /// The columns by the name of a value.
  let columns: [(name: String, columns: BoxColumns)]
  /// The tables.
  let tables: Set<ValueID>

  /// Reads descriptions, each as `OUTPUT=COLUMNS`.
  ///
  /// Outputs with the same columns, scores or boxes among them, hold further boxes, in the order in which they are named.
  /// Throws `usage` for a description that cannot be read, or lists that do not belong together.
  init(_ texts: [String], of model: Model, by planner: ModelPlanner) throws {
    let described: [(name: String, columns: BoxColumns)] = try texts.map { text in
      guard let equals = text.lastIndex(of: "=") else {
        throw GradCAMError(
          .usage, at: "\(.columns, text)", problem: "names no output",
          advice: "write OUTPUT=cxcywh,score*80, say; the outputs are \(model.declaredOutputs)")
      }
      return (String(text[..<equals]), try BoxColumns(String(text[text.index(after: equals)...])))
    }
    var groups: [(columns: BoxColumns, names: [String])] = []
    for (name, columns) in described {
      if let known = groups.firstIndex(where: { $0.columns == columns && columns.describesBoxes }) {
        groups[known].names.append(name)
      } else {
        groups.append((columns, [name]))
      }
    }
    let values = Dictionary(
      model.graph.producers.keys.map { (model.graph.values[$0].name, $0) }, uniquingKeysWith: { min($0, $1) })
    let wanted = Set(groups.flatMap(\.names).compactMap { values[$0] })
    let infos = try planner.partlyInferred(reaching: wanted.union(model.graph.outputs)).infos
    func output(_ name: String) -> ModelOutput? {
      values[name].flatMap { value in infos[value].map { ModelOutput(value, $0, of: model.graph) } }
    }
    var result = model, columns: [(name: String, columns: BoxColumns)] = [], tables: Set<ValueID> = []
    var lists: [BoxLists] = [], dimensions: [ValueID: [Dimension]]?
    for group in groups {
      let outputs = group.names.compactMap(output)
      guard outputs.count == group.names.count, outputs.count > 1 || outputs.allSatisfy({ $0.tableAxes == nil }) else {
        columns += group.names.map { ($0, group.columns) }
        continue
      }
      if dimensions == nil { dimensions = model.dimensions(infos) }
      guard
        let list = BoxLists(outputs, group.columns, grid: { BoxScales.gridAxes(dimensions?[$0] ?? []) })
      else {
        throw GradCAMError(
          .usage, at: "\(.columns, "\(group.names[0])=\(group.columns)")",
          problem: "does not fit \(outputs.description)",
          advice: "describe the numbers of one box, as many as one axis has, or as divide the channels of a map")
      }
      if let other = lists.first(where: { $0.boxCounts.count == list.boxCounts.count && $0.boxCounts != list.boxCounts }
      ) {
        throw GradCAMError(
          .usage, at: "\(.columns)",
          problem: "\(other.names.listed) and \(list.names.listed) do not hold as many boxes each",
          advice: "name outputs that belong together in the same order")
      }
      lists.append(list)
      let (with, value) = result.adding(list)
      result = with
      tables.insert(value)
      columns.append((with.graph.values[value].name, group.columns))
    }
    (self.model, self.columns, self.tables) = (result, columns, tables)
  }
}

extension BoxColumns {
  /// Whether they say anything about scores, boxes or classes.
  fileprivate var describesBoxes: Bool {
    runs.contains { $0.meaning.isBox || [.score, .class, .objectness].contains($0.meaning) }
  }
}
