/// HiResCAM of the products above 0 alone, as pytorch-grad-cam's GradCAMElementWise has it.
struct ElementwiseGradCAM: TapMethod {
  func map(of tap: Tap) -> HeatMap { tap.sum { max($0 * $1, 0) } }
}
