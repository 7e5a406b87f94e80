import GradCAM
import Graph

/// What `explain` says about one picture that it made.
struct ExplanationReport: Encodable {
  struct Top: Encodable {
    let `class`: Int
    let label: String?
    let probability: Float

    enum CodingKeys: CodingKey { case `class`, label, probability }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(`class`, forKey: .class)
      try container.encode(label, forKey: .label)
      try container.encode(probability, forKey: .probability)
    }
  }

  struct Note: Encodable { let code, text: String }

  let image, model, node, tensor, target, method, output: String
  let `class`: Int?
  let label: String?
  let logit: Float
  let probability: Float?
  let top: [Top]
  let warnings: [Note]

  enum CodingKeys: CodingKey {
    case image, model, node, tensor, target, `class`, label, logit, probability, method, output, top, warnings
  }

  init(
    image: String, model: String, _ explanation: Explanation, output: String, top: [ScoredClass], warnings: [Warning]
  ) {
    self.image = image
    self.model = model
    node = explanation.node
    tensor = explanation.tensor
    target = explanation.target.description
    method = explanation.method
    self.output = output
    `class` = explanation.scored?.index
    label = explanation.scored?.label
    logit = explanation.scored?.logit ?? explanation.score
    probability = explanation.scored?.probability
    self.top = top.map { Top(class: $0.index, label: $0.label, probability: $0.probability) }
    self.warnings = warnings.map { Note(code: $0.code, text: $0.text) }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(image, forKey: .image)
    try container.encode(model, forKey: .model)
    try container.encode(node, forKey: .node)
    try container.encode(tensor, forKey: .tensor)
    try container.encode(target, forKey: .target)
    try container.encode(`class`, forKey: .class)
    try container.encode(label, forKey: .label)
    try container.encode(logit, forKey: .logit)
    try container.encode(probability, forKey: .probability)
    try container.encode(method, forKey: .method)
    try container.encode(output, forKey: .output)
    try container.encode(top, forKey: .top)
    try container.encode(warnings, forKey: .warnings)
  }

  /// Prints what was found in one image and where its pictures went.
  static func describe(_ reports: [ExplanationReport], top: [ScoredClass]) throws {
    guard let first = reports.first else { return }
    try Console.print(first.image)
    for scored in top.prefix(5) {
      try Console.print("  \(percent(scored.probability))  \(scored.label ?? "class \(scored.index)")")
    }
    for report in reports {
      let name = report.label ?? report.class.map { "class \($0)" } ?? report.target
      let place = place(node: report.node, tensor: report.tensor)
      try Console.print("  \(name) at \(place) by \(report.method) → \(report.output)")
    }
  }

  private static func percent(_ probability: Float) -> String {
    let text = decimal(Double(probability) * 100, 1) + "%"
    return String(repeating: " ", count: max(0, 6 - text.count)) + text
  }
}

/// A node as asked for, with its tensor where a count or a position was given instead of a name.
func place(node: String, tensor: String) -> String {
  node.contains(":") || node.hasPrefix("#") ? "\(node) (\(tensor))" : node
}
