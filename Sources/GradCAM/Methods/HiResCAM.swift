/// HiResCAM: every activation weighted by its own gradient.
///
/// Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks, 2020.
struct HiResCAM: TapWeightingMethod {
  var summary: String { "each activation times its own gradient" }
  func weights(of tap: Tap) -> [Float] { tap.gradient }
}
