import ArgumentParser
import GradCAM
import Graph

/// An option's values for several models: `VALUE` for all, `MODEL=VALUE` for one.
struct PerModel {
  private var common: String?
  private var own: [Int: String] = [:]

  /// - Parameter models: the paths of the models.
  ///
  /// Throws `usage` if a value is given twice.
  init(_ values: [String], option: String, models: [String]) throws {
    for value in values {
      let found = owner(of: value, models)
      guard found.map({ own[$0.model] == nil }) ?? (common == nil) else {
        throw GradCAMError(
          .usage, at: "\(option) \(value)", problem: "is given twice",
          advice: "give one for all models, or MODEL=VALUE for each")
      }
      if let found { own[found.model] = found.value } else { common = value }
    }
  }

  /// The value for a model; nil if there is none.
  subscript(_ model: Int) -> String? { own[model] ?? common }
}

/// An option's values for several models, any number for each: `VALUE` for all, `MODEL=VALUE` for one.
struct PerModelList {
  private var common: [String] = []
  private var own: [Int: [String]] = [:]

  /// - Parameter models: the paths of the models.
  init(_ values: [String], models: [String]) throws {
    for value in values.withoutRepeats {
      if let found = owner(of: value, models) {
        own[found.model, default: []].append(found.value)
      } else {
        common.append(value)
      }
    }
  }

  /// The values for a model.
  subscript(_ model: Int) -> [String] { own[model] ?? common }
}

/// The model that an option's value is for, and what is left of it; nil for all models.
private func owner(of value: String, _ models: [String]) -> (model: Int, value: String)? {
  for (index, path) in models.enumerated() {
    let name = Model.name(of: path)
    for prefix in [path, name, name + ".onnx"].map({ $0 + "=" }) where value.hasPrefix(prefix) {
      return (index, String(value.dropFirst(prefix.count)))
    }
  }
  return nil
}

/// How pictures become the inputs of several models: `VALUE` for all, `MODEL=VALUE` for one.
struct PerModelImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Preprocessing preset, as explain takes it.", valueName: "[MODEL=]NAME"),
    completion: .list(Preprocessing.Preset.allValueStrings)) var preset: [String] = []

  @Option(help: ArgumentHelp("Size of the network's input, if the file leaves it open.", valueName: "[MODEL=]WxH"))
  var size: [String] = []

  @Option(help: ArgumentHelp("Resize the shorter side to N, or the picture to WxH.", valueName: "[MODEL=]N|WxH"))
  var resize: [String] = []

  @Option(help: ArgumentHelp("Crop the centre to this size.", valueName: "[MODEL=]N|WxH")) var crop: [String] = []

  @Option(help: ArgumentHelp("Mean of each channel, such as 0.485,0.456,0.406.", valueName: "[MODEL=]R,G,B")) var mean:
    [String] = []

  @Option(help: ArgumentHelp("Standard deviation of each channel.", valueName: "[MODEL=]R,G,B")) var std: [String] = []

  @Option(
    help: ArgumentHelp("Value of full brightness, before mean and deviation are applied.", valueName: "[MODEL=]1|255|N")
  ) var range: [String] = []

  @Option(
    help: ArgumentHelp("Order of the colours.", valueName: "[MODEL=]ORDER"),
    completion: .list(Preprocessing.Channels.allValueStrings)) var channels: [String] = []

  @Option(
    help: ArgumentHelp("Filter that resizes pictures, as explain takes it.", valueName: "[MODEL=]FILTER"),
    completion: .list(Interpolation.allValueStrings))
  var interpolation: [String] = []

  @Option(
    help: ArgumentHelp("Order of the input's dimensions, if the file does not say.", valueName: "[MODEL=]ORDER"),
    completion: .list(ImageShape.Layout.allValueStrings))
  var layout: [String] = []

  @Option(
    help: ArgumentHelp("Names of the classes, as explain takes them.", valueName: "[MODEL=]FILE"), completion: .file())
  var labels: [String] = []

  @Option(
    help: ArgumentHelp("The output that holds the scores of classes.", valueName: "[MODEL=]NAME"),
    completion: .modelOutput)
  var outputName: [String] = []

  @Option(
    help: ArgumentHelp("Rows and columns of a transformer's token grid, such as 14x14.", valueName: "[MODEL=]HxW"))
  var grid: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where the channels of the target layer are: channels=first or channels=last.", valueName: "[MODEL=]AXIS"),
    completion: .axis)
  var axis: [String] = []

  @Option(
    help: ArgumentHelp(
      "The entry of the target layer's first dimension (a frame, window or tile) to show: 0 for the first.",
      valueName: "[MODEL=]K"))
  var item: [String] = []

  @OptionGroup var limits: PictureLimitOptions

  /// What is asked of each model.
  struct Choice {
    var preprocessing = PreprocessingChoice()
    var layout: ImageShape.Layout?
    var labels: String?
    var outputName: String?
    var grid: FeatureMapHint.Grid?
    var axis: ChannelAxis?
    var item: Int?

    var hint: FeatureMapHint { FeatureMapHint(grid: grid, channels: axis?.channels, item: item) }
  }

  /// What is asked of models, given their paths.
  ///
  /// Throws `usage` for a value that is given twice or cannot be read.
  func choices(for models: [String]) throws -> [Choice] {
    var choices = models.map { _ in Choice() }
    func read<Value>(
      _ values: [String], _ option: String, _ parse: (String) -> Value?, into path: WritableKeyPath<Choice, Value?>
    ) throws {
      let given = try PerModel(values, option: option, models: models)
      for model in models.indices {
        guard let text = given[model] else { continue }
        guard let value = parse(text) else {
          throw GradCAMError(
            .usage, at: "\(option) \(text)", problem: "cannot be read",
            advice: "give VALUE for all models, or MODEL=VALUE for one, as 'gradcam explain --help' describes values")
        }
        choices[model][keyPath: path] = value
      }
    }
    try read(preset, "--preset", { Preprocessing.Preset(rawValue: $0) }, into: \.preprocessing.preset)
    try read(size, "--size", { PixelSize($0) }, into: \.preprocessing.size)
    try read(resize, "--resize", { Preprocessing.Resize($0) }, into: \.preprocessing.resize)
    try read(crop, "--crop", { PixelSize($0) }, into: \.preprocessing.crop)
    try read(mean, "--mean", { [Float](channels: $0) }, into: \.preprocessing.mean)
    try read(std, "--std", { [Float](channels: $0).flatMap { $0.contains(0) ? nil : $0 } }, into: \.preprocessing.std)
    try read(range, "--range", { Float($0).flatMap { $0.isFinite && $0 > 0 ? $0 : nil } }, into: \.preprocessing.range)
    try read(channels, "--channels", { Preprocessing.Channels(rawValue: $0) }, into: \.preprocessing.channels)
    try read(interpolation, "--interpolation", { Interpolation(rawValue: $0) }, into: \.preprocessing.interpolation)
    try read(layout, "--layout", { ImageShape.Layout(rawValue: $0) }, into: \.layout)
    try read(labels, "--labels", { $0 }, into: \.labels)
    try read(outputName, "--output-name", { $0 }, into: \.outputName)
    try read(grid, "--grid", { FeatureMapHint.Grid(argument: $0) }, into: \.grid)
    try read(axis, "--axis", { ChannelAxis(argument: $0) }, into: \.axis)
    try read(item, "--item", { Int($0).flatMap { $0 < 0 ? nil : $0 } }, into: \.item)
    return choices
  }
}
