import ArgumentParser
import GradCAM
import Graph

/// How pictures become a network's input: the options shared by commands.
struct ImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file of numbers for the image input instead of an image, or NAME=FILE for another input: .npy, .wav, .nii or "
        + ".nii.gz. Repeatable.",
      valueName: "[NAME=]FILE"), completion: .numbers)
  var tensor: [String] = []

  @Option(
    help: ArgumentHelp(
      "The axes of .nii volumes as depth, height and width: xyz as nibabel and MONAI have them, zyx as SimpleITK.",
      valueName: "xyz|zyx"))
  var axes = NumberFile.VolumeAxes.xyz

  @Option(
    name: .customLong("image"),
    help: ArgumentHelp(
      "A picture for the image input NAME, of a network that takes several. Repeatable.",
      valueName: "NAME=FILE"), completion: .picture)
  var pictures: [String] = []

  @Option(help: ArgumentHelp(Preprocessing.Preset.helpText, valueName: "NAME")) var preset: Preprocessing.Preset?

  @Option(
    help: ArgumentHelp(
      "Size of the network's input, if the file leaves it open; of a volume WxHxD, of a signal its length.",
      valueName: "WxH"))
  var size: InputSize?

  @Option(
    help: ArgumentHelp(
      "Resize the shorter side to N, the picture to WxH, or, as for detectors, into the input, padded: letterbox; after "
        + "it may stand :top-left, a grey or a colour, as in :114 or :#ffffff, and :stride-N.",
      valueName: "N|WxH|letterbox"))
  var resize: Preprocessing.Resize?

  @Option(help: ArgumentHelp("Crop the centre to this size.", valueName: "N|WxH")) var crop: PixelSize?

  @Option(help: ArgumentHelp("Mean of each channel, such as 0.485,0.456,0.406.", valueName: "R,G,B"))
  var mean: ChannelNumbers?

  @Option(help: ArgumentHelp("Standard deviation of each channel.", valueName: "R,G,B")) var std: ChannelNumbers?

  @Option(help: ArgumentHelp("Value of full brightness, before mean and deviation are applied.", valueName: "1|255|N"))
  var range: Float?

  @Option(help: ArgumentHelp("Order of the colours.", valueName: "ORDER")) var channels: Preprocessing.Channels?

  @Option(help: ArgumentHelp("Filter that resizes pictures.", valueName: "FILTER"))
  var interpolation: Interpolation?

  @Option(help: ArgumentHelp("Order of the input's dimensions, if the file does not say.", valueName: "ORDER"))
  var layout: ImageShape.Layout?

  @Option(
    help: ArgumentHelp(
      "Names of the classes: one per line, or JSON, CSV or YAML as they are usually kept.", valueName: "FILE"),
    completion: .file())
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "The output that holds the scores of classes, if there are several or the file does not tell.", valueName: "NAME"),
    completion: .modelOutput
  )
  var outputName: String?

  @OptionGroup var limits: PictureLimitOptions

  /// The files that the options name.
  var paths: [String] { (tensor + pictures).pathsOfArguments + [labels].compactMap { $0 } }

  /// What the options say about preprocessing.
  var choice: PreprocessingChoice {
    var choice = PreprocessingChoice()
    (choice.preset, choice.size, choice.resize, choice.crop) = (preset, size?.size, resize, crop)
    (choice.mean, choice.std, choice.range, choice.channels) = (mean?.values, std?.values, range, channels)
    choice.interpolation = interpolation
    return choice
  }

  mutating func validate() throws {
    if let range, !(range.isFinite && range > 0) { throw ValidationError("--range must be a number above 0.") }
    if let std, std.values.contains(0) { throw ValidationError("--std must not be 0.") }
  }
}

/// The size of a network's input.
struct InputSize: ExpressibleByArgument {
  let size: PixelSize

  /// Reads `WxH`, `WxHxD` or one number.
  init?(argument: String) {
    guard let size = PixelSize(ofInput: argument) else { return nil }
    self.size = size
  }
}

/// Three numbers, or one for all three channels.
struct ChannelNumbers: ExpressibleByArgument {
  let values: [Float]

  init?(argument: String) {
    guard let values = [Float](channels: argument) else { return nil }
    self.values = values
  }
}

extension NumberFile.VolumeAxes: ExpressibleByArgument {}
extension Preprocessing.Preset: ExpressibleByArgument {}
extension Preprocessing.Channels: ExpressibleByArgument {}
extension ImageShape.Layout: ExpressibleByArgument {}
extension Interpolation: ExpressibleByArgument {}
extension Compatibility: ExpressibleByArgument {}
extension Fusion: ExpressibleByArgument {}
extension Smoothing: ExpressibleByArgument {}
extension Colormap: ExpressibleByArgument {}
extension DrawingStyle: ExpressibleByArgument {}
extension ScoreKind: ExpressibleByArgument {}

extension PixelSize: ExpressibleByArgument {
  /// Reads `WxH` or one number.
  public init?(argument: String) { self.init(argument) }
}

extension Preprocessing.Resize: ExpressibleByArgument {
  /// Reads `N`, `WxH` or `letterbox`.
  public init?(argument: String) { self.init(argument) }
}

extension Preprocessing.Preset {
  /// What each is.
  static let helpText = """
    Preprocessing: imagenet, RGB of 0 to 1, minus 0.485,0.456,0.406, divided by 0.229,0.224,0.225, the shorter side \
    resized to 256/224 of the input, its centre; caffe, BGR of 0 to 255, minus 103.939,116.779,123.68, resized like \
    imagenet; tf, RGB of -1 to 1, squashed to the input; raw, RGB of 0 to 255, squashed.
    """
}
