/// Grad-CAM: channels weighted by the mean of their gradient.
///
/// Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017.
struct GradCAMMethod: TapWeightingMethod {
  var summary: String { "channels weighted by their mean gradient" }
  func weights(of tap: Tap) -> [Float] { tap.meanGradient }
}
