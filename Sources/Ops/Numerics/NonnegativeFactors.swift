import COpenBLAS

/// Two nonnegative matrices whose product approximates a nonnegative matrix X: X ≈ left · rightᵀ.
///
/// Found by coordinate descent on both in turn, until the projected gradient falls to 1/10,000 of its first value, at
/// most 200 times. Cichocki and Phan, Fast local algorithms for large scale nonnegative matrix and tensor
/// factorizations, 2009, as in scikit-learn's `NMF`.
package struct NonnegativeFactors {
  /// Rows of X × components.
  package private(set) var left: [Double]
  /// Columns of X × components.
  package private(set) var right: [Double]

  private static let tolerance = 1e-4
  private static let largestStepCount = 200

  /// Factorises a row-major matrix.
  ///
  /// - Parameters:
  ///   - left: rows × components nonnegative starting values.
  ///   - right: columns × components nonnegative starting values.
  package init(
    of matrix: [Double], rows: Int, columns: Int, components: Int, startingAt left: [Double], _ right: [Double]
  ) {
    precondition(matrix.count == rows * columns)
    precondition(left.count == rows * components && right.count == columns * components)
    self.left = left
    self.right = right
    var first = 0.0
    for step in 0..<Self.largestStepCount {
      var change = Self.descend(
        &self.left, along: self.right, components,
        towards: product(matrix, rows: rows, columns: columns, by: self.right, factorColumns: components))
      change += Self.descend(
        &self.right, along: self.left, components,
        towards: product(
          matrix, rows: rows, columns: columns, transposed: true, by: self.left, factorColumns: components))
      if step == 0 { first = change }
      if change <= Self.tolerance * first { break }
    }
  }

  /// Updates a factor, component by component, so that its product with the fixed one best approximates X.
  ///
  /// - Parameter target: X, or Xᵀ, times the fixed factor.
  /// - Returns: the sum of the magnitudes of the projected gradient.
  private static func descend(
    _ factor: inout [Double], along fixed: [Double], _ components: Int, towards target: [Double]
  ) -> Double {
    let curvature = gramMatrix(of: fixed, rows: fixed.count / components, columns: components, overRows: true)
    var change = 0.0
    for component in 0..<components {
      let own = curvature[component * components + component]
      for row in stride(from: 0, to: factor.count, by: components) {
        var slope = -target[row + component]
        for index in 0..<components { slope += curvature[component * components + index] * factor[row + index] }
        let value = factor[row + component]
        change += abs(value == 0 ? min(0, slope) : slope)
        if own != 0 { factor[row + component] = max(value - slope / own, 0) }
      }
    }
    return change
  }
}
