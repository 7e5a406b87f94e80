import ArgumentParser
import GradCAM

/// What is drawn of an input that is no picture.
struct ViewOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The channels drawn, from 1: three as red, green and blue, one as grey; of a signal, any.", valueName: "3,2,1"))
  var show: ChannelList?
  @Option(
    help: ArgumentHelp(
      "The samples per second of a signal, to label seconds; default: its file's, if it says so.", valueName: "HZ"))
  var rate: Double?

  var view: InputView { InputView(channels: show?.channels ?? [], rate: rate) }

  mutating func validate() throws {
    if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be above 0.") }
  }
}

/// Numbers of channels from 1.
struct ChannelList: ExpressibleByArgument {
  let channels: [Int]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    channels = numbers.compactMap { $0 }.filter { (1...1 << 20).contains($0) }
    guard channels.count == numbers.count, channels.count <= 64 else { return nil }
  }
}

/// How heat is drawn.
struct DrawingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Colours of the heat.", valueName: "NAME")) var colormap = Colormap.jet
  @Option(help: ArgumentHelp("Weight of the picture against the heat, 0 to 1.", valueName: "W")) var blend: Float = 0.5

  mutating func validate() throws { if !(0...1).contains(blend) { throw ValidationError("--blend must be 0 to 1.") } }
}
