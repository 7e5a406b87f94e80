import ArgumentParser
import GradCAM
import Graph

struct DriftCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drift",
    abstract: "Shows what became of a network by quantisation, pruning or conversion, and the first node that breaks.",
    discussion: """
      Nodes of the two files are paired by name, else by module path, else by their position, where that is certain. \
      For each pair, 'snr' is the signal-to-noise ratio of what the second file computes there, over all pictures, in \
      decibels: 20 dB is an error of a tenth. 'own' is the same if the second file's node is given the first file's \
      numbers: the error that the node makes itself, without what it inherits. A node breaks if its own error is large \
      and out of line with those of the others; the first of them is named, or it is said that no single node stands \
      out. \
      'pearson' and 'ssim' say how alike the maps of the first file's top class are.

      The second file is given the numbers that the first one's preprocessing makes of a picture, unless its own file \
      or an option says how it wants them. Options that show MODEL= take VALUE for both files, or MODEL=VALUE for one.
      """)

  @Argument(
    help: ArgumentHelp(
      "The exported network before and after: files, or names in the models folder; and pictures, or folders of them.",
      valueName: "model-or-image"), completion: .modelOrPicture)
  var arguments: [String]
  @Option(
    name: .customLong("images"), parsing: .upToNextOption,
    help: ArgumentHelp("More pictures, or folders of them.", valueName: "IMAGE"), completion: .picture)
  var moreImages: [String] = []
  @Option(
    help: ArgumentHelp("CAM method of the maps: one that needs nothing but a node.", valueName: "NAME"),
    completion: .method)
  var method = "gradcam"
  @Flag(help: "List all nodes, not only the first ten.") var all = false
  @Option(
    help: ArgumentHelp("A self-contained page to open in a browser.", valueName: "FILE.html"),
    completion: .file(extensions: ["html"])) var report: String?
  @Option(
    name: .customLong("fail-if"),
    help: ArgumentHelp(
      "End with exit code 1 if a figure is as it should not be, as in 'map-ssim<0.9'. Repeatable. Figures: "
        + "\(DriftReport.Summary.names.joined(separator: ", ")).",
      valueName: "FIGURE<NUMBER"))
  var conditions: [String] = []
  @OptionGroup var provenance: ProvenanceOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Input and labels") var image: PerModelImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if let report, !report.lowercased().hasSuffix(".html") { throw ValidationError("--report must end in .html.") }
  }

  func run() throws {
    func isImage(_ argument: String) -> Bool { Picture.hasKnownExtension(argument) || isFolder(argument) }
    let networks = arguments.filter { !isImage($0) }
    let images = try ImageFolder.expanding(arguments.filter(isImage) + moreImages)
    let gates = try conditions.map { try Gate($0, names: DriftReport.Summary.names) }
    try host.enterSandbox(
      models: networks, read: images, image.labels.pathsOfArguments, written: [report, provenance.path])
    guard networks.count == 2, !images.isEmpty else {
      throw GradCAMError(
        .usage,
        problem: networks.count == 2 ? "no picture was given" : "needs two models, but was given \(networks.count)",
        advice: "name two files of one network, before and after, then pictures")
    }
    let registry = try host.plugins.registry()
    guard try registry.method(named: method) is any TapMethod else {
      throw GradCAMError(
        .usage, at: "--method \(method)", problem: "needs more than a node's activation and gradient",
        advice: "choose gradcam, say")
    }
    let paths = try networks.map(host.modelFolder.resolve), choices = try image.choices(for: paths)
    let explainers = try zip(paths, choices).map { path, choice in
      let model = try Model(
        contentsOf: path, layout: choice.layout, output: choice.outputName, registry: registry)
      return try Explainer(
        model, hint: choice.hint, preprocessing: try DecidedPreprocessing(choice.preprocessing, for: model),
        labels: try choice.labels.map { try Labels(contentsOf: $0) }, threadCount: threads.count, reusesWeights: true)
    }
    let first = explainers[0], second = explainers[1]
    let files = explainers.flatMap(\.model.graph.files), others = choices.compactMap(\.labels)
    var claimed = ClaimedPaths(inputs: files + images + others)
    for path in [report, provenance.path] { if let path { try claimed.claim(path) } }
    let recorder =
      try provenance.isAsked || json || report != nil
      ? ProvenanceRecorder(host, models: files, images: images, others: others, threads: threads.used) : nil
    for warning in first.warnings { Console.tell(warning, about: first.model.name) }
    // What nobody says about the second file's preprocessing is as the first file has it.
    let isOwn = !second.warnings.contains { $0.code == .preprocessingAssumed }
    for warning in second.warnings where isOwn && !first.warnings.contains(where: { $0.code == warning.code }) {
      Console.tell(warning, about: second.model.name)
    }

    let measurement = try DriftMeasurement(first, second, method: method)
    let bar = ProgressBar(count: images.count)
    var done = 0
    let (pictures, unread) = try readable(images) { path in
      bar.report(done, 0, path)
      let prepared = try first.prepare(contentsOf: path)
      let explanations = try measurement.add(prepared, isOwn ? try second.prepare(contentsOf: path) : nil)
      bar.report(done, 1, path)
      done += 1
      return (path: path, shown: report == nil ? nil : try DriftPage.Picture(path, prepared, explanations))
    }
    Console.clearProgress()
    var result = DriftReport(
      measurement.drift, paths: paths, images: pictures.map(\.path), method: method,
      preprocessing: first.preprocessingText)
    if let recorder {
      result.provenance = recorder.part(images: images)
      if let report {
        let page = DriftPage(report: result, pictures: pictures.compactMap(\.shown))
        try writeAtomically(Array(page.text.utf8), to: report)
      }
      if provenance.isAsked { try provenance.write(recorder.whole(timed: [report].compactMap { $0 })) }
    }
    if json {
      try printJSON(result)
    } else {
      try result.describe(all: all)
      if let report { try Console.print(report) }
    }
    try check(gates) { [(result.other_model, result.summary[$0])] }
    try checkDone(unread, of: images.count)
  }
}
