/// XGrad-CAM: channels weighted by the mean of their gradient, each position counting by its activation.
///
/// Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs, 2020.
struct XGradCAM: TapMethod {
  func map(of tap: Tap) -> HeatMap {
    tap.weightedSum(
      tap.byChannel { activation, gradient in
        zip(activation, gradient).reduce(0) { $0 + $1.0 * $1.1 } / (activation.reduce(0, +) + 1e-7)
      })
  }
}
