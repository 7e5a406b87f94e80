/// A map of how much each place matters: rows from top to bottom, in arbitrary units until it is rescaled.
public struct HeatMap: Sendable, Equatable {
  /// The width in positions, at least 1.
  public let width: Int
  /// The height in positions, at least 1.
  public let height: Int
  /// `width * height` values.
  public let values: [Float]

  /// A map of given values.
  ///
  /// - Precondition: `width` and `height` are positive and `values` holds `width * height` numbers.
  public init(width: Int, height: Int, values: [Float]) {
    precondition(width > 0 && height > 0 && values.count == width * height)
    self.width = width
    self.height = height
    self.values = values
  }

  /// The map with negative values, and values that are no number, set to 0.
  public func rectified() -> HeatMap { mapped { $0 > 0 ? $0 : 0 } }

  /// The map brought to 0…1: its minimum subtracted, then divided by its maximum plus epsilon; 0 where all is equal.
  public func rescaled(epsilon: Float = 1e-7) -> HeatMap {
    var (minimum, maximum) = (Float.infinity, -Float.infinity)
    for value in values {
      minimum = value < minimum ? value : minimum
      maximum = value > maximum ? value : maximum
    }
    let (offset, range) = (minimum, max(epsilon + (maximum - minimum), .leastNormalMagnitude))
    return mapped { ($0 - offset) / range }
  }

  /// The rectified map, rescaled: what is made of a method's result before it is drawn.
  public func normalized() -> HeatMap { rectified().rescaled() }

  /// The place of the largest value, the first in reading order of several; nil where no value is a number.
  public var argmax: (x: Int, y: Int)? {
    var best: Int?
    for (index, value) in values.enumerated() where !value.isNaN {
      if best.map({ value > values[$0] }) ?? true { best = index }
    }
    return best.map { ($0 % width, $0 / width) }
  }

  private func mapped(_ transform: (Float) -> Float) -> HeatMap {
    HeatMap(width: width, height: height, values: values.map(transform))
  }
}
