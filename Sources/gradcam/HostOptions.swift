import ArgumentParser
import GradCAM

/// Where models and what they need come from: the options that all commands share which open one.
struct HostOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder in which NAME means the model NAME.onnx; else GRADCAM_MODELS, else models.", valueName: "DIR"))
  var models: String?
  @OptionGroup var plugins: PluginOptions

  /// The models folder.
  var modelFolder: ModelFolder { models.map(ModelFolder.init) ?? .usual }

  /// Opens the model that an argument means, a path or a name in the models folder.
  ///
  /// - Parameter registry: what `plugins` loaded already; nil has it load them.
  ///
  /// Throws what loading, finding and opening throws.
  func open(_ model: String, layout: ImageShape.Layout? = nil, registry: Registry? = nil) throws -> Model {
    try Model(
      contentsOf: modelFolder.resolve(model), layout: layout, registry: registry ?? plugins.registry())
  }

  mutating func validate() throws {
    if models == "" { throw ValidationError("--models is empty; give a folder.") }
  }
}
