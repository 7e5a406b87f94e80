import Graph

/// Numbers of the standard normal distribution in a fixed sequence: the Box–Muller transform of SplitMix64's, each
/// taken as (⌊n ⁄ 2¹¹⌋ + 1) ⁄ 2⁵³, the cosine before the sine.
struct NormalNoise {
  private var generator: SplitMix64
  private var second: Float?

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func next() -> Float {
    if let second {
      self.second = nil
      return second
    }
    func uniform() -> Double { Double((generator.next() >> 11) + 1) * 0x1p-53 }
    let radius = (-2 * log(uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
    second = Float(radius * sin(angle))
    return Float(radius * cos(angle))
  }
}
