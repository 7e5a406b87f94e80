import ArgumentParser
import GradCAM
import Graph

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws a heat map of what speaks for a class over each image.")

  @Argument(help: "The exported network.") var model: String
  @Argument(help: "PNG or JPEG files.") var images: [String] = []

  @Option(
    name: .customLong("node"),
    help: ArgumentHelp(
      "Target layer: node, tensor or PyTorch module (features.35), Op:k (Conv:-1), #index, a unique suffix, or auto. "
        + "Repeatable.", valueName: "NAME"))
  var nodes: [String] = []

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained; the top one by default. Repeatable.", valueName: "N|LABEL"))
  var classes: [String] = []

  @Option(help: ArgumentHelp("Explain the K most probable classes.", valueName: "K")) var top: Int?

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp(
      "CAM method: \(CAMMethods.all.map(\.name).joined(separator: ", ")), or all. Repeatable.", valueName: "NAME"))
  var methods: [String] = ["gradcam"]

  @Option(help: "What is differentiated: \(names(ScoreKind.self)).") var score = ScoreKind.logit
  @Option(help: "The library whose drawing is followed: \(names(Compatibility.self)).")
  var compat = Compatibility.pytorchGradCAM

  @Option(
    help: ArgumentHelp(
      "A file for one picture, else a folder. Default: NAME.gradcam.png in the working directory.", valueName: "PATH"))
  var output: String?

  @Option(help: "How the map is drawn: \(names(DrawingStyle.self)).") var style = DrawingStyle.overlay
  @Option(help: "Colours: \(names(Colormap.self)).") var colormap = Colormap.jet
  @Option(help: ArgumentHelp("Weight of the picture against the heat, 0 to 1.", valueName: "W")) var blend: Float = 0.5

  @Option(
    help: ArgumentHelp(
      "A .npy tensor for the image input instead of an image, or NAME=FILE for another input. Repeatable.",
      valueName: "[NAME=]FILE"))
  var tensor: [String] = []

  @Option(help: ArgumentHelp("Write the map (h, w) after rectification.", valueName: "FILE.npy")) var saveMap: String?
  @Option(help: ArgumentHelp("Write the activation at the node.", valueName: "FILE.npy")) var saveActivation: String?
  @Option(help: ArgumentHelp("Write the gradient at the node.", valueName: "FILE.npy")) var saveGradient: String?
  @Option(help: ArgumentHelp("Write the model's first output.", valueName: "FILE.npy")) var saveOutput: String?

  @Option(help: ArgumentHelp("Threads; all cores by default.", valueName: "N")) var threads: Int?
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var image: ImageOptions

  mutating func validate() throws {
    if let top, top < 1 { throw ValidationError("--top is at least 1.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is 1 to 1024.") }
    if !(0...1).contains(blend) { throw ValidationError("--blend is 0 to 1.") }
    if top != nil, !classes.isEmpty { throw ValidationError("Give --class or --top, not both.") }
  }

  func run() throws {
    let model = try Model(contentsOf: model)
    let sources = try ImageSources(images: images, tensors: tensor, model: model)
    let explainer = try Explainer(
      model, nodes: nodes, preprocessing: try image.preprocessing(for: model), inputSize: sources.size ?? image.size,
      labels: try image.labels.map { try Labels(contentsOf: $0) }, compatibility: compat, inputs: sources.inputs,
      threadCount: threads, reusesWeights: sources.count > 8)
    let methods = methods.contains("all") ? CAMMethods.all.map(\.name) : methods
    for method in methods { _ = try CAMMethods.named(method) }

    var outputs = OutputPaths(
      option: output, modelName: model.name,
      pictureCount: sources.count * explainer.session.taps.count * max(classes.count, top ?? 1) * methods.count)
    try outputs.checkWritable()
    // A tensor says by itself how it was made; nothing was assumed about a picture.
    let assumed = explainer.warnings.filter { sources.usesPictures || $0.code != "preprocessing-assumed" }
    if !json { for warning in assumed { Console.warn(warning.text) } }

    var reports: [ExplanationReport] = []
    for index in 0..<sources.count {
      Console.progress(index, of: sources.count, sources.name(index))
      let prepared = try sources.prepare(index, explainer)
      let top = try explainer.classify(prepared, count: max(5, self.top ?? 1))
      let chosen =
        try classes.isEmpty
        ? top.prefix(self.top ?? 1).map(\.index)
        : classes.map { try explainer.labels.index(of: $0, classCount: explainer.session.classCount) }
      try save(explainer.session.output, to: saveOutput)
      var drawn: [ExplanationReport] = []
      for classIndex in chosen {
        for explanation in try explainer.explain(
          classIndex: classIndex, of: prepared, methods: methods, score: score)
        {
          let path = try outputs.next(image: sources.name(index), explanation, classCount: chosen.count)
          let picture =
            prepared.picture.map { style.draw(explanation.drawnMap, on: $0, colormap: colormap, blend: blend) }
            ?? explanation.drawnMap.colored(with: colormap)
          try picture.write(to: path)
          try save(explanation)
          drawn.append(
            ExplanationReport(
              image: sources.name(index), model: model.path, explanation, output: path, top: top,
              warnings: assumed + explanation.warnings))
        }
      }
      if json {
        reports += drawn
      } else {
        Console.clearProgress()
        ExplanationReport.describe(drawn, top: top)
      }
    }
    Console.clearProgress()
    if json { try printJSON(reports) }
  }

  private func save(_ explanation: Explanation) throws {
    let map = explanation.map.rectified(), tap = explanation.tap, shape = [1, tap.channels, tap.height, tap.width]
    if let saveMap { try NPYArray(shape: [map.height, map.width], values: map.values).write(to: saveMap) }
    if let saveActivation { try NPYArray(shape: shape, values: tap.activation).write(to: saveActivation) }
    if let saveGradient { try NPYArray(shape: shape, values: tap.gradient).write(to: saveGradient) }
  }

  private func save(_ tensor: Tensor, to path: String?) throws {
    if let path { try NPYArray(shape: tensor.shape.dimensions, values: tensor.floats).write(to: path) }
  }
}
