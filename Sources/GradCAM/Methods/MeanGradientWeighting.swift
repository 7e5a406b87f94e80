/// Grad-CAM: channels weighted by the mean of their gradient.
///
/// Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017.
struct MeanGradientWeighting: TapMethod {
  func map(of tap: Tap) -> HeatMap { tap.weightedSum(tap.meanGradient) }
}
