/// Grad-CAM++: channels weighted by the gradients above 0, each by the share α = g² ⁄ (2g² + g³ Σ A + ε) of its position.
///
/// Chattopadhay et al., Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, 2018; ε and the zeros of
/// α where g = 0 are pytorch-grad-cam's.
struct GradCAMPlusPlus: TapMethod {
  func map(of tap: Tap) -> HeatMap {
    tap.weightedSum(
      tap.byChannel { activation, gradient in
        let total = activation.reduce(0, +)
        return gradient.reduce(0) { sum, g in
          guard g > 0 else { return sum }
          return sum + g * (g * g / (2 * g * g + total * g * g * g + 1e-6))
        }
      })
  }
}
