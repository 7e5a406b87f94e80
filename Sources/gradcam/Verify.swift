import ArgumentParser
import GradCAM
import Graph

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares the gradient at a node with central differences of the score.",
    discussion: """
      The activation at the node is moved a little along several directions: the gradient; the gradient with random \
      weights, all over the feature map ('weighted'), in one channel or in a block of positions; and random numbers. \
      Only what lies behind the node runs again. Each line has the two slopes that differ most, and the error of all \
      directions of that kind.

      Steps are as small as float32 rounding of the score, which is measured, permits. 'none' means that rounding, kinks \
      (ReLU, max-pool) or curvature weigh more than the tolerance, so that nothing can be said: usual for random \
      numbers far from the score. Where directions do not agree, they are tried without the elements that equal others \
      ('untied'), such as ReLU's zeros: a max-pool over equal numbers has no derivative.

      Without an image the input is the fixed pseudo-random image of bench; without --node the nodes are auto and up \
      to 4 before it, spread evenly over those that 'gradcam nodes' lists; one of these whose gradient cannot be \
      verified is passed over with a warning. The exit code is \
      1 where a comparison disagrees.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.") var model: String
  @Argument(help: ArgumentHelp("A PNG or JPEG file.", valueName: "image")) var picture: String?

  @Option(
    name: .customLong("node"), help: ArgumentHelp("Target layer, as explain takes it. Repeatable.", valueName: "NAME"))
  var nodes: [String] = []

  @OptionGroup var target: TargetOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var featureMap: FeatureMapOptions
  @OptionGroup var image: ImageOptions
  @OptionGroup var host: HostOptions

  mutating func validate() throws {
    if target.classes.count > 1 { throw ValidationError("Give one --class.") }
  }

  func run() throws {
    let plan = try ExplainerPlan(model, host, image, target.request), model = plan.model
    let sources =
      picture == nil && plan.tensors.image == nil
      ? nil : try ImageSources(images: picture.map { [$0] } ?? [], tensors: plan.tensors)
    let (explainer, choice) = try plan.explainer(nodes: nodes, hint: featureMap.hint, threadCount: threads.count)
    for warning in explainer.warnings(about: sources) { Console.warn(warning.text) }

    let session = explainer.session
    let input = try sources?.prepare(0, explainer) ?? explainer.prepare(model.imageShape.noise(session.inputSize))
    _ = try explainer.classify(input, count: 0)
    let explained = try choice.targets(explainer, of: input)[0]

    var report = VerificationReport(model: model.path, image: sources?.name(0), explained)
    let queries = nodes.isEmpty ? session.catalogue.spread(4) : nodes
    for (index, node) in queries.enumerated() {
      Console.progress(index, of: queries.count, node)
      do {
        let session = try plan.session(node: node, hint: featureMap.hint, threadCount: threads.count)
        try session.forward(input.tensor)
        try session.backward(from: explained)
        report.add(try GradientVerification(session, of: explained))
      } catch let error as GradCAMError where error.kind == .unsupported && nodes.isEmpty && index > 0 {
        Console.warn(error.message)
      }
    }
    Console.clearProgress()
    if json { try printJSON(report) } else { try report.describe() }
    if report.disagrees { throw ExitCode(1) }
  }
}
