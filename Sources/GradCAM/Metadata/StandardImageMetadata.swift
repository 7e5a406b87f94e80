/// What ONNX's standard metadata of image inputs says: `Image.BitmapPixelFormat` and `Image.NominalPixelRange`, as Windows
/// and Custom Vision write them.
///
/// Source: docs/MetadataProps.md of ONNX.
enum StandardImageMetadata {
  /// The order of colours and the range of pixels, as far as they are said.
  static func preprocessing(_ metadata: [String: String]) -> PreprocessingChoice {
    var choice = PreprocessingChoice()
    switch metadata["Image.BitmapPixelFormat"]?.lowercased() {
    case "rgb8", "rgba8": choice.channels = .rgb
    case "bgr8", "bgra8": choice.channels = .bgr
    default: break
    }
    switch metadata["Image.NominalPixelRange"]?.lowercased() {
    case "nominalrange_0_255": (choice.range, choice.mean, choice.std) = (255, [0, 0, 0], [1, 1, 1])
    case "normalized_0_1": (choice.range, choice.mean, choice.std) = (1, [0, 0, 0], [1, 1, 1])
    case "normalized_1_1": (choice.range, choice.mean, choice.std) = (1, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    default: break
    }
    return choice
  }
}
