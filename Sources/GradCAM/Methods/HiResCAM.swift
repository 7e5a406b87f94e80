/// HiResCAM: every activation weighted by its own gradient.
///
/// Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks, 2020.
struct HiResCAM: TapMethod {
  func map(of tap: Tap) -> HeatMap { tap.sum { $0 * $1 } }
}
