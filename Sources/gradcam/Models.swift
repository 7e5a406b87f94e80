import ArgumentParser
import GradCAM
import Graph

struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Lists the exported networks of the models folder.",
    discussion: """
      Every name listed may be given in place of a model's path. To add a model, put its .onnx file into the folder; a \
      file that cannot be read or explained is listed with the reason.
      """)

  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  func run() throws {
    let folder = host.modelFolder, names = try folder.names()
    try host.enterSandbox(models: names.map(folder.file))
    let registry = try host.plugins.registry()
    let summaries = names.map { ModelSummary(contentsOf: folder.file(of: $0), registry: registry) }
    if json { return try printJSON(summaries.map(ModelReport.init)) }
    guard !summaries.isEmpty else {
      return Console.warn(
        "\(folder.path) holds no .onnx file; put exported networks into it, or name another folder with --models or "
          + "GRADCAM_MODELS")
    }
    var table = Table([
      "model", "exporter", "input", "pictures", "classes", " parameters", " size", "auto", "operators",
    ])
    for summary in summaries {
      table.add(
        summary.name, summary.exporter ?? "–", summary.input.map { "\($0.shape)" } ?? "–",
        summary.preprocessing?.shortText ?? "–",
        summary.classes,
        summary.parameterCount.map { scaled($0) } ?? "–", scaled(summary.byteCount) + "B", summary.auto ?? "–",
        summary.verdict)
    }
    try Console.print(table)
  }
}

extension ModelSummary {
  /// For example `10: airplane, automobile, bird, …`.
  fileprivate var classes: String {
    guard let classCount else { return "–" }
    let names = assumesLabels ? [] : labels.names.prefix(3).map { $0.count > 20 ? $0.prefix(19) + "…" : $0 }
    let rest = labels.names.count > names.count && !names.isEmpty ? ", …" : ""
    return "\(classCount)" + (names.isEmpty ? "" : ": " + names.joined(separator: ", ") + rest)
      + (assumesLabels ? ", ImageNet's assumed" : "")
  }

  /// Whether every operator is supported; if not, which ones, or why else the model cannot be explained.
  fileprivate var verdict: String {
    let missing = missingOperators ?? []
    guard missing.isEmpty else {
      return missing.map { $0.problem.asOptions + ($0.name.isONNX ? "" : " (needs a plugin)") }.joined(separator: "; ")
    }
    guard var failure else { return "all supported" }
    if failure.place.first == "\(path)" { failure.place.removeFirst() }
    return failure.message.asOptions
  }
}

/// What `--json` prints for a model.
private struct ModelReport: Encodable {
  struct Input: Encodable {
    let name, layout: String
    let batch, channels: Int
    /// The number of axes of places: 1 for signals, 2 for pictures, 3 for volumes.
    let axes: Int
    @Nullable var height: Int?
    @Nullable var width: Int?
  }

  struct Missing: Encodable {
    let `operator`, node, reason: String
    let nodes: Int
    let plugin: Bool
  }

  let name, path: String
  @Nullable var exporter: String?
  @Nullable var input: Input?
  /// What is done to pictures.
  @Nullable var preprocessing: String?
  @Nullable var classes: Int?
  let labels: [String]
  let labels_assumed: Bool
  @Nullable var parameters: Int?
  let bytes: Int
  @Nullable var auto: String?
  @Nullable var supported: Bool?
  @Nullable var missing: [Missing]?
  @Nullable var error: String?

  init(_ summary: ModelSummary) {
    name = summary.name
    path = summary.path
    exporter = summary.exporter
    input = summary.input.map {
      Input(
        name: $0.name, layout: $0.shape.layout.rawValue, batch: $0.shape.batch, channels: $0.shape.channels,
        axes: $0.shape.rank,
        height: $0.shape.height, width: $0.shape.width)
    }
    preprocessing = summary.preprocessing?.text
    classes = summary.classCount
    labels = Array(summary.labels.names.prefix(5))
    labels_assumed = summary.assumesLabels
    parameters = summary.parameterCount
    bytes = summary.byteCount
    auto = summary.auto
    supported = summary.missingOperators.map(\.isEmpty)
    missing = summary.missingOperators?.map {
      Missing(
        operator: "\($0.name)", node: $0.node, reason: $0.problem.asOptions, nodes: $0.count, plugin: !$0.name.isONNX)
    }
    error = summary.failure?.message.asOptions
  }
}
