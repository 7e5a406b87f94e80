import ArgumentParser
import GradCAM
import Graph

struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the exported networks of the models folder.",
    discussion: """
      Every name listed may stand wherever a model's path does. A new .onnx file in the folder is all that it takes; one \
      that cannot be read or explained is listed with the reason.
      """)

  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var host: HostOptions

  func run() throws {
    let folder = host.modelFolder
    let summaries = try folder.names().map { ModelSummary(contentsOf: folder.file(of: $0)) }
    if json { return try printJSON(summaries.map(ModelReport.init)) }
    guard !summaries.isEmpty else {
      return Console.warn(
        "\(folder.path) holds no .onnx file; put exported networks into it, or name another folder with --models or "
          + "GRADCAM_MODELS")
    }
    var table = Table(["model", "exporter", "input", "classes", " parameters", " size", "auto", "operators"])
    for summary in summaries {
      table.add(
        summary.name, summary.exporter ?? "–", summary.input.map { "\($0.shape)" } ?? "–", summary.classes,
        summary.parameterCount.map { scaled($0) } ?? "–", scaled(summary.byteCount) + "B", summary.auto ?? "–",
        summary.verdict)
    }
    try Console.print(table.text)
  }
}

extension ModelSummary {
  /// As `10: airplane, automobile, bird, …`.
  fileprivate var classes: String {
    guard let classCount else { return "–" }
    let names = assumesLabels ? [] : labels.names.prefix(3).map { $0.count > 20 ? $0.prefix(19) + "…" : $0 }
    let rest = labels.names.count > names.count && !names.isEmpty ? ", …" : ""
    return "\(classCount)" + (names.isEmpty ? "" : ": " + names.joined(separator: ", ") + rest)
      + (assumesLabels ? ", ImageNet's assumed" : "")
  }

  /// Whether every operator is supported; else which ones are not, or what else keeps it from being explained.
  fileprivate var verdict: String {
    let missing = missingOperators ?? []
    guard missing.isEmpty else { return missing.map(\.verdict).joined(separator: "; ") }
    guard var failure else { return "all supported" }
    if failure.place.first == path { failure.place.removeFirst() }
    return failure.description
  }
}

extension MissingOperator {
  fileprivate var verdict: String { problem + (name.isONNX ? "" : " (a plugin would have to bring it)") }
}

/// What `--json` tells of a model.
private struct ModelReport: Encodable {
  let summary: ModelSummary

  init(_ summary: ModelSummary) { self.summary = summary }

  private struct Input: Encodable {
    let name, layout: String
    let batch, channels: Int
    let height, width: Int?

    enum CodingKeys: CodingKey { case name, layout, batch, channels, height, width }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(layout, forKey: .layout)
      try container.encode(batch, forKey: .batch)
      try container.encode(channels, forKey: .channels)
      try container.encode(height, forKey: .height)
      try container.encode(width, forKey: .width)
    }
  }

  private struct Missing: Encodable {
    let `operator`, node, reason: String
    let nodes: Int
    let plugin: Bool
  }

  private enum Key: CodingKey {
    case name, path, exporter, input, classes, labels, labels_assumed, parameters, bytes, auto, supported, missing,
      error
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(summary.name, forKey: .name)
    try container.encode(summary.path, forKey: .path)
    try container.encode(summary.exporter, forKey: .exporter)
    try container.encode(
      summary.input.map {
        Input(
          name: $0.name, layout: $0.shape.layout.rawValue, batch: $0.shape.batch, channels: $0.shape.channels,
          height: $0.shape.height, width: $0.shape.width)
      }, forKey: .input)
    try container.encode(summary.classCount, forKey: .classes)
    try container.encode(Array(summary.labels.names.prefix(5)), forKey: .labels)
    try container.encode(summary.assumesLabels, forKey: .labels_assumed)
    try container.encode(summary.parameterCount, forKey: .parameters)
    try container.encode(summary.byteCount, forKey: .bytes)
    try container.encode(summary.auto, forKey: .auto)
    try container.encode(summary.missingOperators.map(\.isEmpty), forKey: .supported)
    try container.encode(
      summary.missingOperators?.map {
        Missing(
          operator: "\($0.name)", node: $0.node, reason: $0.problem, nodes: $0.count, plugin: !$0.name.isONNX)
      }, forKey: .missing)
    try container.encode(summary.failure?.description, forKey: .error)
  }
}
