import ArgumentParser
import GradCAM

/// How the dimensions of a target layer are read if the graph does not determine them.
struct FeatureMapOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Rows and columns of a transformer's token grid, such as 14x14.", valueName: "HxW"))
  var grid: FeatureMapHint.Grid?

  @Option(
    help: ArgumentHelp(
      "Where the channels of the target layer are: channels=first or channels=last.", valueName: "AXIS"),
    completion: .axis)
  var axis: ChannelAxis?

  @OptionGroup var item: ItemOptions

  var hint: FeatureMapHint { FeatureMapHint(grid: grid, channels: axis?.channels, item: item.item) }
}

/// Which of several images or parts of a tensor is shown.
struct ItemOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The image of a batch, else the entry of the target layer's first dimension (a frame, window or tile) to show: 0 "
        + "for the first.", valueName: "K"))
  var item: Int?

  func validate() throws {
    if let item, item < 0 { throw ValidationError("--item must be at least 0.") }
  }
}

/// `channels=first` or `channels=last`.
struct ChannelAxis: ExpressibleByArgument {
  let channels: FeatureMapHint.Axis

  init?(argument: String) {
    guard argument.hasPrefix("channels="), let axis = FeatureMapHint.Axis(rawValue: String(argument.dropFirst(9)))
    else { return nil }
    channels = axis
  }
}

extension FeatureMapHint.Grid: ExpressibleByArgument {
  /// Reads `HxW`.
  public init?(argument: String) { self.init(argument) }
}
