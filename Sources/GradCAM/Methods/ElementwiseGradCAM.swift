/// HiResCAM of the positive products alone, as in pytorch-grad-cam's GradCAMElementWise.
struct ElementwiseGradCAM: TapWeightingMethod {
  var summary: String { "each activation times its own gradient, only products above 0" }
  func weights(of tap: Tap) -> [Float] { zip(tap.activation, tap.gradient).map { $0 * $1 <= 0 ? 0 : $1 } }
}
