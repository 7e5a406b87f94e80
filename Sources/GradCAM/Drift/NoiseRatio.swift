import Graph

/// How large numbers are compared with an error in them, over any number of tensors.
public struct NoiseRatio: Sendable, Equatable {
  private var signal = 0.0
  private var noise = 0.0

  /// Where there is no error, or nothing else: ratios are not said to be beyond this, in decibels.
  public static let limit = 200.0

  init() {}

  /// Adds the numbers of a tensor, and those that should be the same.
  mutating func add(_ values: UnsafeBufferPointer<Float>, _ others: some RandomAccessCollection<Float>) {
    precondition(values.count == others.count)
    var signal = 0.0, noise = 0.0
    for (value, other) in zip(values, others) {
      let value = Double(value), difference = Double(other) - value
      signal += value * value
      noise += difference * difference
    }
    self.signal += signal
    self.noise += noise
  }

  /// The same for numbers whose axes lie in another order.
  mutating func add(_ values: UnsafeBufferPointer<Float>, _ others: UnsafeBufferPointer<Float>, in order: AxisOrder) {
    if order.isDifferent { add(values, order.restored(others)) } else { add(values, others) }
  }

  /// The power of the numbers over that of the error, in decibels, within ±`limit`; what is not finite is an error
  /// without limit.
  public var decibels: Double {
    guard noise.isFinite, signal.isFinite else { return -Self.limit }
    guard noise > 0 else { return Self.limit }
    return max(-Self.limit, min(Self.limit, 10 * log10(signal / noise)))
  }
}
