import ArgumentParser
import GradCAM

/// How large pictures may be.
struct PictureLimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read and draw pictures of up to N pixels. By default up to 268435456, but a file of more than 67108864 must have a "
        + "byte for 128 of them.", valueName: "N"))
  var maxPixels: Int?

  mutating func validate() throws {
    guard let maxPixels else { return }
    guard (1...1 << 40).contains(maxPixels) else {
      throw ValidationError("--max-pixels must be 1 to 1099511627776.")
    }
    Picture.allow(pixelCount: maxPixels)
  }
}
