import Graph

/// What a user or a file says about the columns of a detector's outputs, with one table for what is said alike.
struct DescribedOutputs {
  /// The columns by the name of a value, or of a table.
  let columns: [(name: String, columns: BoxColumns)]
  /// The tables that the file does not have.
  let lists: [BoxLists]

  /// Reads descriptions, each as `OUTPUT=COLUMNS`.
  ///
  /// Outputs with the same columns, scores or boxes among them, hold further boxes, in the order in which they are named.
  /// Throws `usage` for a description that cannot be read, or lists that do not belong together.
  init(_ texts: [String], of model: Model, by planner: ModelPlanner) throws {
    guard !texts.isEmpty else {
      (columns, lists) = ([], [])
      return
    }
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
        if !groups[known].names.contains(name) { groups[known].names.append(name) }
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
    var columns: [(name: String, columns: BoxColumns)] = [], lists: [BoxLists] = []
    var counts: [(names: [String], boxes: [Int])] = [], dimensions: [ValueID: [Dimension]]?
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
      let own = outputs.map { $0.info.shape.count / group.columns.width! }
      if let other = counts.first(where: { $0.boxes.count == own.count && $0.boxes != own }) {
        throw GradCAMError(
          .usage, at: "\(.columns)",
          problem: "\(other.names.listed) and \(group.names.listed) do not hold as many boxes each",
          advice: "name outputs that belong together in the same order")
      }
      counts.append((group.names, own))
      lists.append(list)
      columns.append((list.name, group.columns))
    }
    (self.columns, self.lists) = (columns, lists)
  }
}

extension BoxColumns {
  /// Whether they say anything about scores, boxes or classes.
  fileprivate var describesBoxes: Bool {
    runs.contains { $0.meaning.isBox || [.score, .class, .objectness].contains($0.meaning) }
  }
}
