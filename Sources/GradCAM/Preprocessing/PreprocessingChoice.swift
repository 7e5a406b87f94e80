/// Some of the choices about preprocessing; what is nil is left to others.
public struct PreprocessingChoice: Sendable, Equatable {
  /// A usual preprocessing, by name.
  public var preset: Preprocessing.Preset?
  /// The size of the network's input, if the file leaves it open.
  public var size: PixelSize?
  /// How the picture is resized.
  public var resize: Preprocessing.Resize?
  /// The size cut out of the middle of the resized picture.
  public var crop: PixelSize?
  /// The mean of each of three channels.
  public var mean: [Float]?
  /// The standard deviation of each of three channels.
  public var std: [Float]?
  /// The value of full brightness.
  public var range: Float?
  /// The order of the colours.
  public var channels: Preprocessing.Channels?
  /// The filter that resizes the picture.
  public var interpolation: Interpolation?
  /// Whether half of an odd margin around the crop is rounded down.
  var roundsCropDown: Bool?

  /// A choice that leaves everything open.
  public init() {}

  /// All choices that a description makes.
  init(_ preprocessing: Preprocessing) {
    (mean, std, range) = (preprocessing.mean, preprocessing.std, preprocessing.range)
    (channels, interpolation) = (preprocessing.channels, preprocessing.interpolation)
    (resize, crop, roundsCropDown) = (preprocessing.resize, preprocessing.crop, preprocessing.roundsCropDown)
  }

  /// This choice, with another's where it leaves something open.
  ///
  /// How pictures are resized and cropped is one thing.
  func completed(by other: PreprocessingChoice) -> PreprocessingChoice {
    var result = self
    result.size = size ?? other.size
    result.completeValues(by: other)
    if resize == nil { (result.resize, result.crop) = (other.resize, crop ?? other.crop) }
    result.interpolation = interpolation ?? (resize?.letterbox == nil ? other.interpolation : .opencv)
    result.roundsCropDown = roundsCropDown ?? other.roundsCropDown
    return result
  }

  /// Takes over what another choice says about the numbers of pixels, where this one leaves it open.
  mutating func completeValues(by other: PreprocessingChoice) {
    (mean, std, range) = (mean ?? other.mean, std ?? other.std, range ?? other.range)
    channels = channels ?? other.channels
  }
}
