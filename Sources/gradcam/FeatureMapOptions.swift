import ArgumentParser
import GradCAM

/// How the dimensions of a target layer are read if the graph does not determine them.
struct FeatureMapOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Rows and columns of a transformer's token grid, such as 14x14.", valueName: "HxW"))
  var grid: FeatureMapHint.Grid?

  @Option(
    help: ArgumentHelp(
      "Where the channels of the target layer are: channels=first or channels=last.", valueName: "AXIS"))
  var axis: ChannelAxis?

  var hint: FeatureMapHint { FeatureMapHint(grid: grid, channels: axis?.channels) }
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
