import ArgumentParser
import GradCAM

/// How heat is drawn.
struct DrawingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Colours of the heat.", valueName: "NAME")) var colormap = Colormap.jet
  @Option(help: ArgumentHelp("Weight of the picture against the heat, 0 to 1.", valueName: "W")) var blend: Float = 0.5

  mutating func validate() throws { if !(0...1).contains(blend) { throw ValidationError("--blend must be 0 to 1.") } }
}
