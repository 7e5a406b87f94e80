import ArgumentParser
import GradCAM
import Graph

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Draws a heat map of the evidence for a class, or another target, over each image.")

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(help: "PNG or JPEG files.", completion: .picture) var images: [String] = []

  @Option(
    name: .customLong("node"),
    help: ArgumentHelp(
      "Target layer: node, tensor or PyTorch module (features.35), Op:k (Conv:-1), #index, a unique suffix, or auto. "
        + "Repeatable.", valueName: "NAME"), completion: .node)
  var nodes: [String] = []

  @OptionGroup(title: "Target") var target: TargetOptions
  @Option(help: ArgumentHelp("Explain the K most probable classes.", valueName: "K")) var top: Int?

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp(
      "CAM method: \(CAMMethods.all.map(\.name).joined(separator: ", ")), a plugin's, or all: every method that the "
        + "node supports, in one picture. Repeatable.", valueName: "NAME"), completion: .methods)
  var methods: [String] = ["gradcam"]

  @Option(help: ArgumentHelp("How many concepts dff looks for.", valueName: "K")) var concepts = 5
  @Option(help: ArgumentHelp("Fuse the maps of several nodes into one.", valueName: "WAY")) var fuse: Fusion?

  @Option(
    name: .customLong("smooth"),
    help: ArgumentHelp(
      "Smoother maps: aug, the mean over mirrored and multiplied images; eigen, the first principal component of the "
        + "weighted activations. Repeatable.", valueName: "WAY"))
  var smoothing: [Smoothing] = []

  @Option(help: ArgumentHelp("Whose formulas and drawing to follow where implementations differ.", valueName: "NAME"))
  var compat = Compatibility.pytorchGradCAM

  @Option(
    help: ArgumentHelp(
      "A file for one picture, else a folder; with --method all a folder gets each method's picture too. Default: "
        + "NAME.gradcam.png in the working directory.", valueName: "PATH"), completion: .file())
  var output: String?

  @Option(help: ArgumentHelp("How the map is drawn.", valueName: "STYLE")) var style = DrawingStyle.overlay
  @OptionGroup(title: "Drawing") var drawing: DrawingOptions

  @Option(help: ArgumentHelp("Write the map (h, w) after rectification.", valueName: "FILE.npy"), completion: .array)
  var saveMap: String?
  @Option(help: ArgumentHelp("Write the activation at the node.", valueName: "FILE.npy"), completion: .array)
  var saveActivation: String?
  @Option(help: ArgumentHelp("Write the gradient at the node.", valueName: "FILE.npy"), completion: .array)
  var saveGradient: String?
  @Option(
    help: ArgumentHelp("Write the model's first output, or that of --output-name.", valueName: "FILE.npy"),
    completion: .array)
  var saveOutput: String?

  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if !(1...64).contains(concepts) { throw ValidationError("--concepts must be 1 to 64.") }
    try request.validate()
  }

  private var request: TargetRequest {
    var request = target.request
    request.top = top
    return request
  }

  func run() throws {
    let opened = try OpenedModel(model, host, image, request), model = opened.model
    let sources = try opened.sources(images, item: featureMap.item.item)
    let methods = self.methods.contains("all") ? model.registry.methods.map(\.name) : self.methods.withoutRepeats
    for method in methods { _ = try model.registry.method(named: method) }
    var (explainer, choice) = try opened.explainer(
      nodes: nodes.withoutRepeats, hint: featureMap.hint, compatibility: compat, picture: sources.input,
      threadCount: threads.count, reusesWeights: sources.count > 8)
    explainer.settings.conceptCount = concepts
    let groups = choice.count * (fuse == nil ? explainer.focus.taps.count : 1)
    let maps = choice.count * (try explainer.mapCount(of: methods, fusion: fuse))
    let drawsGrids = self.methods.contains("all")
    let drawsPictures = !drawsGrids || output.map(OutputPaths.namesFolder) ?? false
    let pictures = drawsPictures ? maps : groups

    var outputs = try OutputPaths(
      option: output, modelName: model.name, imageCount: sources.count, pictureCount: pictures,
      targetCount: choice.count, inputs: opened.paths + images)
    try claimArrays(
      in: &outputs.claimed, inputCount: sources.inputCount, imageCount: sources.count, mapCount: maps,
      tapCount: choice.count * explainer.focus.taps.count * methods.count)

    let assumed = explainer.warnings(about: sources)
    for warning in assumed { Console.warn(warning.text) }

    let bar = ProgressBar(count: sources.count)
    let job = ImageJob(
      sources: sources, choice: choice, shown: max(5, top ?? 1), methods: methods,
      fusion: fuse, smoothing: Set(smoothing), skipsUnsupported: drawsGrids, drawsPictures: drawsPictures,
      drawsGrids: drawsGrids, style: style, colormap: drawing.colormap, blend: drawing.blend, format: outputs.example,
      savesOutput: saveOutput != nil, bar: bar)
    var reports: [ExplanationReport] = [], unread = 0
    try explainer.explainMany(sources.count) { [explainer] index in
      job.run(index, explainer)
    } deliver: { index, result in
      let name = sources.name(index)
      if let error = result.unread {
        unread += 1
        return bar.aside { Console.warn("\(error); skipped") }
      }
      if let output = result.output { try save(output, to: saveOutput) }
      var drawn: [ExplanationReport] = [], warnings: [String] = [], said: Set<String> = []
      func write(_ file: Result<[UInt8], any Error>, of explanation: Explanation, method: String) throws -> String {
        let path = try outputs.next(image: name, explanation, method: method)
        try writeAtomically(try located(path) { try file.get() }, to: path)
        return path
      }
      for explained in result.explained {
        let explanations = explained.explanations
        let paths = try zip(explained.files, explanations).map { try write($0, of: $1, method: $1.method) }
        let grid = try explained.grid.map { try write($0, of: explanations[0], method: "all") }
        for (number, explanation) in explanations.enumerated() {
          try save(explanation)
          warnings += explanation.warnings.map(\.text.asOptions).filter { said.insert($0).inserted }
          drawn.append(
            ExplanationReport(
              image: name, model: model.path, explanation, output: paths.isEmpty ? grid! : paths[number], grid: grid,
              top: result.best, warnings: assumed + explanation.warnings))
        }
      }
      try bar.aside {
        for warning in warnings { Console.warn("\(name): \(warning)") }
        if let failure = result.failure { throw failure }
        if json { reports += drawn } else { try ExplanationReport.describe(drawn, top: result.best) }
      }
    }
    if json { try printJSON(reports) }
    try checkRead(unread, of: sources.count)
  }

  /// Throws `usage` if an array would be written for each of several results, or over a file that is read.
  private func claimArrays(
    in paths: inout ClaimedPaths, inputCount: Int, imageCount: Int, mapCount: Int, tapCount: Int
  ) throws {
    for (option, path, count) in [
      ("--save-map", saveMap, imageCount * mapCount), ("--save-activation", saveActivation, imageCount * tapCount),
      ("--save-gradient", saveGradient, imageCount * tapCount), ("--save-output", saveOutput, inputCount),
    ] {
      guard let path else { continue }
      guard count == 1 else {
        throw GradCAMError(
          .usage, at: "\(option) \(path)", problem: "is one file, but there are \(count) results",
          advice: "explain one image (one of a batch with --item) at one node for one class by one method")
      }
      try paths.claim(path)
    }
  }

  private func save(_ explanation: Explanation) throws {
    let map = explanation.rectifiedMap()
    if let saveMap { try NPYArray(shape: [map.height, map.width], values: map.values).write(to: saveMap) }
    guard let tap = explanation.tap else { return }
    let shape = [1, tap.channels, tap.height, tap.width]
    if let saveActivation { try NPYArray(shape: shape, values: tap.activation).write(to: saveActivation) }
    if let saveGradient { try NPYArray(shape: shape, values: tap.gradient).write(to: saveGradient) }
  }

  private func save(_ tensor: Tensor, to path: String?) throws {
    if let path { try NPYArray(shape: tensor.shape.dimensions, values: tensor.floats).write(to: path) }
  }
}
