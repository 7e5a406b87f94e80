/// The feature explanation method: channels weighted by the share of their activations that are more than two standard
/// deviations above the mean.
///
/// Class-agnostic. Fuad et al., Features Understanding in 3D CNNs for Actions Recognition in Video, 2020.
struct FEM: TapWeightingMethod {
  var summary: String { "channels weighted by their outliers, whatever the class" }
  func weights(of tap: Tap) -> [Float] {
    tap.byChannel { activation, _ in
      let count = Float(activation.count), mean = activation.reduce(0, +) / count
      let variance = activation.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
      let threshold = mean + 2 * variance.squareRoot()
      return Float(activation.count { $0 > threshold }) / count
    }
  }
}
