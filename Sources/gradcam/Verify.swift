import ArgumentParser
import GradCAM
import Graph

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares the gradient at a node with central differences of the score.",
    discussion: """
      The activation at the node is perturbed along several directions: the gradient; the gradient with random \
      weights over the whole feature map ('weighted'), in one channel or in a block of positions; and random numbers. \
      Only the network downstream of the node runs again. Each line has the two slopes that differ most, and the error \
      of all directions of that kind.

      Steps are as small as the measured float32 rounding of the score permits. 'none' means no verdict, because \
      rounding, kinks (ReLU, max-pool) or curvature outweigh the tolerance: usual for random numbers far from the \
      score; or because the gradient is zero everywhere. Directions that do not agree are tried again without the elements that equal others ('untied'), such as \
      ReLU's zeros: a max-pool over equal numbers has no derivative.

      Without an image, the input is the fixed pseudo-random image of bench. Without --node, the nodes are auto and up \
      to 4 upstream of it, spread evenly over those that 'gradcam nodes' lists; of these 4, nodes whose gradient \
      cannot be verified are skipped with a warning. The exit code is 1 if a comparison disagrees.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(
    help: ArgumentHelp("A picture, a file of numbers, or a folder of frames.", valueName: "image"), completion: .image)
  var picture: String?

  @Option(
    name: .customLong("node"), help: ArgumentHelp("Target layer, as explain takes it. Repeatable.", valueName: "NAME"),
    completion: .node)
  var nodes: [String] = []

  @OptionGroup(title: "Target") var target: TargetOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws { if target.classes.count > 1 { throw ValidationError("Give one --class.") } }

  func run() throws {
    let named = try NamedImages([picture].compactMap { $0 }), images = try named.files()
    try host.enterSandbox(models: [self.model], read: images, image.paths, target.request.paths)
    let opened = try OpenedModel(model, host, image, target.request, images: images), model = opened.model
    let sources =
      picture == nil && opened.tensors.images.isEmpty
      ? nil : try opened.sources(named, item: featureMap.item.item ?? 0)
    let (explainer, choice) = try opened.explainer(
      nodes: nodes, hint: featureMap.hint, of: sources, threadCount: threads.count)
    for warning in explainer.warnings(about: sources) { Console.tell(warning) }

    let planner = explainer.planner
    let focus = explainer.focus
    let source = try sources?.peek(1)[0]
    let input = try source.flatMap { try sources?.prepare($0, explainer) } ?? explainer.prepare(explainer.noise)
    let observation = try explainer.observe(input, isOpen: true)
    let explained = try choice.targets(explainer, of: observation)[0]

    var report = VerificationReport(model: model.path, image: source?.path, explained)
    let queries = nodes.isEmpty ? focus.catalogue.spread(4) : nodes
    for (index, node) in queries.enumerated() {
      Console.progress(index, of: queries.count, node)
      do {
        let place = try planner.focus(
          explaining: focus.explained, nodes: [node], hint: featureMap.hint,
          explainsAllImages: focus.explainsAllImages)
        report.add(try GradientVerification(observation.focused(on: place), of: explained))
      } catch let error as GradCAMError where error.kind == .unsupported && nodes.isEmpty && index > 0 {
        Console.warn(error.message)
      }
    }
    Console.clearProgress()
    if json { try printJSON(report) } else { try report.describe() }
    if report.disagrees { throw ExitCode(1) }
  }
}
