import ArgumentParser
import GradCAM
import Graph

/// The settings of methods.
struct MethodOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many concepts dff looks for.", valueName: "K")) var concepts = 5
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
  @Flag(help: "Keep what speaks against the class, in blue, beside what speaks for it, in red.") var signed = false

  mutating func validate() throws {
    func check(_ number: Int, _ option: String, upTo limit: Int) throws {
      if !(1...limit).contains(number) { throw ValidationError("--\(option) must be 1 to \(limit).") }
    }
    try check(concepts, "concepts", upTo: MethodSettings.largestConceptCount)
    try check(steps, "steps", upTo: MethodSettings.largestStepCount)
    try check(masks, "masks", upTo: MethodSettings.largestMaskCount)
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
    (settings.conceptCount, settings.steps, settings.maskCount) = (concepts, steps, masks)
    (settings.window, settings.stride, settings.isSigned) = (window, stride, signed)
    settings.baseline = try BaselineChoice(ImageFolder.expanding(baselines)).baseline(for: explainer)
    return settings
  }
}
