import Graph

/// NumPy's `RandomState`: the Mersenne Twister MT19937, and its numbers of the standard normal distribution by the
/// polar method.
///
/// Matsumoto and Nishimura, Mersenne Twister: A 623-dimensionally equidistributed uniform pseudo-random number
/// generator, 1998.
struct MersenneTwister {
  private var state: [UInt32]
  private var position = 624
  private var second: Double?

  init(seed: UInt32) {
    state = [seed]
    for index in 1..<624 {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
    }
  }

  private mutating func next() -> UInt32 {
    if position == 624 {
      for index in 0..<624 {
        let bits = state[index] & 0x8000_0000 | state[(index + 1) % 624] & 0x7FFF_FFFF
        state[index] = state[(index + 397) % 624] ^ bits >> 1 ^ (bits & 1 == 0 ? 0 : 0x9908_B0DF)
      }
      position = 0
    }
    var bits = state[position]
    position += 1
    bits ^= bits >> 11
    bits ^= bits << 7 & 0x9D2C_5680
    bits ^= bits << 15 & 0xEFC6_0000
    return bits ^ bits >> 18
  }

  /// In 0 ..< 1, of 53 bits.
  private mutating func uniform() -> Double {
    let high = Double(next() >> 5), low = Double(next() >> 6)
    return (high * 0x1p26 + low) * 0x1p-53
  }

  /// The next number of the standard normal distribution.
  mutating func normal() -> Double {
    if let second {
      self.second = nil
      return second
    }
    var x = 0.0, y = 0.0, square = 0.0
    repeat {
      x = 2 * uniform() - 1
      y = 2 * uniform() - 1
      square = x * x + y * y
    } while square >= 1 || square == 0
    let factor = (-2 * log(square) / square).squareRoot()
    second = factor * x
    return factor * y
  }
}
