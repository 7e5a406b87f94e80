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
  /// The number of samples that have values; one whose values do not follow each other counts several times.
  public private(set) var sampleCount = 0
  private var lastSample: String?

  /// How often a sample counts in each resample.
  public struct Draws: Sendable {
    fileprivate static let count = 1000
    fileprivate let name: String
    fileprivate let weights: [Double]

    /// The draws for a sample.
    public init(_ name: String) {
      self.name = name
      var generator = SplitMix64(named: name)
      weights = (0..<Self.count).map { _ in
        // Knuth's product of uniform numbers.
        let limit = exp(-1.0)
        var product = 1.0, draws = -1.0
        repeat {
          product *= generator.nextUniform()
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
    if draws.name != lastSample { sampleCount += 1 }
    lastSample = draws.name
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
    return Self.middle(resampled.filter { !$0.isNaN }.sorted())
  }

  /// The mean of each resample; NaN for one without values.
  var resampled: [Double] { zip(sums, weights).map { $0 / $1 } }

  /// The middle 95% of sorted numbers, of which there is at least one.
  static func middle<Number: Comparable>(_ sorted: [Number]) -> ClosedRange<Number> {
    func percentile(_ share: Double) -> Number { sorted[Int((share * Double(sorted.count - 1)).rounded())] }
    return percentile(0.025)...percentile(0.975)
  }
}
