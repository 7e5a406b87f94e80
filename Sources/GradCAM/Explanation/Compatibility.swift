/// The library or script that is followed where libraries differ: in formulas, and in what is made of a map.
///
/// Colours and blending are the program's own throughout.
public enum Compatibility: String, Sendable, CaseIterable {
  /// pytorch-grad-cam 1.5: normalised, resized, normalised again.
  case pytorchGradCAM = "pytorch-grad-cam"
  /// TorchCAM 0.5: normalised, then resized by Pillow's bicubic filter.
  case torchcam
  /// Captum 0.9: not rectified, repeated to the network's input, and shown by size, whatever the sign, the largest values
  /// that together make 2% being cut off.
  case captum
  /// The original VGG19 recipe: resized, then rescaled once; the picture squashed to the input and drawn so.
  case recipe

  /// Whether the values of maps below 0 are left out.
  var rectifies: Bool { self != .captum }

  /// The map as it is drawn, in 0 … 1, over a picture.
  ///
  /// - Parameters:
  ///   - map: the method's result at the feature map's size, before rectification.
  ///   - isRectified: whether values below 0 are left out, where the library does so.
  public func drawnMap(
    _ map: HeatMap, isRectified: Bool = true, geometry: PreprocessingGeometry
  ) -> HeatMap {
    let map = isRectified && rectifies ? map.rectified() : map
    return switch self {
    case .pytorchGradCAM: geometry.project(map.rescaled()).rescaled()
    case .torchcam: geometry.project(map.rescaled(epsilon: 1e-8), by: .bicubic).clamped()
    case .captum: geometry.project(map, by: .nearest).magnitudes(withoutShare: 0.02)
    case .recipe:
      map.resized(width: geometry.crop.size.width, height: geometry.crop.size.height).rescaled(epsilon: 0)
    }
  }

  /// The filter that pictures are resized with.
  var resizeFilter: Picture.ResizeFilter { self == .recipe ? .openCVBilinear : .pillowBilinear }
}

extension HeatMap {
  /// The values held in 0 … 1.
  fileprivate func clamped() -> HeatMap { mapped { min(max($0, 0), 1) } }

  /// The values' sizes as parts of the largest, which is 1 with all above it, once the largest of all are put aside
  /// that together are more than a share of the sum; all 0 where nothing else is left.
  fileprivate func magnitudes(withoutShare share: Double) -> HeatMap {
    let sizes = mapped { abs($0) }.values.filter { $0.isFinite }.sorted()
    let total = sizes.reduce(0) { $0 + Double($1) }
    var sum = 0.0
    let largest = sizes.first {
      sum += Double($0)
      return sum >= total * (1 - share)
    }
    guard let largest, largest > 0 else { return mapped { _ in 0 } }
    return mapped { min(abs($0) / largest, 1) }
  }
}
