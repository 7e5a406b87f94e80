import ArgumentParser
import GradCAM

/// How the dimensions of a target layer are read where the graph does not tell.
struct FeatureMapOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Rows and columns that a transformer's tokens stand for, as 14x14.", valueName: "HxW"))
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
    else {
      return nil
    }
    channels = axis
  }
}

extension FeatureMapHint.Grid: ExpressibleByArgument {
  /// Reads `HxW`.
  public init?(argument: String) { self.init(argument) }
}
