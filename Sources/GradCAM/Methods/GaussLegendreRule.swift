import Graph

/// The Gauss–Legendre rule over 0 … 1, exact for polynomials of degree 2 · count − 1.
struct GaussLegendreRule {
  /// Where the function is evaluated, in ascending order.
  let nodes: [Double]
  /// The weights of its values; their sum is 1.
  let weights: [Double]

  /// - Parameter count: the number of nodes, at least 1.
  init(count: Int) {
    let roots = (0..<count).map { index -> (node: Double, weight: Double) in
      // Newton's method, from an approximation that is nearest to the root wanted.
      var root = -cos(Double.pi * (Double(index) + 0.75) / (Double(count) + 0.5)), slope = 0.0
      for _ in 0..<100 {
        var (value, before) = (1.0, 0.0)
        for degree in 0..<count {
          (value, before) = (
            (Double(2 * degree + 1) * root * value - Double(degree) * before) / Double(degree + 1), value
          )
        }
        slope = Double(count) * (root * value - before) / (root * root - 1)
        let step = value / slope
        root -= step
        if abs(step) < 1e-15 { break }
      }
      return ((root + 1) / 2, 1 / ((1 - root * root) * slope * slope))
    }
    (nodes, weights) = (roots.map(\.node), roots.map(\.weight))
  }
}
