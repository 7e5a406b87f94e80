/// The library or script whose drawing is followed where libraries differ.
public enum Compatibility: String, Sendable, CaseIterable {
  /// pytorch-grad-cam 1.5: normalised, resized, normalised again.
  case pytorchGradCAM = "pytorch-grad-cam"
  /// The original VGG19 recipe: resized, then rescaled once; the picture squashed to the input and drawn so.
  case recipe

  /// The map as it is drawn, in 0 … 1, over a picture.
  ///
  /// - Parameter map: the method's result at the feature map's size, before rectification.
  public func drawnMap(_ map: HeatMap, geometry: PreprocessingGeometry) -> HeatMap {
    switch self {
    case .pytorchGradCAM: geometry.project(map.normalized()).rescaled()
    case .recipe:
      map.rectified().resized(width: geometry.crop.size.width, height: geometry.crop.size.height)
        .rescaled(epsilon: 0)
    }
  }

  /// The filter that pictures are resized with.
  var resizeFilter: Picture.ResizeFilter { self == .recipe ? .openCVBilinear : .pillowBilinear }
}
