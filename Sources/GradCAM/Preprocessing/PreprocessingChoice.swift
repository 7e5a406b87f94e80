/// The user's choices for preprocessing; what is nil is left to the model's file.
public struct PreprocessingChoice: Sendable {
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
  /// The value of full brightness: 1 or 255.
  public var range: Float?
  /// The order of the colours.
  public var channels: Preprocessing.Channels?

  /// A choice that leaves everything to the model's file.
  public init() {}

  /// The preprocessing asked for; nil if everything is left to the model's file.
  public func preprocessing(for model: Model) -> Preprocessing? {
    let given = [preset != nil, resize != nil, crop != nil, mean != nil, std != nil, range != nil, channels != nil]
    guard given.contains(true) || size != nil else { return nil }
    let declared = model.metadata.preprocessing
    if !given.contains(true), declared == nil { return nil }
    var geometry = declared ?? Preprocessing()
    if let crop { geometry.crop = crop }
    if case .exact? = resize { (geometry.resize, geometry.crop) = (resize, crop) }
    let input = size ?? geometry.inputSize(for: model.imageShape)
    var result = preset.map { Preprocessing($0, size: input) } ?? declared ?? Preprocessing(.imagenet, size: input)
    if size != nil, preset == nil, declared != nil { (result.resize, result.crop) = (.exact(input), input) }
    if let resize { result.resize = resize }
    if let crop { result.crop = crop } else if resize != nil { result.crop = input }
    if let mean { result.mean = mean }
    if let std { result.std = std }
    if let range { result.range = range }
    if let channels { result.channels = channels }
    return result
  }
}
