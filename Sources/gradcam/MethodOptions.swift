import ArgumentParser
import GradCAM
import Graph

/// The settings of attributions of pixels.
struct AttributionOptions: ParsableArguments {
  @Option(
    name: .customLong("baseline"),
    help: ArgumentHelp(
      "What attributions compare the picture with: zero, 0 in the network's input, which is often the mean colour; "
        + "black; mean, of each of the picture's channels; blur, the blurred picture; or pictures, or folders of them. "
        + "Repeatable for expected-gradients. Default: zero.", valueName: "WHAT|FILE"), completion: .file())
  var baselines: [String] = []
  @Option(
    help: ArgumentHelp(
      "Pictures between baseline and picture for integrated-gradients; random ones for expected-gradients, smoothgrad "
        + "and vargrad.", valueName: "N"))
  var steps = MethodSettings().steps
  @Option(help: ArgumentHelp("The window of occlusion. Default: a seventh of the input.", valueName: "WxH"))
  var window: PixelSize?
  @Option(help: ArgumentHelp("How far the window moves. Default: half of it.", valueName: "WxH")) var stride: PixelSize?
  @Option(help: ArgumentHelp("The number of rise's masks.", valueName: "N")) var masks = MethodSettings().maskCount

  mutating func validate() throws {
    try checkNumber(steps, "steps", upTo: MethodSettings.largestStepCount)
    try checkNumber(masks, "masks", upTo: MethodSettings.largestMaskCount)
    _ = try BaselineChoice(baselines)
  }

  /// The files that are read.
  ///
  /// Throws what listing a folder throws.
  func paths() throws -> [String] { try BaselineChoice(ImageFolder.expanding(baselines)).files }

  /// The settings for the methods of an explainer.
  ///
  /// Throws what reading and preparing the baseline's pictures throws.
  func settings(for explainer: Explainer) throws -> MethodSettings {
    var settings = MethodSettings()
    (settings.steps, settings.maskCount, settings.window, settings.stride) = (steps, masks, window, stride)
    settings.baseline = try BaselineChoice(ImageFolder.expanding(baselines)).baseline(for: explainer)
    return settings
  }

  /// The same explainer with the settings.
  ///
  /// Throws as `settings(for:)` does.
  func applied(to explainer: Explainer) throws -> Explainer {
    var explainer = explainer
    explainer.settings = try settings(for: explainer)
    return explainer
  }
}

/// The settings of methods.
struct MethodOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many concepts dff looks for.", valueName: "K")) var concepts = 5
  @OptionGroup var attributions: AttributionOptions
  @Flag(help: "Keep what speaks against the class, in blue, beside what speaks for it, in red.") var signed = false

  mutating func validate() throws {
    try checkNumber(concepts, "concepts", upTo: MethodSettings.largestConceptCount)
  }

  /// The files that are read.
  ///
  /// Throws what listing a folder throws.
  func paths() throws -> [String] { try attributions.paths() }

  /// The settings for the methods of an explainer.
  ///
  /// Throws what reading and preparing the baseline's pictures throws.
  func settings(for explainer: Explainer) throws -> MethodSettings {
    var settings = try attributions.settings(for: explainer)
    (settings.conceptCount, settings.isSigned) = (concepts, signed)
    return settings
  }
}

private func checkNumber(_ number: Int, _ option: String, upTo limit: Int) throws {
  if !(1...limit).contains(number) { throw ValidationError("--\(option) must be 1 to \(limit).") }
}
