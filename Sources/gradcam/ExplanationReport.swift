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
  let fuse: String?
  let smooth: [String]
  let grid: String?
  let `class`: Int?
  let label: String?
  let logit: Float
  let probability: Float?
  let top: [Top]
  let warnings: [Note]

  enum CodingKeys: CodingKey {
    case image, model, node, tensor, target, `class`, label, logit, probability, method, fuse, smooth, output, grid,
      top, warnings
  }

  init(
    image: String, model: String, _ explanation: Explanation, output: String, grid: String?, top: [ScoredClass],
    warnings: [Warning]
  ) {
    self.image = image
    self.model = model
    node = explanation.node
    tensor = explanation.tensor
    target = explanation.target.description
    method = explanation.method
    fuse = explanation.fusion?.rawValue
    smooth = explanation.smoothing.map(\.rawValue)
    self.output = output
    self.grid = grid
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
    try container.encode(fuse, forKey: .fuse)
    try container.encode(smooth, forKey: .smooth)
    try container.encode(output, forKey: .output)
    try container.encode(grid, forKey: .grid)
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
    var next = reports[...]
    while let report = next.first {
      let together = next.prefix { ($0.node, $0.target, $0.grid) == (report.node, report.target, report.grid) }
      for each in together where each.output != each.grid { try Console.print(each.line(by: each.method, each.output)) }
      if let grid = report.grid {
        try Console.print(report.line(by: together.count == 1 ? report.method : "\(together.count) methods", grid))
      }
      next = next[(report.grid == nil ? next.startIndex + 1 : together.endIndex)...]
    }
  }

  private func line(by method: String, _ path: String) -> String {
    let name = label ?? `class`.map { "class \($0)" } ?? target
    let how = ((fuse.map { [$0] } ?? []) + smooth).joined(separator: ", ")
    return "  \(name) at \(place(node: node, tensor: tensor)) by \(method)\(how.isEmpty ? "" : " (\(how))") → \(path)"
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
