import Graph

/// A mean with its bootstrap interval, of any number of values in bounded memory.
///
/// In each of 1,000 resamples, the number of times a value counts is drawn from the Poisson distribution of mean 1, the
/// limit of drawing with replacement for many values (Chamandy et al., Estimating Uncertainty for Massive Data Streams,
/// 2012). The draws depend on the sample's name alone: neither order nor interruption changes the interval, and values
/// of one sample by several methods are drawn together.
public struct BootstrapMean: Sendable {
  private var sum = 0.0
  private var sums = [Double](repeating: 0, count: Draws.count)
  private var weights = [Double](repeating: 0, count: Draws.count)
  /// The number of values.
  public private(set) var count = 0

  /// How often a sample counts in each resample.
  public struct Draws: Sendable {
    fileprivate static let count = 1000
    fileprivate let weights: [Double]

    /// The draws for a sample.
    public init(_ name: String) {
      // FNV-1a, so that each name has a sequence of its own.
      var generator = SplitMix64(seed: name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
      weights = (0..<Self.count).map { _ in
        // Knuth's product of uniform numbers.
        let limit = exp(-1.0)
        var product = 1.0, draws = -1.0
        repeat {
          product *= Double(generator.next() >> 11) * 0x1p-53
          draws += 1
        } while product > limit
        return draws
      }
    }
  }

  /// An empty mean.
  public init() {}

  /// Adds a value of a sample.
  public mutating func add(_ value: Double, _ draws: Draws) {
    count += 1
    sum += value
    for index in sums.indices {
      sums[index] += draws.weights[index] * value
      weights[index] += draws.weights[index]
    }
  }

  /// The mean; nil if empty.
  public var mean: Double? { count > 0 ? sum / Double(count) : nil }

  /// The middle 95% of the resamples' means; nil if empty.
  public var interval: ClosedRange<Double>? {
    guard count > 0 else { return nil }
    let means = zip(sums, weights).filter { $1 > 0 }.map { $0 / $1 }.sorted()
    func percentile(_ share: Double) -> Double { means[Int((share * Double(means.count - 1)).rounded())] }
    return percentile(0.025)...percentile(0.975)
  }
}
