/// Eigen-CAM: the first principal component of the positions' activations.
///
/// Class-agnostic. Its sign, which the definition leaves open, is that of the sum over channels.
/// Muhammad and Yeasin, Eigen-CAM: Class Activation Map using Principal Components, 2020.
struct EigenCAM: TapMethod {
  var summary: String { "the first principal component of the activation, whatever the class" }
  func map(of tap: Tap) throws -> HeatMap {
    try PrincipalComponent(of: tap.activation, tap).map(like: tap.sum { activation, _ in activation })
  }
}

/// Eigen-CAM of activation times gradient.
struct EigenGradCAM: TapMethod {
  var summary: String { "the first principal component of gradient times activation" }
  func map(of tap: Tap) throws -> HeatMap {
    let products = zip(tap.activation, tap.gradient).map { $0 * $1 }
    return try PrincipalComponent(of: products, tap).map(like: tap.sum { $0 * $1 })
  }
}

/// Seg-Eigen-CAM: Eigen-CAM of activation times the gradient's magnitude; the larger of its extremes is positive.
///
/// Chung and Ying, Seg-Eigen-CAM: Eigen-Value-Based Visual Explanations for Semantic Segmentation Models, 2025.
struct SegEigenCAM: TapMethod {
  var summary: String { "the first principal component of absolute gradient times activation" }
  func map(of tap: Tap) throws -> HeatMap {
    let products = zip(tap.activation, tap.gradient).map { $0 * abs($1) }
    let component = try PrincipalComponent(of: products, tap)
    let (low, high) = (component.scores.min() ?? 0, component.scores.max() ?? 0)
    return component.map(sign: abs(low) > abs(high) ? -1 : 1)
  }
}
