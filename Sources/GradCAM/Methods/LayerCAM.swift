/// LayerCAM: every activation weighted by its own gradient if that is positive.
///
/// Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, 2021.
struct LayerCAM: TapWeightingMethod {
  var summary: String { "each activation times its own gradient, if that is above 0" }
  func weights(of tap: Tap) -> [Float] { tap.gradient.map { max($0, 0) } }
}
