/// The two colours of a map with a sign, laid over the picture the more, the farther the map is from ½.
struct SignedColors {
  /// What speaks for the target, and what speaks against it: red, green and blue.
  private static let forTarget = [202, 74, 22].map(Float.init), againstTarget = [22, 98, 190].map(Float.init)

  /// The share of a colour at 0 and at 1.
  private let strength: Float
  /// The grey that is coloured; nil for the picture.
  private let ground: Float?

  /// - Parameter blend: the weight of the picture against the colours, 0…1, in overlays.
  init(_ style: DrawingStyle, blend: Float) {
    let blend = blend > 0 ? min(blend, 1) : 0
    strength = style == .heat || style == .mask ? 1 : 1 - blend * blend
    ground = style == .heat ? 244 : nil
  }

  /// The picture, coloured by a map of its size.
  func paint(_ map: HeatMap, on picture: Picture) -> Picture {
    let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { target, initializedCount in
      for (index, value) in map.values.enumerated() {
        let share = value.isNaN ? 0 : strength * min(1, abs(2 * value - 1))
        let color = value > 0.5 ? Self.forTarget : Self.againstTarget
        for channel in 0..<3 {
          let below = ground ?? Float(picture.pixels[3 * index + channel])
          target[3 * index + channel] = truncatedByte(below + (color[channel] - below) * share + 0.5)
        }
      }
      initializedCount = picture.pixels.count
    }
    return Picture(width: picture.width, height: picture.height, pixels: pixels)
  }
}
