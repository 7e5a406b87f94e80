import GradCAM
import Graph

/// What the name of a result may say, in braces.
enum NameField: String, CaseIterable {
  case image, model, node, `class`, method
}

/// What there is to say about a result, by field.
struct ResultNames {
  private let names: [NameField: String]
  /// Whether the image's name has its folders.
  let keepsFolders: Bool

  /// - Parameter keepsFolders: whether the image's name stays as it is, so that no other image has the same.
  init(
    image: String, keepsFolders: Bool = false, model: String, _ explanation: Explanation? = nil, method: String? = nil
  ) {
    self.keepsFolders = keepsFolders
    var names: [NameField: String] = [.image: keepsFolders ? image : stem(image), .model: model]
    if let explanation {
      let nodes = explanation.nodes
      names[.node] = nodes.count > 3 ? "\(nodes.count)_nodes" : explanation.node
      names[.class] = explanation.target.name
      let concept = explanation.concept.map { concept in
        "\(concept.number)" + (concept.scored.map { "-\($0.label ?? String($0.index))" } ?? "")
      }
      let name = Row.methodName(method ?? explanation.method, explanation.fusion, explanation.smoothing)
      names[.method] = ([name] + (method == nil ? [concept].compactMap { $0 } : [])).joined(separator: ".")
    }
    self.names = names
  }

  /// What a field says; empty if there is nothing to say.
  subscript(field: NameField) -> String { names[field] ?? "" }
}

/// The name of a file with fields such as `{image}`.
struct NameTemplate {
  enum Piece: Equatable {
    case text(String)
    case field(NameField)
  }

  private let pieces: [Piece]

  init(_ pieces: [Piece]) { self.pieces = pieces }

  /// Reads a path.
  ///
  /// - Parameter option: the option whose value it is.
  ///
  /// Throws `usage` for a field that there is not, or a brace without its other one.
  init(_ path: String, option: String) throws {
    func failure(_ problem: String, _ advice: String) -> GradCAMError {
      GradCAMError(.usage, at: "\(option) \(path)", problem: "\(problem)", advice: "\(advice)")
    }
    let known = NameField.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
    var pieces: [Piece] = [], rest = path[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
        throw failure("has a brace without the other one", "fields are \(known)")
      }
      let name = String(rest[rest.index(after: open)..<close])
      guard let field = NameField(rawValue: name) else {
        let near = nearest(to: name, among: NameField.allCases.map(\.rawValue), count: 1).first
        throw failure(
          "has a field '{\(name)}'", (near.map { "did you mean '{\($0)}'? " } ?? "") + "fields are \(known)")
      }
      pieces += [.text(String(rest[..<open])), .field(field)]
      rest = rest[rest.index(after: close)...]
    }
    self.pieces = pieces + [.text(String(rest))]
  }

  /// Whether a path has fields.
  static func isOne(_ path: String) -> Bool { path.contains("{") || path.contains("}") }

  var fields: Set<NameField> {
    Set(pieces.compactMap { if case .field(let field) = $0 { field } else { nil } })
  }

  /// The name of a result, with fields short enough for file systems, which admit names of 255 bytes.
  func name(_ names: ResultNames) -> String {
    var room = 80
    while true {
      let name = pieces.map { piece in
        switch piece {
        case .text(let text): text
        case .field(.image) where names.keepsFolders:
          names[.image].split(separator: "/").map { String($0).asPartOfFileName(upTo: room, marksChanges: true) }
            .joined(separator: "/")
        case .field(let field): names[field].asPartOfFileName(upTo: room)
        }
      }.joined()
      // What distinguishes equal names, such as `-2`, comes on top.
      let isLong = name.utf8.split(separator: UInt8(ascii: "/")).contains { $0.count > 240 }
      guard isLong, room > 10 else { return name }
      room -= 10
    }
  }
}

/// How many there are of each of the things that results differ in.
struct ResultCounts {
  let images, nodes, classes, methods: Int

  var total: Int { images * nodes * classes * methods }

  /// The total, for reading.
  var text: String { images < ImageSources.uncounted ? "\(total)" : "many" }

  subscript(field: NameField) -> Int {
    switch field {
    case .image: images
    case .node: nodes
    case .class: classes
    case .method: methods
    case .model: 1
    }
  }

  /// Throws `usage` if a template gives several results the same name.
  func check(_ template: NameTemplate, _ place: String) throws {
    for field in NameField.allCases where self[field] > 1 && !template.fields.contains(field) {
      throw GradCAMError(
        .usage, at: "\(place)",
        problem:
          "names one file for \(self[field] < ImageSources.uncounted ? "\(self[field])" : "many") \(field.plural)",
        advice: "put {\(field.rawValue)} into the name")
    }
  }
}

extension NameField {
  fileprivate var plural: String {
    switch self {
    case .class: "classes"
    default: rawValue + "s"
    }
  }
}
