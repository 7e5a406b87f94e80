/// XGrad-CAM: channels weighted by the mean of their gradient, each position weighted by its activation.
///
/// Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs, 2020.
struct XGradCAM: TapWeightingMethod {
  var summary: String { "channels weighted by gradient times activation, as a share of the channel" }
  var epsilon: Float = 1e-7

  func following(_ source: Compatibility) -> any CAMMethod { XGradCAM(epsilon: source == .torchcam ? 1e-8 : 1e-7) }

  func weights(of tap: Tap) -> [Float] {
    tap.byChannel { activation, gradient in
      zip(activation, gradient).reduce(0) { $0 + $1.0 * $1.1 } / (activation.reduce(0, +) + epsilon)
    }
  }
}
