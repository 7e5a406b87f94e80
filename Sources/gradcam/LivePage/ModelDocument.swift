import GradCAM
import Graph
import GraphLayout

/// What the page knows of a model: `GET v1/models/NAME`.
struct ModelDocument: Encodable {
  struct Input: Encodable {
    let name: String
    /// The extents; −1 for one that the file leaves open.
    @Nullable var shape: [Int]?
  }

  struct Node: Encodable {
    let index: Int
    let name, title, tensor: String
    @Nullable var module: String?
    let `operator`: String
    @Nullable var shape: [Int]?
    /// What `--node` takes.
    let query: String
    let mappable: Bool
    let attributes: [String: String]
    /// The nodes that it reads, and those that read it, by index.
    let inputs, outputs: [Int]
    /// The operators left out between it and the nodes that it reads.
    let folded: [String]
  }

  struct Cell: Encodable {
    var node, group: Int?
    var port: String?
    let row, column: Int
  }

  struct Route: Encodable {
    var column: Int?
    var gutter: [Int]?
    let first, last: Int
  }

  struct Edge: Encodable {
    let from, to: Int
    @Nullable var route: Route?
  }

  struct Group: Encodable {
    let id: Int
    @Nullable var parent: Int?
    let title, path: String
    let operatorCount: Int
    @Nullable var last: Int?
    let rows, columns: Int
    let gutters: [Int]
    let cells: [Cell]
    let edges: [Edge]
  }

  let name: String
  let ready = true
  /// The argument that names the model on a command line, and the options that go with it.
  let argument: String
  let options: [String]
  /// What the numbers of a detector's boxes mean, if that was said.
  let columns: [String]
  let producer: String
  let parameters: Int
  let inputs: [Input]
  /// What is done to pictures.
  let preprocessing: String
  /// The classes' names; nil if none is known.
  @Nullable var classes: [String]?
  let classCount: Int
  /// The kinds of targets that make sense.
  let targets: [String]
  /// The target that is explained if none is asked for; nil if one must be chosen.
  @Nullable var target: [String: Int]?
  /// The index of the node that `auto` means.
  @Nullable var auto: Int?
  let warnings: [WarningReport]
  let nodes: [Node]
  let groups: [Group]

  /// - Parameters:
  ///   - name: the model's name among those of the page.
  ///   - argument: what names it on a command line.
  ///   - options: the options that it was opened with.
  ///   - columns: what the numbers of a detector's boxes mean, if that was said.
  init(_ explainer: Explainer, name: String, argument: String, options: [String], columns: [String]) {
    let model = explainer.model, catalogue = explainer.focus.catalogue
    (self.name, self.argument, self.options, self.columns) = (name, argument, options, columns)
    producer = model.graph.producer
    parameters = model.parameterCount
    inputs = model.graph.inputs.map { input in
      let value = model.graph.values[input]
      return Input(
        name: value.name,
        shape: value.dimensions.map { $0.map { if case .fixed(let extent) = $0 { extent } else { -1 } } })
    }
    preprocessing = explainer.preprocessingText
    classes = explainer.labels.names.isEmpty ? nil : explainer.labels.names
    classCount = catalogue.classCount
    (targets, target) = explainer.kindsOfTargets(columns)
    auto = catalogue.entries.first(where: \.isAuto)?.index
    warnings = explainer.warnings.map(WarningReport.init)
    let outline = NetworkOutline(model, catalogue)
    nodes = outline.nodes.map { node in
      let entry = node.entry
      return Node(
        index: entry.index, name: entry.name, title: node.title, tensor: entry.tensor, module: entry.module,
        operator: "\(entry.operatorName)", shape: entry.shape?.dimensions, query: catalogue.readableName(of: entry),
        mappable: entry.isMappable, attributes: model.graph.nodes[entry.index].attributes.mapValues(\.brief),
        inputs: node.inputs, outputs: node.outputs, folded: node.folded.map { "\($0)" })
    }
    groups = outline.groups.enumerated().map { Group($1, number: $0) }
  }
}

extension ModelDocument.Group {
  fileprivate init(_ group: NetworkOutline.Group, number: Int) {
    let layout = group.layout
    self.init(
      id: number, parent: group.parent, title: group.title, path: group.path, operatorCount: group.operatorCount,
      last: group.last, rows: layout.rows, columns: layout.columns, gutters: layout.gutters,
      cells: zip(group.items, layout.places).map { item, place in
        var cell = ModelDocument.Cell(row: place.row, column: place.column)
        switch item {
        case .node(let index): cell.node = index
        case .group(let number): cell.group = number
        case .entrance: cell.port = "in"
        case .exit: cell.port = "out"
        }
        return cell
      },
      edges: layout.edges.map { edge in
        let route: ModelDocument.Route? =
          switch edge.route {
          case .direct: nil
          case .column(let column, let rows): .init(column: column, first: rows.lowerBound, last: rows.upperBound)
          case .gutter(let column, let lane, let rows):
            .init(gutter: [column, lane], first: rows.lowerBound, last: rows.upperBound)
          }
        return ModelDocument.Edge(from: edge.from, to: edge.to, route: route)
      })
  }
}

extension Explainer {
  /// The kinds of targets that make sense for the model, and the one that is explained if none is asked for.
  fileprivate func kindsOfTargets(_ columns: [String]) -> (kinds: [String], usual: [String: Int]?) {
    let catalogue = focus.catalogue
    var kinds: [String] = []
    if catalogue.hasClassScores || catalogue.classCount > 0 { kinds.append("class") }
    if catalogue.classCount > 1 { kinds.append("contrast") }
    if !catalogue.hasClassScores, catalogue.classCount > 0 { kinds.append("segmentation") }
    var boxes = TargetRequest()
    (boxes.detection, boxes.columns) = (0, columns)
    // What depends on a picture may be boxes; whether it is, is known when one was run.
    let hasBoxes = (try? asking(boxes)) != nil || !catalogue.hasClassScores && (try? dependsOnData) == true
    if hasBoxes { kinds.append("detection") }
    if !hasBoxes, !kinds.contains("segmentation") { kinds.append("embedding") }
    kinds.append("elements")
    return (kinds, catalogue.hasClassScores ? [:] : hasBoxes ? ["detection": 0] : nil)
  }
}

extension Attribute {
  /// The value for reading, cut short.
  fileprivate var brief: String {
    func list<Element>(_ values: [Element]) -> String {
      values.prefix(16).map { "\($0)" }.joined(separator: ", ") + (values.count > 16 ? ", …" : "")
    }
    let text =
      switch self {
      case .int(let value): "\(value)"
      case .float(let value): "\(value)"
      case .string(let value): "\(value)"
      case .ints(let values): list(values)
      case .floats(let values): list(values)
      case .strings(let values): list(values)
      case .tensor(let value): "tensor \(value.shape)"
      default: "…"
      }
    return String(text.visible.prefix(200))
  }
}
