/// Channels weighted at random, uniformly in −1 … 1, always the same: the baseline for every method.
struct RandomWeighting: TapWeightingMethod {
  var summary: String { "channels weighted by chance: the baseline" }
  func weights(of tap: Tap) -> [Float] {
    // A linear congruential generator (Knuth's MMIX constants), its high bits used.
    var state: UInt64 = 0x2545_F491_4F6C_DD1D
    return (0..<tap.channels).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }
}
