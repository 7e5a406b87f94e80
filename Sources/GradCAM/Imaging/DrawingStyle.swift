import Graph

/// How a map is drawn.
public enum DrawingStyle: String, CaseIterable, Sendable {
  /// The coloured map blended with the picture.
  case overlay
  /// The coloured map alone.
  case heat
  /// The picture, and the overlay to its right.
  case sideBySide = "side-by-side"
  /// The picture darkened to black where the map is 0.
  case mask

  /// Draws a map of values in 0…1 at the size of the picture, twice as wide for `sideBySide`.
  ///
  /// A map of another size is resized first; values outside 0…1 are clamped, and NaN counts as 0. What the network does
  /// not see stays as it is in the picture, or grey in `heat`, outside of a frame.
  /// A map with a sign has the two colours of `SignedColors` in place of the scale's.
  /// `blend` is the weight of the picture against the heat, 0…1, in `overlay` and `sideBySide`. Boxes are drawn over
  /// the map. The threads of a pool share the work.
  public func draw(
    _ map: HeatMap, on picture: Picture, colormap: Colormap = .jet, blend: Float = 0.5, boxes: DrawnBoxes? = nil,
    pool: ThreadPool = .single
  ) -> Picture {
    if self == .sideBySide {
      return picture.beside(
        Self.overlay.draw(map, on: picture, colormap: colormap, blend: blend, boxes: boxes, pool: pool))
    }
    let drawn = draw(map, on: picture, colormap, blend, pool)
    return boxes?.drawn(over: drawn) ?? drawn
  }

  private func draw(_ map: HeatMap, on picture: Picture, _ colormap: Colormap, _ blend: Float, _ pool: ThreadPool)
    -> Picture
  {
    let map = map.resized(width: picture.width, height: picture.height)
    let part = map.seen ?? PixelRectangle(whole: map.size)
    var canvas = self == .heat && map.seen != nil ? Canvas(grey: 128, map.size) : Canvas(picture)
    canvas.paint(part, by: map, with: paint(for: map, over: picture, in: part, colormap, blend, pool), on: pool)
    if let seen = map.seen { canvas.frame(seen) }
    return canvas.picture
  }

  private func paint(
    for map: HeatMap, over picture: Picture, in part: PixelRectangle, _ colormap: Colormap, _ blend: Float,
    _ pool: ThreadPool
  ) -> any Paint {
    if map.isSigned { return SignedColors(self, blend: blend) }
    return switch self {
    case .overlay, .sideBySide: OverlayPaint(map, over: picture, in: part, colormap, blend: blend, on: pool)
    case .heat: HeatPaint(colormap)
    case .mask: MaskPaint()
    }
  }
}

extension Picture {
  /// This picture and another to its right, scaled to the same height.
  ///
  /// - Throws: what resizing throws.
  public func besideAtSameHeight(_ right: Picture) throws -> Picture {
    let width = max(1, right.width * height / right.height)
    return beside(try right.resized(width: width, height: height))
  }

  fileprivate func beside(_ right: Picture) -> Picture {
    var both: [UInt8] = []
    both.reserveCapacity(pixels.count + right.pixels.count)
    for row in 0..<height {
      both += pixels[3 * row * width..<3 * (row + 1) * width]
      both += right.pixels[3 * row * right.width..<3 * (row + 1) * right.width]
    }
    return Picture(width: width + right.width, height: height, pixels: both)
  }
}
