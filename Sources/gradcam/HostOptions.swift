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
  @OptionGroup var sandbox: SandboxOptions

  var modelFolder: ModelFolder { models.map(ModelFolder.init) ?? .usual }

  /// Restricts the program to the files that a command line names.
  ///
  /// - Parameters:
  ///   - models: the arguments that name models.
  ///   - read: other files that are read, and folders; nil for an option that is not given.
  ///   - written: the files that are written, and folders of such.
  ///
  /// Throws as `SandboxOptions.enter` does, and `unreadable` if a folder of plugins cannot be listed.
  func enterSandbox(models: [String], read: [String?]..., written: [String?]...) throws {
    // A name that cannot be resolved is an error when the model is opened, which lists the folder.
    let paths = models.map { (try? modelFolder.resolve($0)) ?? $0 }
    try sandbox.enter(
      NamedFiles(
        models: paths, read: [modelFolder.path] + read.joined().compactMap { $0 },
        written: OutputFiles.folders ?? written.joined().compactMap { $0 }),
      plugins: try plugins.paths())
  }

  /// Where `MODEL.json` of the model that an argument names may be written.
  func sidecarPlaces(of model: String) -> [String] {
    let path = (try? modelFolder.resolve(model)) ?? model
    return [path] + ModelMetadata.filesRead(beside: path).prefix(1)
  }

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
