/// The library or script to follow, as libraries differ in formulas and in how they postprocess maps.
///
/// Colours and blending are always the program's own.
public enum Compatibility: String, Sendable, CaseIterable {
  /// pytorch-grad-cam 1.5: normalised, resized, normalised again.
  case pytorchGradCAM = "pytorch-grad-cam"
  /// TorchCAM 0.5: normalised, then resized by Pillow's bicubic filter.
  case torchcam
  /// Captum 0.9: not rectified, resized to the network's input by nearest neighbour, and shown by magnitude; the
  /// largest values, which together make up 2% of the sum, are clipped.
  case captum
  /// The original VGG19 recipe: resized, then rescaled once; the picture is squashed to the input and drawn like that.
  case recipe

  /// Whether negative values of maps are set to 0.
  var rectifies: Bool { self != .captum }

  /// The map as it is drawn, in 0 … 1, over a picture.
  ///
  /// - Parameters:
  ///   - map: the method's result at the feature map's size, before rectification.
  ///   - isRectified: whether negative values are set to 0, if the library does so.
  public func drawnMap(_ map: HeatMap, isRectified: Bool = true, geometry: PreprocessingGeometry) -> HeatMap {
    let map = isRectified && rectifies ? map.rectified() : map
    return switch self {
    case .pytorchGradCAM: geometry.project(map.rescaled()).rescaled()
    case .torchcam: geometry.project(map.rescaled(epsilon: 1e-8), by: .bicubic).mapped { min(max($0, 0), 1) }
    case .captum: geometry.project(map, by: .nearest).magnitudes(withoutShare: 0.02)
    case .recipe where map.region != .whole: geometry.project(map).rescaled(epsilon: 0)
    case .recipe:
      map.resized(to: geometry.crop.size).rescaled(epsilon: 0)
    }
  }

  /// - Parameter interpolation: what is asked for; the recipe has its own.
  func resizeFilter(_ interpolation: Interpolation) -> Picture.ResizeFilter {
    self == .recipe || interpolation == .opencv ? .openCVBilinear : .pillow(interpolation)
  }
}

extension HeatMap {
  /// The magnitudes divided by the largest that is left without a share of their total, clipped to 1; all 0 if that is 0.
  fileprivate func magnitudes(withoutShare share: Double) -> HeatMap {
    let largest = mapped { abs($0) }.largest(withoutShare: share)
    return mapped { largest > 0 ? min(abs($0) / largest, 1) : 0 }
  }

  /// A map as it is drawn, in 0 … 1, divided by the largest value that is left without a share of their total.
  ///
  /// Larger ones are clipped. Of a map with a sign, the distances from ½ are divided.
  func clipped(withoutShare share: Double) -> HeatMap {
    guard isSigned else {
      let largest = self.largest(withoutShare: share)
      return largest > 0 ? mapped { min($0 / largest, 1) } : self
    }
    let largest = mapped { abs($0 - 0.5) }.largest(withoutShare: share)
    return largest > 0 ? mapped { 0.5 + max(-0.5, min(($0 - 0.5) / (2 * largest), 0.5)) } : self
  }

  /// The value, none of which is below 0, at which their running sum in ascending order reaches all but a share of the
  /// total; 0 if there is none.
  private func largest(withoutShare share: Double) -> Float {
    let sizes = values.filter { $0.isFinite }.sorted()
    let total = sizes.reduce(0) { $0 + Double($1) }
    var sum = 0.0
    return sizes.first {
      sum += Double($0)
      return sum >= total * (1 - share)
    } ?? 0
  }
}
