/// The two colours of a map with a sign, laid over the picture the more, the farther the map is from ½.
struct SignedColors: Paint {
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

  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for index in 0..<count {
      let value = values[index], share = value.isNaN ? 0 : strength * min(1, abs(2 * value - 1))
      let color = value > 0.5 ? Self.forTarget : Self.againstTarget
      for channel in 0..<3 {
        let below = ground ?? Float(pixels[3 * index + channel])
        pixels[3 * index + channel] = truncatedByte(below + (color[channel] - below) * share + 0.5)
      }
    }
  }
}
