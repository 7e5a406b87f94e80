import Graph

/// How the maps of several nodes become one.
///
/// Each is rectified and rescaled to 0 … 1 first.
public enum Fusion: String, Sendable, CaseIterable {
  /// The mean at the picture's size, rescaled: as in pytorch-grad-cam for several target layers.
  case mean
  /// The largest value at the size of the largest map: TorchCAM's `fuse_cams`.
  case max
  /// The product at the picture's size, rescaled: pytorch-grad-cam's RefineCAM; with `Compatibility.torchcam` at the
  /// size of the largest map.
  case product
  /// The largest value of tanh(2 × map) at the size of the largest map: as in TorchCAM's LayerCAM.
  case tanhMax = "tanh-max"

  /// The fused map as it is drawn, in 0 … 1, over a picture.
  ///
  /// - Parameter maps: results of a method at different nodes, at their own sizes, before rectification.
  public func drawnMap(_ maps: [HeatMap], following source: Compatibility, geometry: PreprocessingGeometry) -> HeatMap {
    switch self {
    case .mean: fuse(maps) { geometry.project($0) }
    case .product where source != .torchcam: fuse(maps) { geometry.project($0).rescaled() }
    case .max, .product, .tanhMax: source.drawnMap(fuseAtLargest(maps), geometry: geometry)
    }
  }

  /// The fused map at the size of the largest, as in TorchCAM.
  func fuseAtLargest(_ maps: [HeatMap]) -> HeatMap {
    let size = PixelSize.largest(of: maps.map(\.size))
    return fuse(maps, epsilon: 1e-8) { $0.resized(to: size) }
  }

  /// - Parameters:
  ///   - epsilon: what is added to the largest value before dividing by it.
  ///   - resize: brings rescaled maps to one size.
  private func fuse(_ maps: [HeatMap], epsilon: Float = 1e-7, _ resize: (HeatMap) -> HeatMap) -> HeatMap {
    let rescaled = maps.map { $0.rectified().rescaled(epsilon: epsilon) }
    switch self {
    case .mean: return HeatMap.mean(of: rescaled.map(resize)).rescaled()
    case .product: return HeatMap.combined(rescaled.map(resize), *).rescaled(epsilon: epsilon)
    case .max: return HeatMap.combined(rescaled.map(resize), Swift.max)
    case .tanhMax: return HeatMap.combined(rescaled.map { resize($0.mapped { tanh(2 * $0) }) }, Swift.max)
    }
  }
}

extension HeatMap {
  /// Maps of one size, combined place by place.
  fileprivate static func combined(_ maps: [HeatMap], _ operation: (Float, Float) -> Float) -> HeatMap {
    maps.dropFirst().reduce(maps[0]) { first, second in
      var map = HeatMap(first.size, values: zip(first.values, second.values).map(operation))
      (map.seen, map.isSigned) = (first.seen, first.isSigned)
      return map
    }
  }

  /// The mean of maps of one size.
  static func mean(of maps: [HeatMap]) -> HeatMap {
    maps.count == 1 ? maps[0] : combined(maps, +).mapped { $0 / Float(maps.count) }
  }
}
