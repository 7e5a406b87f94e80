import Testing

/// How far numbers are from the true ones.
public struct Deviation: CustomStringConvertible {
  /// The largest difference; infinite if the counts differ or a number is NaN or infinite.
  public let absolute: Double
  /// The largest difference as a share of the largest true value.
  public let relative: Double
  /// The cosine of the angle between the two.
  public let cosine: Double

  /// Compares numbers with the true ones, one by one.
  public init(_ found: [Float], from truth: [Float]) {
    guard found.count == truth.count, found.allSatisfy(\.isFinite) else {
      (absolute, relative, cosine) = (.infinity, .infinity, 0)
      return
    }
    let a = found.map(Double.init), b = truth.map(Double.init)
    func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    absolute = zip(a, b).map { abs($0 - $1) }.max() ?? 0
    relative = absolute / (b.map(abs).max() ?? 0)
    cosine = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  /// All three numbers.
  public var description: String { "off by \(absolute), relative \(relative), cosine \(cosine)" }
}

/// Expects that numbers are the true ones, give or take a tolerance.
///
/// - Parameter isRelative: whether the tolerance is a share of the largest true value.
public func expectClose(
  _ found: [Float], _ truth: [Float], within tolerance: Double = 1e-5, isRelative: Bool = false, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let deviation = Deviation(found, from: truth)
  let error = isRelative ? deviation.relative : deviation.absolute
  #expect(error <= tolerance, "\(what): \(deviation)", sourceLocation: sourceLocation)
}
