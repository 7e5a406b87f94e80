import ArgumentParser
import GradCAM

/// Where models and plugins come from: the options shared by all commands that open a model.
struct HostOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The models folder, in which NAME means NAME.onnx. Default: GRADCAM_MODELS, else models.", valueName: "DIR"),
    completion: .directory)
  var models: String?
  @OptionGroup var memory: MemoryOptions
  @OptionGroup var plugins: PluginOptions

  var modelFolder: ModelFolder { models.map(ModelFolder.init) ?? .usual }

  /// Opens the model that an argument names: a path, or a name in the models folder.
  ///
  /// - Parameters:
  ///   - image: the options that say how its input and outputs are to be read.
  ///   - registry: the registry that `plugins` has already loaded; nil loads it.
  ///
  /// Throws what loading, finding and opening throws.
  func open(_ model: String, _ image: ImageOptions, registry: Registry? = nil) throws -> Model {
    try Model(
      contentsOf: modelFolder.resolve(model), layout: image.layout, output: image.outputName,
      registry: registry ?? plugins.registry())
  }

  mutating func validate() throws { if models == "" { throw ValidationError("--models is empty; give a folder.") } }
}
