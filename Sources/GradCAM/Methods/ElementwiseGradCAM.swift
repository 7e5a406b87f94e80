/// HiResCAM of the products above 0 alone, as pytorch-grad-cam's GradCAMElementWise has it.
struct ElementwiseGradCAM: TapWeightingMethod {
  func weights(of tap: Tap) -> [Float] { zip(tap.activation, tap.gradient).map { $0 * $1 <= 0 ? 0 : $1 } }
}
