/// A feature map with weights: one for each channel, or one for each activation.
public struct Weighting: Sendable {
  /// The feature map.
  public let tap: Tap
  /// As many numbers as there are channels, or as many as there are activations.
  public let weights: [Float]

  /// Creates a weighting.
  public init(_ tap: Tap, weights: [Float]) {
    precondition(weights.count == tap.channels || weights.count == tap.activation.count)
    self.tap = tap
    self.weights = weights
  }

  /// Σ over channels of weight × activation.
  public func sum() -> HeatMap { tap.weightedSum(weights) }

  /// The first principal component of weight × activation, as in pytorch-grad-cam's `eigen_smooth`.
  ///
  /// Its sign, which the library leaves to its singular value routine, is that of the sum.
  public func principalComponent() throws -> HeatMap {
    let weightOf: (Int) -> Float = weights.count == tap.channels ? { weights[$0 / tap.plane] } : { weights[$0] }
    let products = tap.activation.indices.map { weightOf($0) * tap.activation[$0] }
    return try PrincipalComponent(of: products, tap).map(like: sum())
  }
}
